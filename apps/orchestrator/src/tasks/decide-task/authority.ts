import { refused } from '../errors.js';
import { hasRole, type Person } from '../people.js';
import { candidateRoles, hasApproved } from '../task.js';
import { heldByAnother, ownRequest, roleMissing, secondPersonNeeded, unfit } from './refusals.js';
import type { Turn } from './turn.js';

/**
 * In whose name a person may act on this task: their own, or that of somebody who lets them.
 * @throws a refusal that says why in nobody's
 */
export function authority(turn: Turn, person: Person, onBehalfOf: string | undefined): Person {
  const { task, now } = turn;
  const { people } = turn.around;
  const absence = people.absenceOf(person.id, now);
  if (absence)
    throw refused(
      'TASK_ACTOR_ABSENT',
      `You are away until ${absence.endsAt}, and tasks are not offered to you: end that absence (${absence.id}) first.`,
    );
  if (turn.isRequester(person.id)) throw ownRequest(turn, person);
  const names = [person, ...people.delegatorsOf(person.id, now)];
  // Whoever was given this one task acts for who gave it, for as long as they hold it.
  const given = task.assignee === person.id && task.actsFor ? people.find(task.actsFor) : undefined;
  if (given) names.unshift(given);
  const able = names.filter((name) => hasRole(name, candidateRoles(task)));
  const chosen = able.filter(({ id }) => onBehalfOf === undefined || id === onBehalfOf);
  if (chosen.length === 0) throw roleMissing(turn, person, onBehalfOf);
  const fresh = chosen.filter(({ id }) => !hasApproved(task, id) && !hasApproved(task, person.id));
  if (fresh.length === 0) throw secondPersonNeeded(turn);
  const holder = task.assignee;
  if (holder === undefined || holder === person.id) return fresh[0]!;
  const ofHolder = fresh.find(({ id }) => id === holder || id === task.actsFor);
  if (ofHolder) return ofHolder;
  const above = task.escalatedAt && fresh.find((name) => hasRole(name, task.terms.escalateTo));
  if (above) return above;
  throw heldByAnother(turn, holder);
}

/**
 * Somebody to whom a task is given.
 * @throws `TASK_PERSON_UNFIT`, `TASK_OWN_REQUEST`
 */
export function recipient(turn: Turn, id: string): Person {
  const { people } = turn.around;
  const person = people.find(id);
  if (!person) throw unfit(`Nobody here is called "${id}": name somebody of the directory of people.`);
  const absence = people.absenceOf(id, turn.now);
  if (absence) throw unfit(`${person.name} is away until ${absence.endsAt}: name somebody who is there.`);
  if (turn.isRequester(id)) throw ownRequest(turn, person);
  return person;
}
