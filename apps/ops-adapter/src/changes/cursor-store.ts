import type { Queryable } from '@throughline/postgres';

export type CursorName = 'orders' | 'draft-orders';

const claim = {
  name: 'poll-cursor-claim',
  text: `UPDATE poll_cursor SET holder = $2, leased_until = now() + $3 * interval '1 ms'
    WHERE name = $1 AND (leased_until < now() OR holder = $2)
    RETURNING to_char(polled_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS cursor`,
};

/** Takes the poll for a while. @returns `undefined` while another instance has it; otherwise how far it came. */
export async function claimCursor(
  database: Queryable,
  name: CursorName,
  holder: string,
  leaseMs: number,
): Promise<{ cursor: string | null } | undefined> {
  return (await database.query<{ cursor: string | null }>(claim, [name, holder, leaseMs]))[0];
}

const move = {
  name: 'poll-cursor-move',
  text: `UPDATE poll_cursor SET polled_until = $3, finished_at = now() WHERE name = $1 AND holder = $2`,
};

/** Keeps how far the poll came; an instance that lost its lease meanwhile keeps nothing. */
export async function moveCursor(database: Queryable, name: CursorName, holder: string, cursor: string): Promise<void> {
  await database.query(move, [name, holder, cursor]);
}

const release = {
  name: 'poll-cursor-release',
  text: `UPDATE poll_cursor SET leased_until = '-infinity' WHERE holder = $1`,
};

/** So that another instance need not wait for the lease to end. */
export async function releaseCursors(database: Queryable, holder: string): Promise<void> {
  await database.query(release, [holder]);
}
