import { refused } from '../errors.js';
import { readForm } from '../form.js';
import type { Person } from '../people.js';
import { hasApproved, type Approval, type Verdict } from '../task.js';
import type { Said, Turn } from './turn.js';

/** One person's yes, which is the verdict where no second one is needed. @throws `TASK_FORM_INVALID` */
export function approve(turn: Turn, person: Person, given: Record<string, unknown>, entry: Said): void {
  const { task, now } = turn;
  const read = readForm(task.terms.form, given);
  if ('problems' in read) {
    const [first] = read.problems;
    const all = read.problems.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw refused('TASK_FORM_INVALID', `The form is not complete: ${all}.`, `values.${first!.field}`);
  }
  const { values } = read;
  const approval: Approval = { by: person.id, ...entry, at: now, values };
  task.approvals.push(approval);
  if (task.terms.fourEyes && task.approvals.length < 2) {
    turn.letGo();
    turn.note('seconding', {
      ...entry,
      details: { values },
      notified: turn.offered().filter((id) => !hasApproved(task, id)),
    });
    return;
  }
  settle(turn, 'approved', entry, values);
}

/** Ends the task, and with it the step of the process. */
export function settle(turn: Turn, verdict: Verdict['verdict'], entry: Said, values: Verdict['values']): void {
  const { task, by, now } = turn;
  // All that was answered counts: the second person may have filled in what the first had left open.
  const all = Object.assign({}, ...task.approvals.map((approval) => approval.values)) as Verdict['values'];
  turn.verdict = { verdict, by, ...entry, values: verdict === 'approved' ? { ...all, ...values } : {} };
  task.status = verdict;
  task.endedAt = now;
  turn.note(verdict, {
    ...entry,
    ...(Object.keys(values).length > 0 && { details: { values } }),
    notified: task.requestedBy ? [task.requestedBy] : [],
  });
}
