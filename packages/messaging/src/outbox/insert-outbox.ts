import type { Statement } from '@throughline/postgres';

/**
 * $1 writer, then one array per column. The upsert takes the lock of each key, in key order so that two writers cannot deadlock,
 * and only then ids are drawn: within a key, order of ids = order of commits = order of sequences.
 */
export const insertOutbox: Statement = {
  name: 'insert-outbox',
  text: `
    WITH input AS (
      SELECT *, row_number() OVER (PARTITION BY key ORDER BY n) AS position
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::bytea[])
        WITH ORDINALITY AS t (message_id, topic, key, type, time, correlation_id, causation_id, traceparent, value, n)
    ), keys AS (
      INSERT INTO outbox_key AS k (key, sequence, writer)
      SELECT key, count(*), $1 FROM input GROUP BY key ORDER BY key
      ON CONFLICT (key) DO UPDATE
         SET sequence = k.sequence + excluded.sequence, previous_writer = k.writer, writer = excluded.writer
      RETURNING key, sequence, previous_writer
    ), total AS (
      SELECT key, count(*) AS n FROM input GROUP BY key
    ), rows AS (
      INSERT INTO outbox (message_id, topic, key, type, sequence, time, correlation_id, causation_id, traceparent, value)
      SELECT message_id, topic, key, type, keys.sequence - total.n + position, time, correlation_id, causation_id, traceparent, value
        FROM input JOIN keys USING (key) JOIN total USING (key)
       ORDER BY input.n
      RETURNING id, message_id, key, sequence
    )
    SELECT rows.id, rows.message_id, rows.sequence, keys.previous_writer FROM rows JOIN keys USING (key)`,
};

export interface InsertedOutboxRow {
  id: string;
  message_id: string;
  sequence: string;
  previous_writer: string | null;
}
