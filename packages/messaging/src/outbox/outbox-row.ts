import { toHeaders, type MessageType } from '@throughline/contracts';
import type { StoredOutboxRow } from './read-outbox.js';

/** A message on its way to Kafka. */
export interface OutboxRow {
  id: number;
  messageId: string;
  topic: string;
  key: string;
  type: MessageType;
  sequence: number;
  /** ISO 8601. */
  time: string;
  correlationId: string;
  causationId: string | null;
  traceparent: string | null;
  value: Buffer;
}

export function fromStored(row: StoredOutboxRow): OutboxRow {
  return {
    id: Number(row.id),
    messageId: row.message_id,
    topic: row.topic,
    key: row.key,
    type: row.type as MessageType,
    sequence: Number(row.sequence),
    time: row.time.toISOString(),
    correlationId: row.correlation_id,
    causationId: row.causation_id,
    traceparent: row.traceparent,
    value: row.value,
  };
}

/** The record as Kafka gets it. */
export function toRecord(
  row: OutboxRow,
  source: string,
): { key: string; value: Buffer; headers: Record<string, string> } {
  return {
    key: row.key,
    value: row.value,
    headers: toHeaders({
      id: row.messageId,
      type: row.type,
      source,
      subject: row.key,
      time: row.time,
      sequence: row.sequence,
      correlationId: row.correlationId,
      ...(row.causationId !== null && { causationId: row.causationId }),
      ...(row.traceparent !== null && { traceparent: row.traceparent }),
    }),
  };
}
