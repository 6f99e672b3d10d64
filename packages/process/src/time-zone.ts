import { IANAZone } from 'luxon';

export const DAY_MS = 86_400_000;

/**
 * The wall clock of a place. Local time is a number too: the milliseconds since 1970-01-01T00:00 that the clock on the wall shows.
 *
 * Twice a year a wall clock jumps. One rule answers for both directions: a local time is reached **when the clock first shows it or
 * a later one**. A time that is skipped is reached at the jump; a time that comes twice is reached the first time, and does not come
 * again. So local time never runs backwards, and whoever waits longer is never due earlier. (RFC 5545 takes the first of two as well,
 * but lets a skipped time come an hour late; a day that opens within the gap would then open an hour late.)
 */
export class TimeZone {
  private readonly zone: IANAZone;
  /** At the midnight of UTC. */
  private readonly offsetOfDay = remember((day: number): number => this.zone.offset(day * DAY_MS) * 60_000);

  /** @param name of the IANA database, as `isTimeZone` accepts it */
  constructor(readonly name: string) {
    this.zone = IANAZone.create(name);
  }

  /** The moment at which the clock first shows a local time or a later one. */
  momentOf(localMs: number): number {
    // No zone is a day away from UTC, and none jumps twice in two days.
    const [from, to] = [localMs - DAY_MS, localMs + DAY_MS];
    const [before, after] = [this.offsetMs(from), this.offsetMs(to)];
    if (before === after) return localMs - before;
    const jump = this.jumpBetween(from, to);
    return localMs - before < jump ? localMs - before : Math.max(jump, localMs - after);
  }

  /** The latest local time that the clock has shown by then. */
  localOf(ms: number): number {
    const shown = ms + this.offsetMs(ms);
    const first = this.momentOf(shown);
    if (first === ms) return shown;
    const jump = this.jumpBetween(first, ms);
    return jump + this.offsetMs(jump - 1);
  }

  /** The first moment that has the offset of `to`, where `from` has another. */
  private jumpBetween(from: number, to: number): number {
    const after = this.offsetMs(to);
    let [low, high] = [from, to];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetMs(middle) === after) high = middle;
      else low = middle;
    }
    return high;
  }

  /** Asked many times of the same days, and Intl takes microseconds to answer: a day that ends as it began has not jumped. */
  private offsetMs(ms: number): number {
    const day = Math.floor(ms / DAY_MS);
    const offset = this.offsetOfDay(day);
    return offset === this.offsetOfDay(day + 1) ? offset : this.zone.offset(ms) * 60_000;
  }
}

export const isTimeZone = (name: string): boolean => IANAZone.isValidZone(name);

/** Keeps every answer: what is asked are the few days around now. */
export function remember<T>(answer: (day: number) => T): (day: number) => T {
  const known = new Map<number, T>();
  return (day) => {
    let value = known.get(day);
    if (value === undefined) known.set(day, (value = answer(day)));
    return value;
  };
}
