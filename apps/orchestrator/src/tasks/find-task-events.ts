import type { Queryable, Statement } from '@throughline/postgres';
import type { PolicyOutcome } from '@throughline/process';
import type { TaskEvent } from './task.js';

/** An entry as it was kept, with the facts and the policy where something was decided. */
export type StoredTaskEvent = Omit<TaskEvent, 'at' | 'onBehalfOf' | 'reason' | 'details'> & {
  id: string;
  taskId: string;
  at: Date;
  onBehalfOf: string | null;
  reason: string | null;
  details: Record<string, unknown> | null;
  policy: PolicyOutcome | null;
  facts: Record<string, unknown> | null;
};

const columns = `
  id, task_id AS "taskId", at, kind, actor AS by, on_behalf_of AS "onBehalfOf", reason, details, status, version, notified, policy, facts`;

/** $1 task. */
const ofTask: Statement = {
  name: 'find-task-events',
  text: `SELECT ${columns} FROM task_event WHERE task_id = $1 ORDER BY version`,
};

/** Everything that was done with a task, the first entry first. */
export function findTaskEvents(database: Queryable, taskId: string): Promise<StoredTaskEvent[]> {
  return database.query<StoredTaskEvent>(ofTask, [taskId]);
}

/** $1 person, $2 after, $3 limit. */
const toldTo: Statement = {
  name: 'find-task-events-told',
  text: `SELECT ${columns} FROM task_event WHERE notified @> ARRAY[$1::text] AND id > $2 ORDER BY id LIMIT $3`,
};

/** What a person was told, in the order of time, so that a mailer or a page can go on where it was. */
export function findTold(
  database: Queryable,
  person: string,
  after: string,
  limit: number,
): Promise<StoredTaskEvent[]> {
  return database.query<StoredTaskEvent>(toldTo, [person, after, limit]);
}
