import { codeOf } from '@throughline/contracts';
import { describeError } from '@throughline/telemetry';
import { withoutNul, type RawHeaders } from '../raw-headers.js';
import { contentDigest } from './content-digest.js';
import { fingerprintOf } from './fingerprint.js';

/** What is kept of a message that this service gave up on: everything needed to understand it and to try again. */
export interface DeadLetter {
  kind: 'record' | 'state' | 'effect' | 'job';
  topic: string | null;
  partition: number | null;
  offset: string | null;
  key: Buffer | null;
  messageId: string | null;
  type: string | null;
  headers: RawHeaders | null;
  value: Buffer | null;
  job: unknown;
  /** Its place in the work queue; `null` where nobody could read it, so that it has none. */
  place: Place | null;
  /** Its key waits until it is put back or let go. */
  held: boolean;
  /** The letter it was before: put back, and dead again. */
  deadLetterId: string | null;
  traceparent: string | null;
  error: unknown;
  attempts: number;
  firstFailedAt: Date | null;
}

/** Where a message stands in the work queue, or would. */
export interface Place {
  queue: string;
  key: string;
  /** Drawn from the same sequence where it died before it had one. */
  workId: string | null;
}

const TEXT_MAX = 8_000;

/** Parameters of insert-dead-letters. */
export function deadLetterColumns(consumer: string, version: string | null, letters: DeadLetter[]): unknown[] {
  const column = <V>(read: (letter: DeadLetter) => V): V[] => letters.map(read);
  return [
    consumer,
    column((l) => l.kind),
    column((l) => l.topic),
    column((l) => l.partition),
    column((l) => l.offset),
    column((l) => l.key),
    column((l) => l.messageId),
    column((l) => l.type && withoutNul(l.type)),
    column((l) => l.headers && JSON.stringify(l.headers)),
    column((l) => l.value),
    column((l) => (l.job == null ? null : JSON.stringify(l.job))),
    column((l) => l.traceparent),
    column((l) => text(codeOf(l.error))),
    column((l) => text(describeError(l.error))),
    column((l) => stackOf(l.error)),
    column((l) => l.attempts),
    column((l) => l.firstFailedAt),
    column((l) => l.place?.queue ?? null),
    column((l) => l.place?.key ?? null),
    column((l) => l.place?.workId ?? null),
    column((l) => l.held),
    column((l) => fingerprintOf(l.error)),
    column((l) => (l.kind === 'record' ? contentDigest(l) : null)),
    version,
  ];
}

/** Parameters of record-deaths-again. */
export function deathsAgainColumns(version: string | null, letters: DeadLetter[]): unknown[] {
  const column = <V>(read: (letter: DeadLetter) => V): V[] => letters.map(read);
  return [
    column((l) => l.deadLetterId),
    column((l) => text(codeOf(l.error))),
    column((l) => text(describeError(l.error))),
    column((l) => stackOf(l.error)),
    column((l) => l.attempts),
    column((l) => l.held),
    column((l) => fingerprintOf(l.error)),
    version,
  ];
}

function stackOf(error: unknown): string | null {
  const { stack } = (error ?? {}) as { stack?: unknown };
  return stack === undefined ? null : text(describeError(stack));
}

function text(value: string): string {
  return withoutNul(value).slice(0, TEXT_MAX);
}
