import type { Queryable } from './database.js';

const read = { name: 'read-server-clock', text: 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms' };

/** How long an answer is carried on by {@link ServerClock.readLately}: long enough to cost nothing, too short for clocks to drift apart. */
const LATELY_MS = 10_000;

/**
 * The time as PostgreSQL has it: read now and then, and carried on by this process's monotonic clock in between. So all instances of a
 * service agree on it, and a wall clock of theirs that is wrong, or jumps, makes no timer early or late.
 */
export class ServerClock {
  /** What is added to monotonic time. */
  private aheadMs: number | undefined;
  private readAt = -Infinity;

  constructor(private readonly monotonic: () => number = () => performance.now()) {}

  /** Asks the server; right to half the time that the answer takes. */
  async read(database: Queryable): Promise<Date> {
    const asked = this.monotonic();
    const [row] = await database.query<{ ms: number }>(read);
    this.readAt = this.monotonic();
    this.aheadMs = row!.ms - (asked + this.readAt) / 2;
    return this.now();
  }

  /** As {@link read}, but asks only where the last answer is older than ten seconds: for what looks again and again. */
  async readLately(database: Queryable): Promise<Date> {
    return this.monotonic() - this.readAt > LATELY_MS ? this.read(database) : this.now();
  }

  /** Without asking. @throws before the first {@link read} */
  now(): Date {
    if (this.aheadMs === undefined) throw new Error('The server clock was never read: read it before the first use.');
    return new Date(this.monotonic() + this.aheadMs);
  }
}
