import type { MessageType } from '@throughline/contracts';
import type { By } from '../dead-letters/dead-letters.js';

/** What a person asks for. */
export interface ReplayRequest {
  /**
   * `missed`: what the inbox does not know is taken in as if Kafka had just delivered it; what it knows is skipped.
   * `rebuild`: all retained history is taken in anew, without effects, by a consumer that is declared replayable.
   */
  mode: 'missed' | 'rebuild';
  /** Default: every topic the consumer reads. */
  topic?: string | undefined;
  partition?: number | undefined;
  /** ISO time, or offset (in every partition): the first record. Default the oldest that is retained. */
  from?: string | undefined;
  /** ISO time, or offset: the first record no more. Default, and at most, where the consumer is. */
  to?: string | undefined;
  /** Kafka key of the records. */
  key?: string | undefined;
  type?: MessageType | undefined;
}

/** Records of one partition that are read again. */
export interface Range {
  topic: string;
  partition: number;
  from: number;
  /** The next record to read. */
  next: number;
  /** The first record no more. */
  to: number;
}

/** What was found, by type; records that cannot be read are under `(unreadable)`. */
export interface Counts {
  /** Records read, whatever became of them. */
  read: number;
  /** Of another type or key than asked for, or of a type the consumer has no route for. */
  passedOver: number;
  types: Record<string, { new: number; known: number }>;
}

export type ReplayStatus = 'running' | 'done' | 'cancelled' | 'failed';

export interface Replay {
  /** A number; of a dry run a name that only the instance that runs it knows. */
  id: string;
  consumer: string;
  request: ReplayRequest;
  /** Nothing is taken in and nothing recorded: `new` counts what would be. */
  dryRun: boolean;
  status: ReplayStatus;
  ranges: Range[];
  counts: Counts;
  by: By;
  cancelled: By | null;
  error: { code: string; message: string } | null;
  startedAt: Date;
  endedAt: Date | null;
}

export function noCounts(): Counts {
  return { read: 0, passedOver: 0, types: {} };
}

export function count(counts: Counts, type: string, what: 'new' | 'known', n = 1): void {
  (counts.types[type] ??= { new: 0, known: 0 })[what] += n;
}

/** How far it is, in records. */
export function progressOf(ranges: readonly Range[]): { total: number; read: number } {
  const sum = (of: (range: Range) => number): number => ranges.reduce((all, range) => all + of(range), 0);
  return { total: sum(({ from, to }) => to - from), read: sum(({ from, next }) => next - from) };
}
