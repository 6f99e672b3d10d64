import type { Queryable, Statement } from '@throughline/postgres';

/** Tasks that wait, by where they stand. */
export interface TaskCount {
  checkpoint: string;
  status: string;
  count: number;
  overdue: number;
  /** Of the one that has waited longest. */
  ageSeconds: number;
}

/** $1 now. */
const count: Statement = {
  name: 'count-tasks',
  text: `
    SELECT checkpoint, status, count(*)::int AS count, (count(*) FILTER (WHERE due_at <= $1))::int AS overdue,
           extract(epoch FROM $1 - min(opened_at))::float8 AS "ageSeconds"
      FROM task WHERE ended_at IS NULL GROUP BY checkpoint, status`,
};

export function countTasks(database: Queryable, now: Date): Promise<TaskCount[]> {
  return database.query<TaskCount>(count, [now]);
}
