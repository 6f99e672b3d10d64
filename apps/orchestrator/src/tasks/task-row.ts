import { candidateRoles, nextTimerAt, type Task } from './task.js';

/** A task as it is stored: what the database knows beside it is not part of any decision. */
export interface StoredTask extends Task {
  /** What is at risk. */
  amount: string | null;
  currency: string | null;
  traceId: string | null;
}

/** A task as the database gives it back. */
export interface TaskRow {
  id: string;
  amount: string | null;
  currency: string | null;
  traceId: string | null;
  state: Omit<Task, 'id'>;
}

export const taskColumns = `task.id, task.amount::text, task.currency, task.trace_id AS "traceId", task.state`;

export const toTask = ({ state, ...row }: TaskRow): StoredTask => ({ ...state, ...row });

/** The columns that follow from a task and are written with it: what is looked for, and all of it. */
export function toColumns(task: Task): Record<string, unknown> {
  const { id, amount, currency, traceId, ...state } = task as StoredTask;
  return {
    status: task.status,
    version: task.version,
    roles: candidateRoles(task),
    assignee: task.assignee,
    requested_by: task.requestedBy,
    requesters: task.requesters,
    approved_by: task.approvals.flatMap(({ by, onBehalfOf }) => (onBehalfOf ? [by, onBehalfOf] : [by])),
    due_at: task.dueAt,
    ended_at: task.endedAt,
    next_timer_at: nextTimerAt(task),
    state,
  };
}
