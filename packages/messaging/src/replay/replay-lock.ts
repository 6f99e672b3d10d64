import { dedicatedClient, type Database, type Statement } from '@throughline/postgres';
import type { Limits } from '../limits.js';

/** Any number that all instances of one service agree on; they share the database in which it is locked ("repl" in ASCII). */
export const REPLAY_LOCK = 0x7265_706c;

const probe: Statement = { name: 'probe-replay-session', text: 'SELECT 1' };
const tryLock: Statement = { name: 'try-replay-lock', text: 'SELECT pg_try_advisory_lock($1) AS ours' };

export interface ReplayLock {
  /** Aborts when the session is gone, and the lock with it. */
  lost: AbortSignal;
  release(): Promise<void>;
}

/** One replay of a service at a time, whichever instance runs it; nothing where another one does. */
export async function takeReplayLock(database: Database, limits: Limits): Promise<ReplayLock | undefined> {
  // An instance that stands still must not keep the lock: the server ends a session that says nothing.
  const client = dedicatedClient(database, { idleMs: limits.aliveForMs });
  const lost = new AbortController();
  client.on('error', () => lost.abort());
  client.once('end', () => lost.abort());
  await client.connect();
  const alive = setInterval(() => void client.query(probe).catch(() => lost.abort()), limits.aliveEveryMs);
  const release = (): Promise<void> => {
    clearInterval(alive);
    return client.end().catch(() => undefined);
  };
  try {
    const { rows } = await client.query<{ ours: boolean }>({ ...tryLock, values: [REPLAY_LOCK] });
    if (rows[0]!.ours) return { lost: lost.signal, release };
    await release();
    return undefined;
  } catch (error) {
    await release();
    throw error;
  }
}
