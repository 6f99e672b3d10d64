import type { Queryable } from '@throughline/postgres';
import type { Status } from '../state.js';

export interface Statistics {
  counts: Partial<Record<Status, number>>;
  /** From the event that started an instance to its end, in milliseconds; null while none has completed. */
  completed: { count: number; p50Ms: number | null; p99Ms: number | null };
  /** From each command to its outcome, in milliseconds: the baseline per stage; of a repeated step, all its runs. */
  steps: { step: string; direction: 'forward' | 'compensation'; count: number; p50Ms: number; p99Ms: number }[];
}

const ofProcess = `($2::text IS NULL OR process = $2)`;

const counts = {
  name: 'process-count-by-status',
  text: `
    SELECT status, count(*)::int AS count FROM process_instance
    WHERE created_at >= $1 AND ${ofProcess} GROUP BY status`,
};

const percentiles = (from: string, to: string): string => `
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ${to} - ${from}) * 1000)::float8 AS "p50Ms",
  percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM ${to} - ${from}) * 1000)::float8 AS "p99Ms"`;

const completed = {
  name: 'process-completed-durations',
  text: `
    SELECT count(*)::int AS count, ${percentiles('started_at', 'ended_at')}
    FROM process_instance WHERE status = 'completed' AND created_at >= $1 AND ${ofProcess}`,
};

const steps = {
  name: 'process-step-durations',
  text: `
    SELECT split_part(step, '/', 1) AS step, direction, count(*)::int AS count, ${percentiles('commanded_at', 'outcome_at')}
    FROM process_step WHERE commanded_at >= $1
      AND ($2::text IS NULL OR EXISTS (SELECT FROM process_instance WHERE id = instance_id AND process = $2))
    GROUP BY 1, 2 ORDER BY direction DESC, min(commanded_at)`,
};

/** Counts and durations of what began since a moment, of one process or of all. */
export async function readStatistics(database: Queryable, since: Date, process?: string): Promise<Statistics> {
  const [byStatus, [done], bySteps] = await Promise.all([
    database.query<{ status: Status; count: number }>(counts, [since, process ?? null]),
    database.query<Statistics['completed']>(completed, [since, process ?? null]),
    database.query<Statistics['steps'][number]>(steps, [since, process ?? null]),
  ]);
  return {
    counts: Object.fromEntries(byStatus.map(({ status, count }) => [status, count])),
    completed: done ?? { count: 0, p50Ms: null, p99Ms: null },
    steps: bySteps,
  };
}
