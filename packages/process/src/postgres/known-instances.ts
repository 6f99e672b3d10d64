import type { LockedInstance } from './lock-instances.js';

/** An instance as this runner has written it. */
export interface KnownInstance extends LockedInstance {
  /** Which version of its row that was: PostgreSQL's `xmin`, the transaction that wrote it. Whoever writes the row changes it. */
  xmin: string;
  /** And when. Where a standby takes over that lacks the last transactions, their numbers are given again, at another time. */
  writtenAt: Date;
}

/** Nothing is known for longer, in milliseconds: numbers of transactions come again, after 4 billion of them or out of a backup. */
const KNOWN_MS = 600_000;

/**
 * What a runner itself has written last, so that it need not be read again: an event mostly follows an event. It says nothing of what others
 * have written since; the row lock does, see `lockInstances` and `assertCurrent`. The oldest are forgotten beyond the limit.
 */
export class KnownInstances {
  private readonly byName = new Map<string, { instance: KnownInstance; chars: number }>();
  private chars = 0;

  /** @param limit characters of states at most, as JSON: most have some thousands, one of a thousand lines half a million */
  constructor(private readonly limit: number) {}

  get(name: string, now: Date): KnownInstance | undefined {
    const known = this.byName.get(name);
    return known && Math.abs(now.getTime() - known.instance.writtenAt.getTime()) < KNOWN_MS
      ? known.instance
      : undefined;
  }

  /** @param chars of its state */
  set(name: string, instance: KnownInstance, chars: number): void {
    this.delete(name);
    this.byName.set(name, { instance, chars });
    this.chars += chars;
    for (const oldest of this.byName.keys()) {
      if (this.chars <= this.limit) return;
      this.delete(oldest);
    }
  }

  delete(name: string): void {
    this.chars -= this.byName.get(name)?.chars ?? 0;
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
