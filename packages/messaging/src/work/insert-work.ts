import type { Statement } from '@throughline/postgres';

/**
 * $1 lease, $2 owner, $3 this service's consumer, then one array per column, and at last how long to wait for one lock, in milliseconds, where
 * that is not the transaction's: alone, this statement has no BEGIN before it, nor a SET LOCAL. A row with a `consumer` goes through its inbox first, and
 * is dropped where the inbox knows it; the inbox is filled in the order of ids, so that two instances with the same messages wait for
 * each other instead of deadlocking. The upsert takes the lock of each key, in key order, and only then ids are drawn:
 * order of ids = order of commits within a key. A key that had nothing pending is leased to us at once where `lease_ms` is set;
 * otherwise it becomes available after `delay_ms`.
 */
export const insertWork: Statement = {
  name: 'insert-work',
  text: `
    WITH bounded AS MATERIALIZED (
      SELECT set_config('lock_timeout', $22::text, true) WHERE $22::text IS NOT NULL
    ), input AS (
      SELECT t.* FROM (SELECT count(*) FROM bounded) AS set_first, unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::int[], $11::bigint[],
                           $12::json[], $13::bytea[], $14::json[], $15::text[], $16::int[], $17::text[], $18::bytea[],
                           $19::int[], $20::int[], $21::text[])
        WITH ORDINALITY AS t (queue, key, kind, type, message_id, topic, "partition", "offset", headers, value, job, traceparent,
                              attempts, last_error, record_key, lease_ms, delay_ms, consumer, n)
    ), fresh AS (
      INSERT INTO inbox (consumer, message_id)
      SELECT CASE consumer WHEN $3 THEN (SELECT inbox_of($3, NULL)) ELSE consumer END, message_id
        FROM input WHERE consumer IS NOT NULL ORDER BY message_id
      ON CONFLICT DO NOTHING
      RETURNING message_id
    ), taken AS (
      SELECT * FROM input WHERE consumer IS NULL OR message_id IN (SELECT message_id FROM fresh)
    ), keys AS (
      INSERT INTO work_key AS k (queue, key, pending, available_at, lease, lease_owner)
      SELECT queue, key, count(*),
             clock_timestamp() + (max(coalesce(lease_ms, 0)) + max(delay_ms)) * interval '1 millisecond',
             CASE WHEN max(lease_ms) IS NULL THEN NULL ELSE $1 END,
             CASE WHEN max(lease_ms) IS NULL THEN NULL ELSE $2 END
        FROM taken GROUP BY queue, key ORDER BY queue, key
      ON CONFLICT (queue, key) DO UPDATE SET pending = k.pending + excluded.pending
      RETURNING queue, key, pending, lease
    ), rows AS (
      INSERT INTO work (queue, key, kind, type, message_id, topic, "partition", "offset", headers, value, job, traceparent,
                        attempts, first_failed_at, last_error, record_key)
      SELECT queue, key, kind, type, message_id, topic, "partition", "offset", headers, value, job, traceparent,
             attempts, CASE WHEN attempts > 0 THEN now() END, last_error, record_key
        FROM taken JOIN keys USING (queue, key)
       ORDER BY n
      RETURNING id, queue, key, message_id
    )
    SELECT rows.id, rows.message_id, keys.lease IS NOT DISTINCT FROM $1 AND row_number() OVER (PARTITION BY queue, key ORDER BY id) = 1 AS ours
      FROM rows JOIN keys USING (queue, key)`,
};

export interface InsertedWorkRow {
  id: string;
  message_id: string;
  /** The head of a key that was free and is now leased to us. */
  ours: boolean;
}
