import { fromHeaders, type Codec, type MessageType } from '@throughline/contracts';
import type { WorkKind } from '../advice.js';
import type { DeadLetter } from '../dead-letters/dead-letter.js';
import type { Job, Message } from '../message.js';
import { fromRawHeaders, type RawHeaders } from '../raw-headers.js';
import type { StoredWorkRow } from './claim-work.js';

/** A row of the work queue before it has an id. */
export interface NewWork {
  queue: string;
  key: string;
  kind: WorkKind;
  type: string;
  messageId: string;
  topic: string | null;
  partition: number | null;
  offset: string | null;
  headers: RawHeaders | null;
  value: Buffer | null;
  /** Key of the record, where the work is ordered by another one. */
  recordKey: Buffer | null;
  job: { id: string; payload: unknown } | null;
  traceparent: string | null;
  attempts: number;
  lastError: string | null;
  /** Wait before its key is available, where the key was free. */
  delayMs: number;
  /** Whose inbox it goes through on its way into the queue; `null` where it has been through it. */
  consumer: string | null;
  /** Decoded already; saves the worker from doing it again. */
  message?: Message;
}

/** A row whose key this instance has leased. */
export interface WorkItem extends Omit<NewWork, 'delayMs' | 'lastError' | 'consumer'> {
  id: string;
  lease: string;
  /** Monotonic time at which the lease may be somebody else's, in milliseconds. */
  leasedUntil: number;
  firstFailedAt: Date | null;
  /** For how long it has failed while its dependency was up, the wait for this attempt included. */
  failingMs: number;
  /** The letter it was before somebody put it back. */
  deadLetterId: string | null;
}

export function fromStored(row: StoredWorkRow, lease: string, leasedUntil: number): WorkItem {
  return {
    id: row.id,
    queue: row.queue,
    key: row.key,
    kind: row.kind,
    type: row.type,
    messageId: row.message_id,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    headers: row.headers,
    value: row.value,
    job: row.job,
    traceparent: row.traceparent,
    attempts: row.attempts,
    firstFailedAt: row.first_failed_at,
    failingMs: row.failing_ms,
    recordKey: row.record_key,
    deadLetterId: row.dead_letter_id,
    lease,
    leasedUntil,
  };
}

export async function messageOf(item: WorkItem, codec: Codec): Promise<Message> {
  if (item.message) return item.message;
  const envelope = { ...fromHeaders(fromRawHeaders(item.headers ?? {})), id: item.messageId };
  const payload = await codec.decode(item.type as MessageType, item.value!);
  return { type: item.type, payload, envelope } as Message;
}

export function jobOf(item: WorkItem): Job {
  return { type: item.type, key: item.key, id: item.job!.id, payload: item.job!.payload };
}

/** A key within its queue. */
export interface Lane {
  queue: string;
  key: string;
}

export function laneOf({ queue, key }: Lane): string {
  return `${queue}\0${key}`;
}

/** The letter of a row, or of what would have become one. */
export function letterOf(row: NewWork | WorkItem, error: unknown, held: boolean): DeadLetter {
  const stored = 'id' in row ? row : undefined;
  return {
    kind: row.kind,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    key: row.recordKey ?? Buffer.from(row.key),
    messageId: row.messageId,
    type: row.type,
    headers: row.headers,
    value: row.value,
    job: row.job,
    place: { queue: row.queue, key: row.key, workId: stored?.id ?? null },
    held,
    deadLetterId: stored?.deadLetterId ?? null,
    traceparent: row.traceparent,
    error,
    attempts: row.attempts + 1,
    firstFailedAt: stored?.firstFailedAt ?? null,
  };
}

/** Parameters of insert-work, after the first three. */
export function workColumns(rows: NewWork[], leaseMs: (queue: string) => number | undefined): unknown[] {
  const column = <V>(read: (row: NewWork) => V): V[] => rows.map(read);
  return [
    column((r) => r.queue),
    column((r) => r.key),
    column((r) => r.kind),
    column((r) => r.type),
    column((r) => r.messageId),
    column((r) => r.topic),
    column((r) => r.partition),
    column((r) => r.offset),
    column((r) => r.headers && JSON.stringify(r.headers)),
    column((r) => r.value),
    column((r) => r.job && JSON.stringify(r.job)),
    column((r) => r.traceparent),
    column((r) => r.attempts),
    column((r) => r.lastError),
    column((r) => r.recordKey),
    column((r) => (r.delayMs > 0 ? null : (leaseMs(r.queue) ?? null))),
    column((r) => r.delayMs),
    column((r) => r.consumer),
  ];
}
