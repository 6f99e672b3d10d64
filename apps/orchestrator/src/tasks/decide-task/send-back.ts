import { parseDuration } from '@throughline/process';
import { isRequester } from '../candidates.js';
import { refused } from '../errors.js';
import { deadlines } from '../open-task.js';
import type { Person } from '../people.js';
import type { ActionOf } from './action.js';
import { recipient } from './authority.js';
import { unfit } from './refusals.js';
import { said, type Said, type Turn } from './turn.js';

/** Asks the requester, who has to answer before anybody decides. */
export function sendBack(turn: Turn, { reason, to }: ActionOf<'send-back'>, entry: Said): void {
  const { task, by, now } = turn;
  if (to !== undefined && task.requestedBy !== undefined && task.requestedBy !== to)
    throw unfit(`${turn.nameOf(task.requestedBy)} requested this and has to answer: leave out to.`);
  if (to === by) throw unfit('You cannot send a task back to yourself: release it.');
  // Where nobody was known it is their request from now on: who answers for it does not decide about it.
  if (to !== undefined && task.requestedBy === undefined) {
    task.requestedBy = recipient(turn, to).id;
    task.requesters.push(task.requestedBy);
  }
  if (task.requestedBy === undefined)
    throw refused(
      'TASK_REQUESTER_UNKNOWN',
      'Nobody is known who requested this: say who has to answer, in `to` (on the command line --to <person>).',
      'to',
    );
  const text = reason!.trim();
  task.sentBack = { by, reason: text, at: now };
  // What was approved was another request.
  task.approvals.length = 0;
  turn.letGo('sent-back');
  // While the requester has it, nobody is late; only the end stays.
  delete task.dueAt;
  delete task.remindAt;
  delete task.escalateAt;
  turn.note('sent-back', {
    ...entry,
    reason: text,
    details: { to: task.requestedBy },
    notified: [task.requestedBy],
  });
}

/** The requester's answer: it is to be decided again, as if asked for now. */
export function resubmit(turn: Turn, person: Person, reason: string | undefined): void {
  const { task, now } = turn;
  const { people, later } = turn.around;
  if (task.status !== 'sent-back')
    throw refused('TASK_NOT_SENT_BACK', `Task ${task.id} was not sent back: there is nothing to answer.`);
  const requestedBy = task.requestedBy!;
  // Of several requesters the latest: what the others asked for is not what is asked for now.
  if (!isRequester({ requesters: [requestedBy] }, person.id, people, now))
    throw refused(
      'TASK_ROLE_MISSING',
      `Task ${task.id} was sent back to ${turn.nameOf(requestedBy)}: only they, or who acts for them, answer.`,
    );
  const { by: sender } = task.sentBack!;
  delete task.sentBack;
  task.status = 'open';
  Object.assign(task, deadlines(task.terms, now, later));
  const { expires, onExpiry } = task.terms;
  // An answer at the last moment must not leave nobody the time to say no.
  if (expires && onExpiry === 'approve') task.expiresAt = later(now, parseDuration(expires)!);
  // Back to who asked, as long as they are there.
  const asked = people.find(sender);
  if (asked && turn.offered().includes(sender)) turn.hold(asked, asked);
  turn.note('resubmitted', { ...said(person.id, requestedBy, reason), notified: turn.responsible() });
}
