import { backoff } from '../backoff.js';
import type { WorkItem } from './work-item.js';

type State =
  | { kind: 'open' }
  /** Down. Nothing is started until `probeAt`; then exactly one row is, to find out. */
  | { kind: 'paused'; failures: number; probeAt: number }
  | { kind: 'probing'; failures: number };

/** First and longest time between two probes, in milliseconds. */
const PROBE_MS: [number, number] = [1_000, 30_000];

/**
 * One system that effects call: how much work for it this instance holds, and whether it is up. No I/O; time and chance come in.
 */
export class Dependency {
  private state: State = { kind: 'open' };
  private readonly ready: WorkItem[] = [];
  private running = 0;
  private settling = 0;
  /** There may be rows in the table that nobody has leased. */
  mayHaveMore = true;

  constructor(
    readonly name: string,
    readonly concurrency: number,
    /** How long a lease of this dependency's rows is: longer than any attempt. */
    readonly leaseMs: number,
  ) {}

  get paused(): boolean {
    return this.state.kind !== 'open';
  }

  get leased(): number {
    return this.ready.length + this.running + this.settling;
  }

  get idle(): boolean {
    return this.leased === 0;
  }

  /** When a paused dependency is to be tried; `undefined` while it is open or being tried. */
  get probeAt(): number | undefined {
    return this.state.kind === 'paused' ? this.state.probeAt : undefined;
  }

  /** Whether a key may be leased right when its row is stored. */
  wantsMore(): boolean {
    return this.state.kind === 'open' && this.leased < this.bound;
  }

  /** How many keys to claim now. */
  claimable(now: number): number {
    switch (this.state.kind) {
      case 'open':
        // Not one by one as places become free: a claim is a transaction.
        return this.leased * 2 > this.bound ? 0 : this.bound - this.leased;
      case 'paused':
        return now >= this.state.probeAt && this.leased === 0 ? 1 : 0;
      case 'probing':
        return 0;
    }
  }

  /** Takes leased rows; returns those it does not want, which must be released. */
  accept(items: WorkItem[], now: number): WorkItem[] {
    if (this.state.kind === 'paused' && now >= this.state.probeAt && items.length > 0 && this.leased === 0) {
      this.state = { kind: 'probing', failures: this.state.failures };
      this.ready.push(items[0]!);
      return items.slice(1);
    }
    if (this.state.kind !== 'open') return items;
    this.ready.push(...items);
    return [];
  }

  /** The next row to run, while there is room. */
  next(): WorkItem | undefined {
    if (this.running >= this.concurrency) return undefined;
    const item = this.ready.shift();
    if (item) this.running++;
    return item;
  }

  /** An attempt has ended and its outcome is to be recorded. */
  ended(): void {
    this.running--;
    this.settling++;
  }

  settled(): void {
    this.settling--;
  }

  /** It answered, if only to refuse. */
  answered(): void {
    if (this.state.kind === 'probing') {
      this.state = { kind: 'open' };
      this.mayHaveMore = true;
    }
  }

  /** A row went back without an attempt: where it was the probe, nothing is known yet and the next one may be started. */
  untried(now: number): void {
    if (this.state.kind !== 'probing') return;
    this.state = { kind: 'paused', failures: this.state.failures, probeAt: now };
    this.mayHaveMore = true;
  }

  /** It is down. Returns what waits here, to be released. */
  pause(now: number, random: number, retryAfterMs: number): WorkItem[] {
    if (this.state.kind === 'paused') return []; // one of those that were on their way when the first one told us
    const failures = this.state.kind === 'probing' ? this.state.failures + 1 : 1;
    this.state = { kind: 'paused', failures, probeAt: now + backoff(failures, PROBE_MS, random, retryAfterMs) };
    return this.drain();
  }

  /** Everything that has not started. */
  drain(): WorkItem[] {
    return this.ready.splice(0);
  }

  /** Enough to keep busy while outcomes are recorded and the next rows claimed, and not so much that leases run out waiting. */
  private get bound(): number {
    return Math.max(64, this.concurrency * 8);
  }
}
