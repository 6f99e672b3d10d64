import type { Statement } from '@throughline/postgres';
import { LOCK_OF_MANY_MS } from '../conflicts.js';
import { writingOutbox } from '../outbox/insert-outbox.js';

/**
 * $1 queues, $2 keys, $3 leases, $4 ids of rows that are done; $5 writer; then what they emit, one array per column, the last of them
 * the position from 1 of the row that emits it. Ends the rows whose lease is still ours and that are the last of their key, all in one;
 * of the others, and of those whose key somebody has locked, it does nothing and emits nothing. For any other lock it waits as briefly as
 * a transaction of many, and says so itself: alone it has no BEGIN before it, nor a SET LOCAL.
 */
export const settleDone: Statement = {
  name: 'settle-done-work',
  text: `
    WITH bounded AS MATERIALIZED (
      SELECT set_config('lock_timeout', '${LOCK_OF_MANY_MS}', true)
    ), done AS (
      SELECT t.* FROM bounded, unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS t (queue, key, lease, id, n)
    ), ours AS (
      SELECT done.n, done.id, k.queue, k.key FROM done JOIN work_key k USING (queue, key, lease)
       WHERE k.pending = 1
       ORDER BY k.queue, k.key FOR UPDATE OF k SKIP LOCKED
    ), gone AS (
      DELETE FROM work w USING ours WHERE w.id = ours.id
    ), free AS (
      DELETE FROM work_key k USING ours WHERE k.queue = ours.queue AND k.key = ours.key
    ), input AS (
      SELECT t.* FROM unnest($6::uuid[], $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[],
                             $14::bytea[], $15::int[])
        WITH ORDINALITY AS t (message_id, topic, key, type, time, correlation_id, causation_id, traceparent, value, emitter, n)
        JOIN ours ON ours.n = t.emitter
    ), ${writingOutbox('$5')}
    SELECT n AS settled, NULL::bigint AS id, NULL::uuid AS message_id, NULL::bigint AS sequence, NULL::text AS previous_writer FROM ours
    UNION ALL
    SELECT NULL, id, message_id, outbox_rows.sequence, previous_writer FROM outbox_rows JOIN outbox_keys USING (key)`,
};

/** A row that was settled, by its position from 1; or a message that was written. */
export type SettledRow =
  | { settled: string; message_id: null }
  | { settled: null; id: string; message_id: string; sequence: string; previous_writer: string | null };
