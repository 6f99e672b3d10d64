import { refused } from '../errors.js';
import { hasRole, type Person } from '../people.js';
import { candidateRoles, hasApproved } from '../task.js';
import type { ActionOf } from './action.js';
import { authority, recipient } from './authority.js';
import { isSentBack, ownRequest, secondPersonNeeded, unfit } from './refusals.js';
import { said, type Said, type Turn } from './turn.js';

export function claim(turn: Turn, person: Person, principal: Person, entry: Said): void {
  const { task } = turn;
  if (task.assignee === person.id)
    throw refused('TASK_HELD', `You hold task ${task.id} already: decide it, or release it.`);
  turn.hold(person, principal);
  turn.note('claimed', entry);
}

export function release(turn: Turn, entry: Said): void {
  const { task } = turn;
  if (!task.assignee) throw refused('TASK_NOT_HELD', `Nobody holds task ${task.id}: there is nothing to release.`);
  turn.letGo();
  turn.note('released', { ...entry, notified: turn.offered() });
}

/** Whoever holds it hands it on; while nobody does, any candidate gives it out; those above may at any time. */
export function assign(turn: Turn, person: Person, { to, reason }: ActionOf<'assign'>): void {
  const { task } = turn;
  if (task.status === 'sent-back') throw isSentBack(turn);
  if (turn.isRequester(person.id)) throw ownRequest(turn, person);
  const principal = hasRole(person, task.terms.escalateTo) ? person : authority(turn, person, undefined);
  const target = recipient(turn, to);
  const roles = candidateRoles(task);
  if (!hasRole(target, roles))
    throw unfit(`${target.name} has none of ${roles.join(', ')}: assign it to one of ${turn.offered().join(', ')}.`);
  if (hasApproved(task, target.id)) throw secondPersonNeeded(turn);
  turn.hold(target, target);
  turn.note('assigned', {
    ...said(person.id, principal.id, reason),
    details: { to: target.id },
    notified: [target.id],
  });
}

/** Who was given it acts in the name of who gave it, and does not pass that on. */
export function delegate(turn: Turn, person: Person, principal: Person, to: string, entry: Said): void {
  if (principal.id !== person.id)
    throw refused(
      'TASK_ROLE_MISSING',
      `You act for ${principal.name} here, and that is not passed on: let them delegate it, or release it.`,
    );
  const target = recipient(turn, to);
  if (target.id === person.id) throw unfit('You cannot delegate a task to yourself: claim it.');
  if (hasApproved(turn.task, target.id)) throw secondPersonNeeded(turn);
  turn.hold(target, principal);
  turn.note('delegated', { ...entry, details: { to: target.id }, notified: [target.id] });
}

/** Whoever says when they look at it again holds it. */
export function setFollowUp(turn: Turn, person: Person, principal: Person, at: string | null, entry: Said): void {
  const { task, now } = turn;
  if (at !== null && at <= now)
    throw refused(
      'TASK_FOLLOW_UP_PAST',
      `${at} is over: name a time to come, or none to take the follow-up back.`,
      'at',
    );
  turn.hold(person, principal);
  delete task.followUpAt;
  if (at !== null) task.followUpAt = at;
  turn.note('follow-up-set', { ...entry, details: { at } });
}
