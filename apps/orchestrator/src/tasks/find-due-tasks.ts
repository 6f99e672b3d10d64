import type { Queryable, Statement } from '@throughline/postgres';

/**
 * $1 now, $2 after, $3 limit. Tasks whose time has come, and those whose holder is away: an absence that is told today may have begun
 * today, so it is looked up and not remembered.
 */
const find: Statement = {
  name: 'find-due-tasks',
  text: `
    SELECT id FROM task WHERE next_timer_at <= $1 AND id > $2
    UNION
    SELECT task.id FROM task_stand_in absence JOIN task ON task.assignee = absence.person AND task.ended_at IS NULL
     WHERE absence.kind = 'absence' AND absence.ended_at IS NULL AND absence.starts_at <= $1 AND absence.ends_at > $1 AND task.id > $2
    ORDER BY id LIMIT $3`,
};

/** Ids of up to `limit` tasks that time has to do something with, beyond those up to `after`. */
export async function findDueTasks(database: Queryable, now: Date, after: string, limit: number): Promise<string[]> {
  const rows = await database.query<{ id: string }>(find, [now, after, limit]);
  return rows.map(({ id }) => id);
}
