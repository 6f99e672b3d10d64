import type { Statement } from '@throughline/postgres';
import type { OutboxRow } from './outbox-row.js';

/**
 * Writes the rows of `input`. The upsert takes the lock of each key, in key order so that two writers cannot deadlock, and only then
 * ids are drawn: within a key, order of ids = order of commits = order of sequences.
 *
 * @param writer the parameter that holds the writer
 */
export const writingOutbox = (writer: string): string => `
    outbox_keys AS (
      INSERT INTO outbox_key AS k (key, sequence, writer)
      SELECT key, count(*), ${writer} FROM input GROUP BY key ORDER BY key
      ON CONFLICT (key) DO UPDATE
         SET sequence = k.sequence + excluded.sequence, previous_writer = k.writer, writer = excluded.writer
      RETURNING key, sequence, previous_writer
    ), placed AS (
      SELECT *, row_number() OVER (PARTITION BY key ORDER BY n) - count(*) OVER (PARTITION BY key) AS place FROM input
    ), outbox_rows AS (
      INSERT INTO outbox (message_id, topic, key, type, sequence, time, correlation_id, causation_id, traceparent, value)
      SELECT message_id, topic, key, type, sequence + place, time, correlation_id, causation_id, traceparent, value
        FROM placed JOIN outbox_keys USING (key)
       ORDER BY n
      RETURNING id, message_id, key, sequence
    )`;

/** $1 writer, then one array per column. */
export const insertOutbox: Statement = {
  name: 'insert-outbox',
  text: `
    WITH input AS (
      SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::bytea[])
        WITH ORDINALITY AS t (message_id, topic, key, type, time, correlation_id, causation_id, traceparent, value, n)
    ), ${writingOutbox('$1')}
    SELECT id, message_id, outbox_rows.sequence, previous_writer FROM outbox_rows JOIN outbox_keys USING (key)`,
};

export interface InsertedOutboxRow {
  id: string;
  message_id: string;
  sequence: string;
  previous_writer: string | null;
}

/** One array per column of the input. */
export function outboxColumns(rows: OutboxRow[]): unknown[][] {
  return [
    rows.map((row) => row.messageId),
    rows.map((row) => row.topic),
    rows.map((row) => row.key),
    rows.map((row) => row.type),
    rows.map((row) => row.time),
    rows.map((row) => row.correlationId),
    rows.map((row) => row.causationId),
    rows.map((row) => row.traceparent),
    rows.map((row) => row.value),
  ];
}
