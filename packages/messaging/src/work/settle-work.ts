import type { Statement } from '@throughline/postgres';

/** $1 queues, $2 keys, $3 leases: those whose lease is still ours, locked. Whoever lost a lease must not record anything. */
export const lockLeasedKeys: Statement = {
  name: 'lock-leased-keys',
  text: `
    SELECT k.queue, k.key, k.lease, k.pending FROM work_key k
      JOIN unnest($1::text[], $2::text[], $3::text[]) AS t (queue, key, lease)
        ON k.queue = t.queue AND k.key = t.key AND k.lease = t.lease
     ORDER BY k.queue, k.key FOR UPDATE OF k`,
};

/** $1 ids of rows that are over, done or dead. */
export const deleteWork: Statement = {
  name: 'delete-work',
  text: `DELETE FROM work WHERE id = ANY($1::bigint[])`,
};

/** $1 queues, $2 keys whose head is over and was the last. */
export const deleteKeys: Statement = {
  name: 'delete-work-keys',
  text: `
    DELETE FROM work_key k USING unnest($1::text[], $2::text[]) AS t (queue, key)
     WHERE k.queue = t.queue AND k.key = t.key AND k.pending = 1`,
};

/**
 * As deleteKeys, for the others: we keep them for $3 ms and go on with the next row, under its own lease $4. So a
 * settlement that is repeated because the answer to COMMIT was lost holds nothing any more, and records nothing twice.
 */
export const advanceKeys: Statement = {
  name: 'advance-work-keys',
  text: `
    UPDATE work_key k
       SET pending = k.pending - 1, lease = $4, available_at = clock_timestamp() + t.lease_ms * interval '1 millisecond'
      FROM unnest($1::text[], $2::text[], $3::int[]) AS t (queue, key, lease_ms)
     WHERE k.queue = t.queue AND k.key = t.key AND k.pending > 1`,
};

/**
 * $1 queues, $2 keys, $3 how many rows of each have just become dead letters: nobody claims these keys until a letter is put back or
 * let go. A key that had nothing pending is made, so that whoever comes next lines up.
 */
export const holdKeys: Statement = {
  name: 'hold-work-keys',
  text: `
    INSERT INTO work_key AS k (queue, key, pending, available_at, held)
    SELECT queue, key, 0, clock_timestamp(), true FROM unnest($1::text[], $2::text[]) AS t (queue, key) ORDER BY queue, key
    ON CONFLICT (queue, key) DO UPDATE
       SET held = true, pending = k.pending - $3::int, lease = NULL, lease_owner = NULL, available_at = clock_timestamp()`,
};

/** $1 ids of dead letters that were put back, and whose message has now been handled. */
export const recordHandled: Statement = {
  name: 'record-letters-handled',
  text: `UPDATE dead_letter SET handled_at = now() WHERE id = ANY($1::bigint[])`,
};

/** $1 queues, $2 keys, $3 delays in ms: given back, to be available after the delay. */
export const releaseKeys: Statement = {
  name: 'release-work-keys',
  text: `
    UPDATE work_key k
       SET lease = NULL, lease_owner = NULL, available_at = clock_timestamp() + t.delay_ms * interval '1 millisecond'
      FROM unnest($1::text[], $2::text[], $3::int[]) AS t (queue, key, delay_ms)
     WHERE k.queue = t.queue AND k.key = t.key`,
};

/** $1 queues, $2 keys, $3 leases: given back where they bear that lease. Whoever has a key locked is not waited for. */
export const releaseLeases: Statement = {
  name: 'release-leases',
  text: `
    UPDATE work_key k SET lease = NULL, lease_owner = NULL, available_at = clock_timestamp()
      FROM (SELECT queue, key FROM work_key JOIN unnest($1::text[], $2::text[], $3::text[]) AS t (queue, key, lease) USING (queue, key, lease)
             ORDER BY queue, key FOR UPDATE OF work_key SKIP LOCKED) ours
     WHERE k.queue = ours.queue AND k.key = ours.key
    RETURNING k.queue`,
};

/** $1 ids, $2 errors, $3 for how long each has failed so far, in ms, $4 how many attempts that counts for: 1 or 0. */
export const recordAttempts: Statement = {
  name: 'record-work-attempts',
  text: `
    UPDATE work w
       SET attempts = w.attempts + t.counted, first_failed_at = coalesce(w.first_failed_at, now()), last_error = t.error,
           failing_ms = t.failing_ms
      FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::int[]) AS t (id, error, failing_ms, counted)
     WHERE w.id = t.id`,
};
