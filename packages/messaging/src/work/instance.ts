import type { Statement } from '@throughline/postgres';

/** $1 instance, $2 for how many ms this sign of life counts. */
export const keepAlive: Statement = {
  name: 'keep-instance-alive',
  text: `
    INSERT INTO instance (id, alive_until) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
    ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`,
};

/**
 * As keepAlive, and tells of the others: whether one lives, and the last sign of life of each that has given none for too long. Nor is one
 * from far ahead a sign: since then the clock of the server was set back, and whoever lives has given another.
 */
export const keepAliveAmongOthers: Statement = {
  name: 'keep-instance-alive-among-others',
  text: `
    WITH ours AS (
      INSERT INTO instance (id, alive_until) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
      ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until)
    SELECT coalesce(bool_or(lives), false) AS living,
           coalesce(array_agg(id || ' ' || alive_until) FILTER (WHERE NOT lives), '{}') AS silent
      FROM (SELECT id, alive_until,
                   alive_until BETWEEN clock_timestamp() AND clock_timestamp() + 10 * $2 * interval '1 millisecond' AS lives
              FROM instance WHERE id <> $1) others`,
};

/** $1 last signs of life: these instances, removed. Whoever removes one releases its leases in that transaction. */
export const removeDeadInstances: Statement = {
  name: 'remove-dead-instances',
  text: `DELETE FROM instance WHERE id || ' ' || alive_until = ANY($1::text[]) RETURNING id`,
};

const keysOf = (whereLocked: string): string => `
    UPDATE work_key k SET lease = NULL, lease_owner = NULL, available_at = clock_timestamp()
      FROM (SELECT queue, key FROM work_key WHERE lease_owner = ANY($1::text[]) ORDER BY queue, key FOR UPDATE${whereLocked}) theirs
     WHERE k.queue = theirs.queue AND k.key = theirs.key`;

/** Whoever else locks a call locks no other: there is no order to keep, and so no reason to read the whole table in one. */
const callsOf = (whereLocked: string): string => `
    UPDATE effect_call c SET lease = NULL, lease_owner = NULL, lease_until = clock_timestamp()
      FROM (SELECT scope, call FROM effect_call WHERE lease_owner = ANY($1::text[]) AND done_at IS NULL FOR UPDATE${whereLocked}) theirs
     WHERE c.scope = theirs.scope AND c.call = theirs.call`;

/** What to give back of instances that run no longer, each with these as $1. The outcome of a call stays unknown. */
export interface Releases {
  keys: Statement;
  calls: Statement;
}

/** So that neither keys nor calls need wait for the lease to end. */
export const releasing: Releases = {
  keys: { name: 'release-keys-of-instances', text: keysOf('') },
  calls: { name: 'release-calls-of-instances', text: callsOf('') },
};

/** As {@link releasing}, but for what somebody keeps locked: its lease ends by itself. */
export const releasingUnlocked: Releases = {
  keys: { name: 'release-unlocked-keys-of-instances', text: keysOf(' SKIP LOCKED') },
  calls: { name: 'release-unlocked-calls-of-instances', text: callsOf(' SKIP LOCKED') },
};

/** $1 instance that stops. */
export const removeInstance: Statement = {
  name: 'remove-instance',
  text: `DELETE FROM instance WHERE id = $1`,
};
