import type { Queryable, Statement } from '@throughline/postgres';
import type { Undecided } from '@throughline/process';

/** $1 instances. */
const ofInstances: Statement = {
  name: 'find-undecided-tasks',
  text: `
    SELECT instance_id AS "instanceId", unit, ended_at AS "endedAt" FROM task
    WHERE instance_id = ANY($1::bigint[]) AND status <> ALL('{approved,rejected}'::text[])
    ORDER BY id`,
};

/** What nobody decided of these instances: what waits still, and what was withdrawn. */
export async function findUndecided(database: Queryable, instanceIds: string[]): Promise<Map<string, Undecided[]>> {
  type Row = { instanceId: string; unit: string; endedAt: Date | null };
  const rows = await database.query<Row>(ofInstances, [instanceIds]);
  return new Map(
    [...Map.groupBy(rows, ({ instanceId }) => instanceId)].map(([id, tasks]) => [
      id,
      tasks.map(({ unit, endedAt }) => ({ unit, ...(endedAt && { endedAt: endedAt.toISOString() }) })),
    ]),
  );
}
