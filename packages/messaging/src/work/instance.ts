import type { Statement } from '@throughline/postgres';

/** $1 instance, $2 for how many ms this sign of life counts. */
export const keepAlive: Statement = {
  name: 'keep-instance-alive',
  text: `
    INSERT INTO instance (id, alive_until) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
    ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`,
};

/** As keepAlive, and tells of the others: whether one lives, and whether one has given no sign of life for too long. */
export const keepAliveAmongOthers: Statement = {
  name: 'keep-instance-alive-among-others',
  text: `
    WITH ours AS (
      INSERT INTO instance (id, alive_until) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
      ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until)
    SELECT coalesce(bool_or(alive_until >= clock_timestamp()), false) AS living,
           coalesce(bool_or(alive_until < clock_timestamp()), false) AS silent
      FROM instance WHERE id <> $1`,
};

/** Instances that gave no sign of life for too long, removed: whoever removes one releases its leases in that transaction. */
export const removeDeadInstances: Statement = {
  name: 'remove-dead-instances',
  text: `DELETE FROM instance WHERE alive_until < clock_timestamp() RETURNING id`,
};

/** $1 instances that run no longer, so that their keys need not wait for the lease to end. */
export const releaseKeysOf: Statement = {
  name: 'release-keys-of-instances',
  text: `
    UPDATE work_key SET lease = NULL, lease_owner = NULL, available_at = clock_timestamp() WHERE lease_owner = ANY($1::text[])`,
};

/** As releaseKeysOf, for calls; their outcome stays unknown. */
export const releaseCallsOf: Statement = {
  name: 'release-calls-of-instances',
  text: `
    UPDATE effect_call SET lease = NULL, lease_owner = NULL, lease_until = clock_timestamp()
     WHERE lease_owner = ANY($1::text[]) AND done_at IS NULL`,
};

/** $1 instance that stops. */
export const removeInstance: Statement = {
  name: 'remove-instance',
  text: `DELETE FROM instance WHERE id = $1`,
};
