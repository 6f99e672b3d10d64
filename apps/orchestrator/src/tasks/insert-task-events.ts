import type { Statement, Tx } from '@throughline/postgres';
import type { Task, TaskEvent, TaskEventKind } from './task.js';

/** Entries that say what was decided also keep on which facts, and by which version of which policy. */
const EVIDENCE: TaskEventKind[] = ['opened', 'seconding', 'approved', 'rejected', 'sent-back', 'expired'];

/** $1 entries. */
const insert: Statement = {
  name: 'insert-task-events',
  text: `
    INSERT INTO task_event
      (task_id, at, kind, actor, on_behalf_of, reason, details, status, version, notified, policy, facts)
    SELECT * FROM json_to_recordset($1::json) AS new
      (task_id bigint, at timestamptz, kind text, actor text, on_behalf_of text, reason text, details jsonb, status text, version int,
       notified text[], policy jsonb, facts jsonb)`,
};

/** Adds to what is kept for good. Not awaited: it travels with COMMIT and decides its outcome. */
export function insertTaskEvents(tx: Tx, noted: { task: Task; audit: TaskEvent[] }[]): void {
  const rows = noted.flatMap(({ task, audit }) =>
    audit.map(({ by, onBehalfOf, ...entry }) => ({
      ...entry,
      task_id: task.id,
      actor: by,
      on_behalf_of: onBehalfOf,
      ...(EVIDENCE.includes(entry.kind) && { policy: task.policy, facts: task.facts }),
    })),
  );
  if (rows.length > 0) void tx.query(insert, [JSON.stringify(rows)]);
}
