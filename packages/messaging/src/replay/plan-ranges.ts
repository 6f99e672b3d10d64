import { replayPlaceInvalid } from '../errors.js';
import type { Range } from './replay.js';

/** An end of what is asked for, as a person wrote it. */
export type Place = { offset: number } | { timeMs: number };

/** One partition as it stands. */
export interface Ends {
  topic: string;
  partition: number;
  /** Oldest record that is retained. */
  low: number;
  /** The next record that somebody will write. */
  high: number;
  /** What the consumer's group has committed; -1 where it has nothing. */
  committed: number;
  /** First records at or after the times asked for. */
  fromTime?: number | undefined;
  toTime?: number | undefined;
}

const OFFSET = /^\d{1,15}$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/** @throws `MSG_REPLAY_PLACE_INVALID` */
export function readPlace(field: 'from' | 'to', text: string): Place {
  if (OFFSET.test(text)) return { offset: Number(text) };
  const timeMs = ISO_TIME.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(timeMs)) throw replayPlaceInvalid(field, text);
  return { timeMs };
}

/**
 * What to read again to find what was missed. It ends where the consumer is: what lies beyond comes by itself, and to take it in from
 * two sides, one of them filtered, could turn the order of a key around.
 */
export function planMissed(ends: Ends[], from: Place | undefined, to: Place | undefined): Range[] {
  return nonEmpty(
    ends.map((end) => {
      // A group that has committed nothing begins at the oldest record: nothing was missed.
      const consumed = end.committed < 0 ? end.low : end.committed;
      const first = from && ('offset' in from ? from.offset : end.fromTime!);
      const last = to && ('offset' in to ? to.offset : end.toTime!);
      return rangeOf(end, Math.max(first ?? end.low, end.low), Math.min(last ?? consumed, consumed, end.high));
    }),
  );
}

/** Everything there is: a rebuild begins with nothing. */
export function planRebuild(ends: Ends[]): Range[] {
  return nonEmpty(ends.map((end) => rangeOf(end, end.low, end.high)));
}

/** Where a replay that was interrupted goes on, with what is still retained; a rebuild up to what there is now. */
export function planRest(mode: 'missed' | 'rebuild', ranges: Range[], ends: Ends[]): Range[] {
  const saved = new Map(ranges.map((range) => [`${range.topic} ${range.partition}`, range]));
  return ends.flatMap((end): Range[] => {
    const range = saved.get(`${end.topic} ${end.partition}`);
    if (mode === 'missed') return range ? [{ ...range, next: Math.min(Math.max(range.next, end.low), range.to) }] : [];
    const from = range?.from ?? end.low;
    const next = Math.max(range?.next ?? end.low, end.low);
    return [{ ...rangeOf(end, from, end.high), next }];
  });
}

function rangeOf({ topic, partition }: Ends, from: number, to: number): Range {
  return { topic, partition, from, next: from, to };
}

function nonEmpty(ranges: Range[]): Range[] {
  return ranges.filter(({ from, to }) => from < to);
}
