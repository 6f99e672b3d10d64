import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { namesOf, toComparable, type Directory, type Person } from './people.js';

const id = z.string().regex(/^[a-z0-9][a-z0-9._@-]{0,99}$/, {
  error: 'must be lower-case letters, digits, ".", "_", "@" or "-", for example ada.lovelace',
});
const role = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'must be a role, for example credit-controller' });

const person = z.strictObject({
  id: id.refine((name) => name !== 'system', { error: 'is who acts where nobody does' }),
  name: z.string().trim().min(1).max(200),
  email: z.email().optional(),
  roles: z.array(role).default([]),
  aliases: z.array(z.string().min(1)).default([]),
});
const file = z.strictObject({ people: z.array(person).min(1) }).check(({ value, issues }) => {
  const names = value.people.flatMap(({ id: own, email, aliases }) => {
    const all = namesOf({ id: own, aliases, ...(email && { email }) });
    return [...new Set(all.map(toComparable))];
  });
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) issues.push({ code: 'custom', path: ['people'], message: `"${twice}" names two people`, input: value });
});

/** Where this app keeps the people it ships with: those of the quick start. */
const SHIPPED = new URL('../../people.yaml', import.meta.url);

/** The people of a YAML file, read once. */
export class FileDirectory implements Directory {
  private readonly persons: Person[];

  /** @throws where the file cannot be read or says something else; every problem with its path */
  constructor(path: URL | string = SHIPPED) {
    const result = file.safeParse(parse(readFileSync(path, 'utf8')));
    if (!result.success) {
      const problems = result.error.issues.map(({ path: at, message }) => `  - ${at.join('.')}: ${message}`);
      throw new Error(`The directory of people ${String(path)} cannot be used:\n${problems.join('\n')}`);
    }
    this.persons = result.data.people.map(({ email, ...rest }) => ({ ...rest, ...(email && { email }) }));
  }

  read(): Promise<Person[]> {
    return Promise.resolve(this.persons);
  }
}
