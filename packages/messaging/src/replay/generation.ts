import type { Database, Queryable, Statement, Tx } from '@throughline/postgres';
import { notReplayable, rebuildBlocked } from '../errors.js';
import type { Routes } from '../routes.js';

/** @throws `MSG_NOT_REPLAYABLE` with the routes that stand against it */
export function checkReplayable({ group, routes, jobs }: Routes): void {
  const entries = Object.entries(routes);
  const effects = [
    ...entries.filter(([, route]) => route.kind === 'effect').map(([type]) => type),
    ...Object.keys(jobs),
  ];
  const others = entries.filter(([, route]) => route.kind === 'state' && !route.replayable).map(([type]) => type);
  if (effects.length > 0) throw notReplayable(group, `it has effects, which would happen again (${some(effects)})`);
  if (others.length > 0) throw notReplayable(group, `${some(others)} are not declared replayable`);
}

function some(names: string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

/** The rebuild that has the inbox to itself, if any. */
export async function rebuildOf(database: Queryable, consumer: string): Promise<string | undefined> {
  const [row] = await database.query<{ rebuild: string | null }>(readRebuild, [consumer]);
  return row?.rebuild ?? undefined;
}

/** @throws `MSG_REBUILD_BLOCKED` while messages wait here that history would bring once more */
export async function checkNothingWaits(database: Queryable, consumer: string): Promise<void> {
  const [{ parked, letters }] = (await database.query<{ parked: number; letters: number }>(countWaiting, [
    consumer,
  ])) as [{ parked: number; letters: number }];
  if (parked > 0) throw rebuildBlocked(`${parked} parked messages`);
  if (letters > 0) throw rebuildBlocked(`${letters} dead letters`);
}

/**
 * From the COMMIT on nobody but this rebuild takes anything in, and what the handlers had written is gone: in one transaction, because
 * half of it would be wrong for ever. The lock waits for every batch that is on its way.
 */
export async function openGeneration(database: Database, routes: Routes, id: string): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query(lockInbox);
    await checkNothingWaits(tx, routes.group);
    await tx.query(nextGeneration, [routes.group, id]);
    for (const reset of resets(routes)) await reset(tx);
  });
}

/** The consumer takes in again what comes. */
export async function closeGeneration(tx: Queryable, consumer: string, id: string): Promise<void> {
  await tx.query(openToAll, [consumer, id]);
}

/** Removes what earlier generations had taken in; nobody asks for it any more. Safe to repeat. */
export async function removeOldGenerations(database: Queryable, consumer: string): Promise<void> {
  for (let removed = REMOVE_ROWS; removed === REMOVE_ROWS;) {
    removed = (await database.query(removeOld, [consumer, REMOVE_ROWS])).length;
  }
}

function resets(routes: Routes): Set<(tx: Tx) => Promise<unknown>> {
  const all = Object.values(routes.routes).flatMap((route) =>
    route.kind === 'state' && typeof route.replayable === 'object' ? [route.replayable.reset] : [],
  );
  return new Set(all);
}

const REMOVE_ROWS = 5_000;

const readRebuild: Statement = {
  name: 'read-rebuild',
  text: `SELECT rebuild FROM inbox_generation WHERE consumer = $1`,
};

const countWaiting: Statement = {
  name: 'count-what-waits',
  text: `
    SELECT (SELECT count(*) FROM work)::int AS parked,
           (SELECT count(*) FROM dead_letter WHERE consumer = $1 AND kind <> 'record' AND handled_at IS NULL AND archived_at IS NULL)::int AS letters`,
};

const lockInbox: Statement = { name: 'lock-inbox', text: `LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE` };

const nextGeneration: Statement = {
  name: 'open-generation',
  text: `
    INSERT INTO inbox_generation AS g (consumer, generation, rebuild) VALUES ($1, 2, $2)
    ON CONFLICT (consumer) DO UPDATE SET generation = g.generation + 1, rebuild = excluded.rebuild`,
};

const openToAll: Statement = {
  name: 'close-generation',
  text: `UPDATE inbox_generation SET rebuild = NULL WHERE consumer = $1 AND rebuild = $2`,
};

/** $1 consumer, $2 limit. */
const removeOld: Statement = {
  name: 'remove-old-generations',
  text: `
    DELETE FROM inbox WHERE ctid IN (
      SELECT i.ctid FROM inbox i, inbox_generation g
       WHERE g.consumer = $1
         AND i.consumer IN (SELECT CASE n WHEN 1 THEN $1 ELSE $1 || '#' || n END FROM generate_series(1, g.generation - 1) AS n)
       LIMIT $2)
    RETURNING 1`,
};
