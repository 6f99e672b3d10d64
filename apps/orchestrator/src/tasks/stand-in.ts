import { actorUnknown, refused } from './errors.js';
import type { People } from './people.js';

/** For a time somebody acts in the name of another, or somebody is away. */
export interface StandIn {
  kind: 'delegation' | 'absence';
  person: string;
  /** Of a delegation: who acts. */
  delegate: string | null;
  startsAt: string;
  endsAt: string;
  reason: string | null;
}

/** Whose word on the absence of others counts: who falls ill says nothing any more. */
const PEOPLE_ADMINISTRATOR = 'people-administrator';

/**
 * Authority is given by whoever has it; an absence may also be told by those who look after people.
 * @throws `STAND_IN_INVALID`, `STAND_IN_NOT_YOURS`
 */
export function checkStandIn(wanted: StandIn, by: string, now: string, people: People): void {
  const { kind, person, delegate, startsAt, endsAt } = wanted;
  checkOwner(wanted, by, people);
  if (!people.find(person)) throw refused('STAND_IN_INVALID', `Nobody here is called "${person}".`, 'person');
  if (endsAt <= startsAt || endsAt <= now)
    throw refused(
      'STAND_IN_INVALID',
      `It would be over at ${endsAt}: name an end that is to come, after its start.`,
      'endsAt',
    );
  if (kind === 'absence') return;
  if (!people.find(delegate!))
    throw refused(
      'STAND_IN_INVALID',
      `Nobody here is called "${delegate}": name somebody of the directory of people.`,
      'delegate',
    );
  if (delegate === person) throw refused('STAND_IN_INVALID', 'You act in your own name anyway.', 'delegate');
}

/**
 * Who was given authority may give it back, too: else a requester could keep everybody from deciding, by delegating to them.
 * @throws `STAND_IN_NOT_YOURS`
 */
export function checkEnd(standIn: Pick<StandIn, 'kind' | 'person' | 'delegate'>, by: string, people: People): void {
  if (by === standIn.delegate && people.find(by)) return;
  checkOwner(standIn, by, people);
}

function checkOwner({ kind, person }: Pick<StandIn, 'kind' | 'person'>, by: string, people: People): void {
  const actor = people.find(by);
  if (!actor) throw actorUnknown(by);
  if (by === person || (kind === 'absence' && actor.roles.includes(PEOPLE_ADMINISTRATOR))) return;
  const who = kind === 'absence' ? `${person} or a ${PEOPLE_ADMINISTRATOR}` : `${person} alone`;
  throw refused('STAND_IN_NOT_YOURS', `That is for ${who} to say: act as one of them.`);
}
