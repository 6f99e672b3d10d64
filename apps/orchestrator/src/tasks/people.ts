/** Somebody who may act. */
export interface Person {
  /** How actions name them: `x-actor`, `--as`. */
  id: string;
  name: string;
  roles: string[];
  email?: string;
  /** How other systems name them, such as the CRM's owner of a deal. */
  aliases: string[];
}

/** One person lets another act in their name for a time. */
export interface Delegation {
  id: string;
  from: string;
  to: string;
  startsAt: string;
  endsAt: string;
}

/** A person is away for a time. */
export interface Absence {
  id: string;
  person: string;
  startsAt: string;
  endsAt: string;
}

/** Whoever knows the people; a file today, the company's single sign-on later. */
export interface Directory {
  /** Everybody who has a role here. */
  read(): Promise<Person[]>;
}

/** Who is who, and who stands in for whom: what a decision about a task needs to know of people. */
export class People {
  constructor(
    private readonly persons: Person[],
    private readonly delegations: Delegation[] = [],
    private readonly absences: Absence[] = [],
  ) {}

  find(id: string): Person | undefined {
    return this.persons.find((person) => person.id === id);
  }

  /** By anything that names them: id, address, or what another system calls them; in capitals or not. */
  recognise(name: string): Person | undefined {
    const meant = toComparable(name);
    return this.persons.find((person) => namesOf(person).some((own) => toComparable(own) === meant));
  }

  withRole(roles: string[]): Person[] {
    return this.persons.filter((person) => hasRole(person, roles));
  }

  /** Those in whose name a person may act now. Nobody passes on what was passed to them. */
  delegatorsOf(id: string, now: string): Person[] {
    return this.among(
      this.delegations
        .filter(({ to }) => to === id)
        .filter(covers(now))
        .map(({ from }) => from),
    );
  }

  delegatesOf(id: string, now: string): Person[] {
    return this.among(
      this.delegations
        .filter(({ from }) => from === id)
        .filter(covers(now))
        .map(({ to }) => to),
    );
  }

  /** The absence that a person is in now. */
  absenceOf(id: string, now: string): Absence | undefined {
    return this.absences.filter(({ person }) => person === id).find(covers(now));
  }

  private among(ids: string[]): Person[] {
    return this.persons.filter(({ id }) => ids.includes(id));
  }
}

/** One of these roles, at least. */
export const hasRole = ({ roles }: Pick<Person, 'roles'>, wanted: string[]): boolean =>
  roles.some((role) => wanted.includes(role));

/** All that names a person. */
export const namesOf = ({ id, email, aliases }: Pick<Person, 'id' | 'email' | 'aliases'>): string[] => [
  id,
  ...(email ? [email] : []),
  ...aliases,
];

/** What is the same for two ways in which people write one name. */
export const toComparable = (name: string): string => name.trim().normalize('NFC').toLowerCase();

const covers =
  (now: string) =>
  ({ startsAt, endsAt }: { startsAt: string; endsAt: string }): boolean =>
    startsAt <= now && now < endsAt;
