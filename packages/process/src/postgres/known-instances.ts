import type { LockedInstance } from './lock-instances.js';

/** An instance as this runner has written it. */
export interface KnownInstance extends LockedInstance {
  /** Which version of its row that was: PostgreSQL's `xmin`, the transaction that wrote it. Whoever writes the row changes it. */
  xmin: string;
}

/** Nothing is known for longer, in milliseconds: numbers of transactions come again, after 4 billion of them or out of a backup. */
const KNOWN_MS = 600_000;

/**
 * What a runner itself has written last, so that it need not be read again: an event mostly follows an event. It says nothing of what others
 * have written since; the row lock does, see `lockInstances` and `assertCurrent`. The oldest are forgotten beyond the limit.
 */
export class KnownInstances {
  private readonly byName = new Map<string, { instance: KnownInstance; atMs: number }>();

  /** @param limit instances at most; a state takes some kilobytes */
  constructor(private readonly limit: number) {}

  get(name: string, now: Date): KnownInstance | undefined {
    const known = this.byName.get(name);
    return known && Math.abs(now.getTime() - known.atMs) < KNOWN_MS ? known.instance : undefined;
  }

  set(name: string, instance: KnownInstance, now: Date): void {
    this.byName.delete(name);
    this.byName.set(name, { instance, atMs: now.getTime() });
    if (this.byName.size <= this.limit) return;
    const [oldest] = this.byName.keys();
    this.byName.delete(oldest!);
  }

  delete(name: string): void {
    this.byName.delete(name);
  }
}

/**
 * Whether to take for granted what is known. Two services that are fed with the same instances prove each other wrong again and again; so
 * after each guess that was not proved, the next ones are left out: 1, 3, 7, up to 255. No I/O.
 */
export class Trust {
  private failures = 0;
  private rest = 0;

  /** Whether the next batch may guess; it counts as failed until it is proved. */
  guess(): boolean {
    if (this.rest > 0) {
      this.rest--;
      return false;
    }
    this.failures = Math.min(this.failures + 1, 8);
    this.rest = 2 ** this.failures - 1;
    return true;
  }

  proved(): void {
    this.failures = 0;
    this.rest = 0;
  }
}
