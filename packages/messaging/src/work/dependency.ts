import { backoff } from '../backoff.js';
import { Evidence } from './evidence.js';
import type { WorkItem } from './work-item.js';

/** Why a dependency pauses: it does not answer, or it fails for many keys at once although its probe may succeed. */
export type PauseReason = 'down' | 'many-fail';

type State =
  | { kind: 'open' }
  /** Nothing is started until `probeAt`; then its probe is asked where `ask` is set, else exactly one row is tried. */
  | { kind: 'paused'; because: PauseReason; failures: number; probeAt: number; ask: boolean }
  | { kind: 'asking'; because: PauseReason; failures: number }
  | { kind: 'trying'; because: PauseReason; failures: number };

/** First and longest time between two probes, in milliseconds. */
const PROBE_MS: [number, number] = [1_000, 30_000];

/**
 * One system that effects call: how much work for it this instance holds, whether it is up, and when it may be called again. The circuit
 * breaker before a vendor. No I/O; time and chance come in.
 */
export class Dependency {
  private state: State = { kind: 'open' };
  private evidence = new Evidence();
  /** When it was found to be up again, last. */
  private openedAt = -Infinity;
  private readonly ready: WorkItem[] = [];
  private running = 0;
  private settling = 0;
  /** It limits our rate: nothing starts before. */
  private limitedUntil = -Infinity;
  /** There may be rows in the table that nobody has leased. */
  mayHaveMore = true;

  constructor(
    readonly name: string,
    readonly concurrency: number,
    /** How long a lease of this dependency's rows is: longer than any attempt. */
    readonly leaseMs: number,
    /** It can be asked whether it is up; else a row must be tried to find out. */
    private readonly hasProbe = false,
  ) {}

  get paused(): boolean {
    return this.state.kind !== 'open';
  }

  get pausedBecause(): PauseReason | null {
    return this.state.kind === 'open' ? null : this.state.because;
  }

  get leased(): number {
    return this.ready.length + this.running + this.settling;
  }

  get idle(): boolean {
    return this.leased === 0;
  }

  /** When something is to be done about it without anything else happening; `undefined` where nothing is. */
  nextAt(now: number): number | undefined {
    const at = this.state.kind === 'paused' ? this.state.probeAt : this.limitedUntil;
    // What has passed waits for its last calls to end, or for the next look at the table; both wake us.
    return at > now ? at : undefined;
  }

  /** Whether its probe is to be asked now. */
  askDue(now: number): boolean {
    return this.state.kind === 'paused' && this.state.ask && now >= this.state.probeAt;
  }

  /** Whether a key may be leased right when its row is stored. */
  wantsMore(now: number): boolean {
    return this.state.kind === 'open' && now >= this.limitedUntil && this.leased < this.bound;
  }

  /** How many keys to claim now. */
  claimable(now: number): number {
    if (now < this.limitedUntil) return 0;
    switch (this.state.kind) {
      case 'open':
        // Not one by one as places become free: a claim is a transaction.
        return this.leased * 2 > this.bound ? 0 : this.bound - this.leased;
      case 'paused':
        return this.tryDue(now) ? 1 : 0;
      case 'asking':
      case 'trying':
        return 0;
    }
  }

  /** Takes leased rows; returns those it does not want, which must be released. */
  accept(items: WorkItem[], now: number): WorkItem[] {
    if (items.length === 0 || now < this.limitedUntil) return items;
    if (this.state.kind === 'paused' && this.tryDue(now)) {
      const { because, failures } = this.state;
      this.state = { kind: 'trying', because, failures };
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
  answered(key: string, now: number): void {
    this.evidence.answered(key, now);
    if (this.state.kind === 'trying') this.open(now);
  }

  /**
   * A call failed, and whose fault it is is not clear by itself. What is known without asking: `down` while it pauses or many keys fail at
   * once, `recovered` where it was down when the call began.
   */
  failed(key: string, beganAt: number, now: number): 'down' | 'recovered' | 'unclear' {
    if (this.state.kind === 'trying') return this.state.because === 'many-fail' ? 'down' : 'unclear';
    if (this.paused) return 'down';
    if (beganAt < this.openedAt) return 'recovered';
    this.evidence.failed(key, now);
    return this.evidence.manyFail(now) ? 'down' : 'unclear';
  }

  /** A row went back without an attempt: where it was the one it is tried with, nothing is known yet and the next may be. */
  untried(now: number): void {
    if (this.state.kind !== 'trying') return;
    const { because, failures } = this.state;
    this.state = { kind: 'paused', because, failures, probeAt: now, ask: false };
    this.mayHaveMore = true;
  }

  /** What it was tried with failed, and that does not say whether it is up: the next row may tell. */
  untold(now: number, random: number): void {
    if (this.state.kind !== 'trying') return;
    const { because } = this.state;
    const failures = this.state.failures + 1;
    this.state = { kind: 'paused', because, failures, probeAt: now + backoff(failures, PROBE_MS, random), ask: false };
    this.mayHaveMore = true;
  }

  /** Its probe is being asked: {@link up} or {@link stillDown} follows. */
  asking(): void {
    if (this.state.kind === 'paused') this.state = { ...this.state, kind: 'asking' };
  }

  /** Its probe succeeded. Where calls had failed all the same, one row must succeed as well. */
  up(now: number): void {
    if (this.state.kind !== 'asking') return;
    if (this.state.because === 'down') return this.open(now);
    const { because, failures } = this.state;
    this.state = { kind: 'paused', because, failures, probeAt: now, ask: false };
    this.mayHaveMore = true;
  }

  /** It is down. Returns what waits here, to be released. */
  pause(now: number, random: number, retryAfterMs: number): WorkItem[] {
    if (this.state.kind === 'paused' || this.state.kind === 'asking') return []; // on its way when the first one told us
    const [because, failures]: [PauseReason, number] =
      this.state.kind === 'trying'
        ? [this.state.because, this.state.failures + 1]
        : [this.evidence.manyFail(now) ? 'many-fail' : 'down', 1];
    const probeAt = now + backoff(failures, PROBE_MS, random, retryAfterMs);
    this.state = { kind: 'paused', because, failures, probeAt, ask: this.hasProbe };
    return this.drain();
  }

  /** Its probe failed. */
  stillDown(now: number, random: number): void {
    if (this.state.kind !== 'asking') return;
    const failures = this.state.failures + 1;
    // Whatever made it pause, now it does not even answer.
    const probeAt = now + backoff(failures, PROBE_MS, random);
    this.state = { kind: 'paused', because: 'down', failures, probeAt, ask: true };
  }

  /** It limits our rate, as a whole. Returns what waits here, to be released. */
  limited(now: number, forMs: number): WorkItem[] {
    this.limitedUntil = Math.max(this.limitedUntil, now + forMs);
    this.mayHaveMore = true;
    return this.drain();
  }

  /** Everything that has not started. */
  drain(): WorkItem[] {
    return this.ready.splice(0);
  }

  private open(now: number): void {
    this.state = { kind: 'open' };
    this.openedAt = now;
    this.evidence = new Evidence();
    this.mayHaveMore = true;
  }

  private tryDue(now: number): boolean {
    return this.state.kind === 'paused' && !this.state.ask && now >= this.state.probeAt && this.leased === 0;
  }

  /** Enough to keep busy while outcomes are recorded and the next rows claimed, and not so much that leases run out waiting. */
  private get bound(): number {
    return Math.max(64, this.concurrency * 8);
  }
}
