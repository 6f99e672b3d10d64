import { hasApproved } from '../task.js';
import type { Turn } from './turn.js';
import { settle } from './verdict.js';

/** What somebody holds who has gone goes to who stands in for them, or back into the queue. */
export function returnFromAbsent(turn: Turn): void {
  const { task, now } = turn;
  const { people } = turn.around;
  const absence = task.assignee === undefined ? undefined : people.absenceOf(task.assignee, now);
  if (!absence) return;
  const away = people.find(absence.person);
  const standIn = people
    .delegatesOf(absence.person, now)
    .find(({ id }) => !people.absenceOf(id, now) && !turn.isRequester(id) && !hasApproved(task, id));
  // What was passed on to the absent person was not theirs to pass on.
  if (away && standIn && task.actsFor === undefined) turn.hold(standIn, away);
  else turn.letGo();
  turn.note('absence-began', {
    reason: `${turn.nameOf(absence.person)} is away until ${absence.endsAt}`,
    details: { from: absence.person, to: task.assignee ?? null },
    notified: turn.responsible(),
  });
}

/** Waiting ends: by a verdict, or by asking those above. */
export function expire(turn: Turn): void {
  const { task } = turn;
  const { irreversible } = turn.around;
  const { expires, escalateTo } = task.terms;
  let { onExpiry } = task.terms;
  delete task.expiresAt;
  let reason = `nobody decided within ${expires}`;
  // Or the requester would only have to keep silent to be approved.
  if (task.status === 'sent-back' && onExpiry === 'approve') onExpiry = escalateTo.length > 0 ? 'escalate' : 'reject';
  // A task of before may have such terms: who answers for the step decides, and not the time that has passed.
  if (onExpiry === 'approve' && irreversible !== undefined) {
    onExpiry = 'escalate';
    reason += `, and step ${irreversible} after it cannot be undone`;
    if (escalateTo.length === 0) task.terms = { ...task.terms, escalateTo: [task.subject.owner] };
  }
  if (onExpiry === 'escalate') {
    turn.note('expired', { reason });
    // Who did not answer cannot keep it from being decided.
    if (task.status === 'sent-back') turn.letGo();
    delete task.sentBack;
    escalate(turn, reason);
    return;
  }
  const verdict = onExpiry === 'approve' ? 'approved' : 'rejected';
  turn.note('expired', { reason, notified: turn.responsible() });
  settle(turn, verdict, { reason }, {});
}

export function remind(turn: Turn): void {
  delete turn.task.remindAt;
  turn.note('reminded', { notified: turn.responsible() });
}

/** From now on those above may decide, too. */
export function escalate(turn: Turn, reason: string): void {
  const { task, now } = turn;
  const { escalateTo } = task.terms;
  delete task.escalateAt;
  task.escalatedAt = now;
  turn.note('escalated', { reason, details: { to: escalateTo }, notified: turn.offered(escalateTo) });
}

export function followUp(turn: Turn): void {
  delete turn.task.followUpAt;
  turn.note('follow-up-reached', { notified: turn.responsible() });
}
