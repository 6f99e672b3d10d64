import type { Action, ActionOf, Actor } from './decide-task/action.js';
import { attach } from './decide-task/attach.js';
import { authority } from './decide-task/authority.js';
import { assign, claim, delegate, release, setFollowUp } from './decide-task/holding.js';
import { changed, ended, isSentBack } from './decide-task/refusals.js';
import { resubmit, sendBack } from './decide-task/send-back.js';
import { escalate, expire, followUp, remind, returnFromAbsent } from './decide-task/time.js';
import { said, Turn, type Circumstances, type DecidedTask } from './decide-task/turn.js';
import { approve, settle } from './decide-task/verdict.js';
import { actorUnknown, refused } from './errors.js';
import type { Person } from './people.js';
import { hasEnded, SYSTEM, type Task } from './task.js';

/**
 * What a person's action does to a task. Pure: `before` is not changed.
 * @throws a refusal (`TASK_...`) whose message says what to do instead
 */
export function decideTask(
  before: Task,
  action: Action,
  { id, onBehalfOf, seenVersion }: Actor,
  now: string,
  around: Circumstances,
): DecidedTask {
  const turn = new Turn(before, id, now, around);
  const person = around.people.find(id);
  if (!person) throw actorUnknown(id);
  if (hasEnded(before)) throw ended(turn);
  if (seenVersion !== undefined && seenVersion !== before.version) throw changed(turn, seenVersion);
  if ((action.kind === 'reject' || action.kind === 'send-back') && !action.reason?.trim())
    throw refused(
      'TASK_REASON_MISSING',
      `Say why: a task that is ${action.kind === 'reject' ? 'rejected' : 'sent back'} needs a reason.`,
      'reason',
    );
  act(turn, action, person, onBehalfOf);
  return turn.decided();
}

function act(turn: Turn, action: Action, person: Person, onBehalfOf: string | undefined): void {
  switch (action.kind) {
    case 'resubmit':
      return resubmit(turn, person, action.reason);
    case 'add-attachment':
      return attach(turn, person, action);
    case 'assign':
      return assign(turn, person, action);
    case 'claim':
    case 'release':
    case 'delegate':
    case 'approve':
    case 'reject':
    case 'send-back':
    case 'set-follow-up':
      return actByAuthority(turn, action, person, onBehalfOf);
  }
}

/** What only those may do who may decide. */
function actByAuthority(
  turn: Turn,
  action: Exclude<Action, ActionOf<'resubmit' | 'add-attachment' | 'assign'>>,
  person: Person,
  onBehalfOf: string | undefined,
): void {
  if (turn.task.status === 'sent-back') throw isSentBack(turn);
  const principal = authority(turn, person, onBehalfOf);
  const entry = said(person.id, principal.id, action.reason);
  switch (action.kind) {
    case 'claim':
      return claim(turn, person, principal, entry);
    case 'release':
      return release(turn, entry);
    case 'delegate':
      return delegate(turn, person, principal, action.to, entry);
    case 'set-follow-up':
      return setFollowUp(turn, person, principal, action.at, entry);
    case 'approve':
      return approve(turn, person, action.values ?? {}, entry);
    case 'reject':
      return settle(turn, 'rejected', entry, {});
    case 'send-back':
      return sendBack(turn, action, entry);
  }
}

/** What time does to a task: remind, escalate, expire, and take it from whoever is away. Without effect before its time. */
export function passTime(before: Task, now: string, around: Circumstances): DecidedTask {
  const turn = new Turn(before, SYSTEM, now, around);
  const { task } = turn;
  const isDue = (at: string | undefined): boolean => at !== undefined && at <= now;
  if (hasEnded(task)) return turn.decided();
  returnFromAbsent(turn);
  if (isDue(task.expiresAt)) expire(turn);
  if (hasEnded(task)) return turn.decided();
  if (isDue(task.remindAt)) remind(turn);
  if (isDue(task.escalateAt)) escalate(turn, `not decided by ${task.escalateAt}`);
  if (isDue(task.followUpAt)) followUp(turn);
  return turn.decided();
}

/**
 * Somebody changed what is asked for, and nobody is asked anew by that: they do not decide on it either, and what they hold or have approved
 * counts no more. `requesters` are ids, the latest last. Without effect where all of them are known.
 */
export function joinRequesters(before: Task, requesters: string[], now: string, around: Circumstances): DecidedTask {
  const turn = new Turn(before, SYSTEM, now, around);
  const { task } = turn;
  const joined = requesters.filter((id) => !task.requesters.includes(id));
  if (hasEnded(task) || joined.length === 0) return turn.decided();
  task.requesters.push(...joined);
  // What was sent back is answered by whom it was sent to.
  if (task.status !== 'sent-back') task.requestedBy = requesters.at(-1)!;
  const isTheirs = (...ids: (string | undefined)[]): boolean =>
    ids.some((id) => id !== undefined && turn.isRequester(id));
  task.approvals = task.approvals.filter(({ by, onBehalfOf }) => !isTheirs(by, onBehalfOf));
  if (isTheirs(task.assignee, task.actsFor)) turn.letGo();
  turn.note('requester-joined', {
    reason: `${joined.map((id) => turn.nameOf(id)).join(' and ')} changed what is asked for`,
    details: { requesters: joined },
    notified: task.status === 'sent-back' ? [] : turn.responsible(),
  });
  return turn.decided();
}

/** The process needs no decision any more. Without effect on a task that has ended. */
export function withdrawTask(before: Task, reason: string, now: string): DecidedTask {
  if (hasEnded(before)) return { task: before, audit: [] };
  const version = before.version + 1;
  const lastChange = { by: SYSTEM, did: 'withdrawn', at: now } as const;
  const task: Task = { ...before, status: 'withdrawn', version, endedAt: now, lastChange };
  const notified = before.assignee ? [before.assignee] : [];
  return { task, audit: [{ kind: 'withdrawn', by: SYSTEM, at: now, reason, status: 'withdrawn', version, notified }] };
}
