import type { Statement, Tx } from '@throughline/postgres';
import { insertTaskEvents } from './insert-task-events.js';
import type { Task, TaskEvent } from './task.js';
import { toColumns } from './task-row.js';

export interface NewTask {
  task: Task;
  audit: TaskEvent[];
  amount: string | null;
  currency: string | null;
  traceId: string | null;
}

/** $1 tasks. Returned in no order that could be relied on. */
const insert: Statement = {
  name: 'insert-tasks',
  text: `
    INSERT INTO task
      (instance_id, unit, process, key, checkpoint, status, version, roles, assignee, requested_by, requesters, approved_by, amount, currency,
       opened_at, due_at, ended_at, next_timer_at, trace_id, state)
    SELECT * FROM json_to_recordset($1::json) AS new
      (instance_id bigint, unit text, process text, key text, checkpoint text, status text, version int, roles text[], assignee text,
       requested_by text, requesters text[], approved_by text[], amount numeric, currency text, opened_at timestamptz, due_at timestamptz,
       ended_at timestamptz, next_timer_at timestamptz, trace_id text, state json)
    RETURNING id, instance_id AS "instanceId", unit`,
};

/** Stores tasks with their first entries, in the transaction in which the process asks for them. */
export async function insertTasks(tx: Tx, tasks: NewTask[]): Promise<void> {
  const rows = tasks.map(({ task, amount, currency, traceId }) => {
    const { instanceId, unit, process, key, checkpoint } = task.subject;
    const of = { instance_id: instanceId, unit, process, key, checkpoint, opened_at: task.openedAt };
    return { ...of, ...toColumns(task), amount, currency, trace_id: traceId };
  });
  const stored = await tx.query<{ id: string; instanceId: string; unit: string }>(insert, [JSON.stringify(rows)]);
  const idOf = new Map(stored.map(({ id, instanceId, unit }) => [`${instanceId}/${unit}`, id]));
  const noted = tasks.map(({ task, audit }) => {
    const id = idOf.get(`${task.subject.instanceId}/${task.subject.unit}`)!;
    return { task: { ...task, id }, audit };
  });
  insertTaskEvents(tx, noted);
}
