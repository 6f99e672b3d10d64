import type { Statement, Tx } from '@throughline/postgres';
import { insertTaskEvents } from './insert-task-events.js';
import type { Task, TaskEvent } from './task.js';
import { toColumns } from './task-row.js';

/** $1 ids and columns of tasks. */
const update: Statement = {
  name: 'save-tasks',
  text: `
    UPDATE task SET
      status = changed.status, version = changed.version, roles = changed.roles, assignee = changed.assignee,
      requested_by = changed.requested_by, requesters = changed.requesters, approved_by = changed.approved_by, due_at = changed.due_at, ended_at = changed.ended_at,
      next_timer_at = changed.next_timer_at, state = changed.state
    FROM json_to_recordset($1::json) AS changed
      (id bigint, status text, version int, roles text[], assignee text, requested_by text, requesters text[], approved_by text[], due_at timestamptz,
       ended_at timestamptz, next_timer_at timestamptz, state json)
    WHERE task.id = changed.id`,
};

/** Writes back what was done to tasks that are locked, with its entries. Not awaited: it travels with COMMIT. */
export function saveTasks(tx: Tx, changes: { task: Task; audit: TaskEvent[] }[]): void {
  const changed = changes.filter(({ audit }) => audit.length > 0);
  if (changed.length === 0) return;
  const rows = changed.map(({ task }) => ({ id: task.id, ...toColumns(task) }));
  void tx.query(update, [JSON.stringify(rows)]);
  insertTaskEvents(tx, changed);
}
