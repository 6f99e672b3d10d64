import type { Statement, Tx } from '@throughline/postgres';
import { taskColumns, toTask, type StoredTask, type TaskRow } from './task-row.js';

/**
 * $1 task. The instance first, then the task, everywhere: the engine holds the rows of its instances when it opens and closes tasks, and
 * whoever decides holds the task when the instance goes on. In the other order the two would wait for each other.
 */
const lockInstance: Statement = {
  name: 'lock-instance-of-task',
  text: `SELECT id FROM process_instance WHERE id = (SELECT instance_id FROM task WHERE id = $1) FOR UPDATE`,
};

/** $1 task. */
const lockOne: Statement = {
  name: 'lock-task',
  text: `SELECT ${taskColumns} FROM task WHERE id = $1 FOR UPDATE`,
};

/** Locks a task and, before it, the instance that it belongs to. */
export async function lockTask(tx: Tx, id: string): Promise<StoredTask | undefined> {
  const [, [row]] = await Promise.all([tx.query(lockInstance, [id]), tx.query<TaskRow>(lockOne, [id])]);
  return row && toTask(row);
}

/** $1 instances and units, whose instances are locked by whoever asks. */
const lockWaiting: Statement = {
  name: 'lock-waiting-tasks',
  text: `
    SELECT ${taskColumns} FROM task
      JOIN unnest($1::bigint[], $2::text[]) AS wanted (instance_id, unit) USING (instance_id, unit)
     WHERE ended_at IS NULL
     ORDER BY id
     FOR UPDATE OF task`,
};

/** Locks the tasks of these units that have not ended. */
export async function lockTasksOf(tx: Tx, units: { instanceId: string; unit: string }[]): Promise<StoredTask[]> {
  const rows = await tx.query<TaskRow>(lockWaiting, [
    units.map(({ instanceId }) => instanceId),
    units.map(({ unit }) => unit),
  ]);
  return rows.map(toTask);
}
