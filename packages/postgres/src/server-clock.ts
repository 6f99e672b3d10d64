import type { Queryable } from './database.js';

const read = { name: 'read-server-clock', text: 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms' };

/**
 * The time as PostgreSQL has it: read now and then, and carried on by this process's monotonic clock in between. So all instances of a
 * service agree on it, and a wall clock of theirs that is wrong, or jumps, makes no timer early or late.
 */
export class ServerClock {
  /** What is added to monotonic time. */
  private aheadMs: number | undefined;

  constructor(private readonly monotonic: () => number = () => performance.now()) {}

  /** Asks the server; right to half the time that the answer takes. */
  async read(database: Queryable): Promise<Date> {
    const asked = this.monotonic();
    const [row] = await database.query<{ ms: number }>(read);
    this.aheadMs = row!.ms - (asked + this.monotonic()) / 2;
    return this.now();
  }

  /** Without asking. @throws before the first {@link read} */
  now(): Date {
    if (this.aheadMs === undefined) throw new Error('The server clock was never read: read it before the first use.');
    return new Date(this.monotonic() + this.aheadMs);
  }
}
