import type { Statement } from '@throughline/postgres';

/** $1 limit. From the oldest on, never by a cursor: ids of different keys commit out of order. */
export const readOutbox: Statement = {
  name: 'read-outbox',
  text: `
    SELECT id, message_id, topic, key, type, sequence, time, correlation_id, causation_id, traceparent, value
      FROM outbox ORDER BY id LIMIT $1`,
};

export interface StoredOutboxRow {
  id: string;
  message_id: string;
  topic: string;
  key: string;
  type: string;
  sequence: string;
  time: Date;
  correlation_id: string;
  causation_id: string | null;
  traceparent: string | null;
  value: Buffer;
}

/** $1 ids. Only after Kafka acknowledged them. */
export const deleteOutbox: Statement = {
  name: 'delete-outbox',
  text: `DELETE FROM outbox WHERE id = ANY($1::bigint[])`,
};
