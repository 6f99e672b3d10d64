import { requesterBehind } from '../candidates.js';
import { refused } from '../errors.js';
import type { Person } from '../people.js';
import { candidateRoles, SYSTEM } from '../task.js';
import type { Turn } from './turn.js';

/** Says who was faster. */
export function ended(turn: Turn): Error {
  const { id, status, lastChange } = turn.task;
  const { by, at } = lastChange;
  const who = by === SYSTEM ? 'without a decision of a person' : `by ${turn.nameOf(by)}`;
  return refused('TASK_ENDED', `Task ${id} was ${status} ${who} at ${at}: nothing is left to be done.`);
}

export function changed(turn: Turn, seenVersion: number): Error {
  const { id, version, lastChange } = turn.task;
  const who = lastChange.by === SYSTEM ? 'Time' : turn.nameOf(lastChange.by);
  return refused(
    'TASK_CHANGED',
    `${who} was faster: task ${id} is ${lastChange.did} since ${lastChange.at} (version ${version}, and you saw ${seenVersion}). Look at it again.`,
  );
}

export function heldByAnother(turn: Turn, holder: string): Error {
  const { id } = turn.task;
  return refused('TASK_HELD', `${turn.nameOf(holder)} holds task ${id}: ask them to decide, release or assign it.`);
}

export function isSentBack(turn: Turn): Error {
  const { id, requestedBy } = turn.task;
  return refused(
    'TASK_SENT_BACK',
    `Task ${id} was sent back to ${turn.nameOf(requestedBy!)}: wait until they resubmit it.`,
  );
}

export function ownRequest(turn: Turn, person: Person): Error {
  const { task, now, around } = turn;
  const requester = requesterBehind(task, person.id, around.people, now)!;
  const whose =
    requester === person.id
      ? `${person.name} requested it`
      : `${person.name} acts for ${turn.nameOf(requester)}, who requested it`;
  return refused(
    'TASK_OWN_REQUEST',
    `Task ${task.id} is for somebody else to decide: ${whose}, and nobody decides on their own request.`,
  );
}

export function roleMissing(turn: Turn, person: Person, onBehalfOf: string | undefined): Error {
  const { task } = turn;
  const roles = candidateRoles(task).join(' or ');
  const whose =
    onBehalfOf === undefined || onBehalfOf === person.id ? '' : ` in the name of ${turn.nameOf(onBehalfOf)}`;
  return refused(
    'TASK_ROLE_MISSING',
    `${person.name} may not decide task ${task.id}${whose}: that takes ${roles}, of their own or by a delegation. Ask one of ${turn.offered().join(', ') || 'those who give out roles'}.`,
  );
}

export function secondPersonNeeded(turn: Turn): Error {
  const { id, approvals } = turn.task;
  const first = approvals
    .map(({ by, onBehalfOf }) => turn.nameOf(by) + (onBehalfOf ? ` for ${turn.nameOf(onBehalfOf)}` : ''))
    .join(', ');
  return refused(
    'TASK_SECOND_PERSON_NEEDED',
    `${first} approved task ${id} already, and it takes two people who have nothing to do with each other: leave it to another one.`,
  );
}

/** Of somebody to whom it cannot be given. */
export const unfit = (message: string): Error => refused('TASK_PERSON_UNFIT', message, 'to');
