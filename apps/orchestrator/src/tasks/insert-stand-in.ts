import type { Queryable, Statement } from '@throughline/postgres';
import type { StandIn } from './stand-in.js';

/** $1 kind, $2 person, $3 delegate, $4 start, $5 end, $6 reason, $7 by, $8 at. */
const insert: Statement = {
  name: 'insert-stand-in',
  text: `
    INSERT INTO task_stand_in (kind, person, delegate, starts_at, ends_at, reason, made_by, made_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
};

/** @returns its id */
export async function insertStandIn(database: Queryable, standIn: StandIn, by: string, now: Date): Promise<string> {
  const { kind, person, delegate, startsAt, endsAt, reason } = standIn;
  const values = [kind, person, delegate, startsAt, endsAt, reason, by, now];
  const [row] = await database.query<{ id: string }>(insert, values);
  return row!.id;
}
