/** Waits end together within this time, in milliseconds. */
const APART_MS = 10;

/** When something of a queue will be due, by the monotonic clock in milliseconds: so that nobody has to search the table for it. */
export class DueTimes {
  /** Ascending. */
  private readonly times: { at: number; queue: string }[] = [];

  add(queue: string, atMs: number): void {
    // Never early: the table is asked for what is due then.
    const at = Math.ceil(atMs / APART_MS) * APART_MS;
    let place = this.times.length;
    while (place > 0 && this.times[place - 1]!.at > at) place--;
    for (let n = place - 1; this.times[n]?.at === at; n--) if (this.times[n]!.queue === queue) return;
    this.times.splice(place, 0, { at, queue });
  }

  /** The next one; `Infinity` for none. */
  get next(): number {
    return this.times[0]?.at ?? Infinity;
  }

  /** Takes out those that have come. */
  take(now: number): Set<string> {
    const later = this.times.findIndex(({ at }) => at > now);
    return new Set(this.times.splice(0, later < 0 ? this.times.length : later).map(({ queue }) => queue));
  }
}
