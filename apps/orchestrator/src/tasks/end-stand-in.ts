import type { Queryable, Statement } from '@throughline/postgres';

/** $1 id, $2 by, $3 at. Nothing where it is over. */
const end: Statement = {
  name: 'end-stand-in',
  text: `
    UPDATE task_stand_in SET ended_by = $2, ended_at = $3
     WHERE id = $1 AND ended_at IS NULL AND ends_at > $3 RETURNING id`,
};

/** Ends it before its time. @returns whether there was something to end */
export async function endStandIn(database: Queryable, id: string, by: string, now: Date): Promise<boolean> {
  return (await database.query(end, [id, by, now])).length > 0;
}
