import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Codec } from '@throughline/contracts';
import { mayHaveCommitted, type Database, type TransactionOptions } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import { classify, type Standing } from '../advice.js';
import { backoff } from '../backoff.js';
import { LOCK_ALONE_MS, LOCK_OF_MANY_MS } from '../conflicts.js';
import { GroupCommit } from '../group-commit.js';
import type { Limits } from '../limits.js';
import { measureAttempt } from '../metrics.js';
import type { Progress } from '../progress.js';
import { STATE_DEPENDENCY, type Routes } from '../routes.js';
import type { MessagingTransaction, WorkSink } from '../transaction.js';
import { Wake } from '../wake.js';
import { claimKeys, readHeads, readWorkState, type StoredWorkRow, type WorkState } from './claim-work.js';
import { Dependency, type PauseReason } from './dependency.js';
import { DueTimes } from './due-times.js';
import type { Outcome } from './outcome.js';
import { Probe } from './probe.js';
import { afterFailure, LEASE_MARGIN_MS, routeOf, runWork, type Attempt } from './run-work.js';
import { isPlainlyDone, settle } from './settle.js';
import { readFullKeys } from './lock-full-keys.js';
import { releaseLeases } from './settle-work.js';
import { fromStored, laneOf, type Lane, type WorkItem } from './work-item.js';

export interface WorkQueueParts {
  routes: Routes;
  codec: Codec;
  database: Database;
  transaction<T>(fn: (tx: MessagingTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  instanceId: string;
  limits: Limits;
  monotonic: () => number;
  claimProgress: Progress;
  settleProgress: Record<Settlement, Progress>;
  log: Logger;
}

export interface QueueHealth {
  /** Rows that wait or run, of all instances, and how many keys they belong to; without those behind held keys. */
  pending: number;
  keys: number;
  /** Keys that wait behind a message that failed and is tried again, and for how long the oldest has. */
  parkedKeys: number;
  parkedSeconds: number;
  /** Rows this instance has leased. */
  leased: number;
  /** Keys that wait for a dead letter to be put back or let go, and the rows behind it. */
  heldKeys: number;
  heldRows: number;
  /** Its work waits, and it is probed: it does not answer, or calls of many keys fail although its probe may succeed. */
  paused: boolean;
  pausedBecause: PauseReason | null;
}

/**
 * Ways to record outcomes, none of which waits for another. `plain`: the row is done and has its messages, all in one statement.
 * `closer`: it failed or went back. `writing`: it writes state of its own, and so may wait for anybody's lock. `locked`: it met a lock that
 * somebody keeps, and goes alone.
 */
export type Settlement = 'plain' | 'closer' | 'writing' | 'locked';

type FailedWork = Extract<Attempt, { kind: 'failed' }>;

const DEFAULT_PROBE_TIMEOUT_MS = 5_000;
/** The answer of a probe counts for this long, except where an attempt would be the last. In milliseconds. */
const PROBE_FRESH_MS = 1_000;
/** A COMMIT whose answer is lost is usually durable before that is noticed, and within this time otherwise. In milliseconds. */
const LANDS_WITHIN_MS = 5_000;
/** So often, meanwhile, is looked whether it has. In milliseconds. */
const LOST_LOOK_MS = 250;
const SETTLE_ITEMS = 500;
/** So long is an outcome tried again that meets a lock, in milliseconds: after that its attempt is repeated, as one that failed. */
const LOCKED_MS = 10_000;
const CLAIM_KEYS = 500;
/** A leased row that has waited longer than this, in milliseconds, goes back: the rest of its lease may not last for an attempt. */
const LEASE_WAIT_MS = LEASE_MARGIN_MS - 5_000;

/**
 * Runs the keyed work queue: one row per key at a time, oldest first, rows of different keys at once. Rows usually come from memory
 * right after the COMMIT that stored them; the claim loop finds the rest: what waited, was released, or belonged to an instance that
 * is gone.
 */
export class WorkQueue implements WorkSink {
  private readonly dependencies = new Map<string, Dependency>();
  private readonly probes = new Map<string, Probe>();
  private readonly settlements: Record<Settlement, GroupCommit<Outcome>>;
  private readonly wake = new Wake();
  private readonly abort = new AbortController();
  private state: WorkState[] = [];
  private fullKeys: ReadonlySet<string> = new Set();
  /** Rows stored less rows over, by queue: what `state` does not know yet. */
  private readonly sinceRead = new Map<string, number>();
  private readAt = -Infinity;
  /** The table has to be looked at; what becomes due until then is in `due`. */
  private lookWanted = false;
  private readonly due = new DueTimes();
  /** Leases that keys may bear although nobody here has their rows, because a COMMIT was not answered; and until when it may land. */
  private readonly lostLeases = new Map<string, { lanes: Lane[]; until: number }>();
  private lookForLostAt = -Infinity;
  /** Since when outcomes have met locks. */
  private readonly lockedSince = new WeakMap<Outcome, number>();
  /** Settlements that no dependency counts. */
  private settling = 0;
  private probing = 0;
  private stopping = false;
  private stopped = false;
  private loop: Promise<void> | undefined;

  constructor(private readonly parts: WorkQueueParts) {
    const settling = (by: Settlement): GroupCommit<Outcome> =>
      new GroupCommit((outcomes) => this.settle(outcomes, by), by === 'locked' ? 1 : SETTLE_ITEMS);
    this.settlements = {
      plain: settling('plain'),
      closer: settling('closer'),
      writing: settling('writing'),
      locked: settling('locked'),
    };
    for (const route of [...Object.values(parts.routes.routes), ...Object.values(parts.routes.jobs)]) {
      this.dependency(route.dependency);
    }
    this.dependency(STATE_DEPENDENCY);
  }

  start(): void {
    this.loop = this.claimLoop();
  }

  /** Begins nothing more, waits for what runs within the bound, then aborts it; leases are given back. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    for (const dependency of this.dependencies.values()) this.release(dependency.drain(), dependency);
    const end = this.parts.monotonic() + graceMs;
    while (!this.idle && this.parts.monotonic() < end) await sleep(5);
    this.abort.abort();
    const abortEnd = this.parts.monotonic() + 1_500;
    while (!this.idle && this.parts.monotonic() < abortEnd) await sleep(5);
    this.stopped = true;
    this.wake.wake();
    await this.loop;
  }

  /** Something outside has changed: look at the table now. */
  look(): void {
    this.lookWanted = true;
    this.wake.wake();
  }

  /** Rows that wait, as far as this instance knows. Those behind held keys do not count: no worker can make them fewer. */
  backlog(queue: string): number {
    return (this.state.find((state) => state.queue === queue)?.pending ?? 0) + (this.sinceRead.get(queue) ?? 0);
  }

  health(): Record<string, QueueHealth> {
    const health: Record<string, QueueHealth> = {};
    const sinceRead = (this.parts.monotonic() - this.readAt) / 1_000;
    for (const [name, dependency] of this.dependencies) {
      const state = this.state.find(({ queue }) => queue === name);
      health[name] = {
        pending: state?.pending ?? 0,
        keys: state?.keys ?? 0,
        parkedKeys: state?.parked_keys ?? 0,
        parkedSeconds: state?.parked_keys ? state.parked_seconds + sinceRead : 0,
        leased: dependency.leased,
        heldKeys: state?.held_keys ?? 0,
        heldRows: state?.held_rows ?? 0,
        paused: dependency.paused,
        pausedBecause: dependency.pausedBecause,
      };
    }
    return health;
  }

  leaseMs(queue: string): number | undefined {
    const dependency = this.dependency(queue);
    return !this.stopping && this.loop && dependency.wantsMore(this.parts.monotonic()) ? dependency.leaseMs : undefined;
  }

  get heldRowsPerKey(): number {
    return this.parts.limits.heldRowsPerKey;
  }

  isFull(queue: string, key: string): boolean {
    return this.fullKeys.size > 0 && this.fullKeys.has(laneOf({ queue, key }));
  }

  stored(queues: string[], unclaimed: ReadonlySet<string>): void {
    for (const queue of queues) this.sinceRead.set(queue, (this.sinceRead.get(queue) ?? 0) + 1);
    for (const queue of unclaimed) this.dependency(queue).mayHaveMore = true;
    if (unclaimed.size > 0) this.wake.wake();
  }

  accept(items: WorkItem[]): void {
    if (items.length === 0) return;
    const byQueue = Map.groupBy(items, ({ queue }) => queue);
    for (const [queue, rows] of byQueue) {
      const dependency = this.dependency(queue);
      this.release(this.stopping ? rows : dependency.accept(rows, this.parts.monotonic()), dependency);
      this.run(dependency);
    }
  }

  lost(lease: string, lanes: Lane[]): void {
    if (!this.loop) return;
    // Without their rows, which may be large.
    const bare = lanes.map(({ queue, key }) => ({ queue, key }));
    this.lostLeases.set(lease, { lanes: bare, until: this.parts.monotonic() + LANDS_WITHIN_MS });
    this.wake.wake();
  }

  private get idle(): boolean {
    if (this.settling + this.probing > 0) return false;
    return [...this.dependencies.values()].every((dependency) => dependency.idle);
  }

  private dependency(name: string): Dependency {
    let dependency = this.dependencies.get(name);
    if (!dependency) {
      const { routes, limits } = this.parts;
      const all = [...Object.values(routes.routes), ...Object.values(routes.jobs)];
      const timeouts = all.filter((route) => route.dependency === name).map((route) => route.timeoutMs);
      const concurrency = limits.effectConcurrency[name] ?? limits.effectConcurrency.default;
      const { probe: ask, probeTimeoutMs: timeoutMs = DEFAULT_PROBE_TIMEOUT_MS } = routes.dependencies[name] ?? {};
      dependency = new Dependency(name, concurrency, Math.max(0, ...timeouts) + LEASE_MARGIN_MS, ask !== undefined);
      this.dependencies.set(name, dependency);
      const { monotonic } = this.parts;
      if (ask) this.probes.set(name, new Probe({ ask, timeoutMs, monotonic, stop: this.abort.signal }));
    }
    return dependency;
  }

  private run(dependency: Dependency): void {
    for (let item = dependency.next(); item; item = dependency.next()) void this.runOne(dependency, item);
  }

  private async runOne(dependency: Dependency, item: WorkItem): Promise<void> {
    const { monotonic } = this.parts;
    const [beganAt, began] = [performance.now(), monotonic()];
    const late = item.leasedUntil - monotonic() < dependency.leaseMs - LEASE_WAIT_MS;
    const attempt = late ? ({ kind: 'stopped', item } as const) : await runWork(this.parts, item, this.abort.signal);
    const outcome =
      attempt.kind === 'failed' ? await this.judge(dependency, attempt, began) : this.accepted(dependency, attempt);
    dependency.ended();
    measureAttempt(outcome, beganAt);
    void this.settlements[settlementOf(outcome)].add([outcome]).finally(() => {
      dependency.settled();
      if (dependency.mayHaveMore || this.stopping) this.wake.wake();
    });
    this.run(dependency);
  }

  private accepted(dependency: Dependency, attempt: Exclude<Attempt, { kind: 'failed' }>): Outcome {
    const now = this.parts.monotonic();
    if (attempt.kind === 'done') dependency.answered(attempt.item.key, now);
    else dependency.untried(now);
    return attempt.kind === 'done' ? attempt : { kind: 'release', item: attempt.item };
  }

  /** Whose fault was it? The message's, the dependency's, or nobody's. */
  private async judge(dependency: Dependency, { item, error }: FailedWork, began: number): Promise<Outcome> {
    const { monotonic, routes } = this.parts;
    const route = routeOf(routes, item);
    const failure = classify(item.kind, error);
    const ended = monotonic();
    const failed = { item, error, failure, standing: 'up' as Standing, ranMs: ended - began };
    if (failure.kind === 'never') dependency.answered(item.key, ended);
    if (failure.kind === 'ours') dependency.untried(ended);
    if (failure.kind === 'limited') {
      dependency.answered(item.key, ended);
      this.release(dependency.limited(ended, failure.waitMs), dependency);
    }
    if (failure.kind === 'unclear' && item.kind !== 'state') {
      const isLast = afterFailure(failed, route).kind === 'dead';
      failed.standing = await this.standing(dependency, item, [began, ended], isLast);
    }
    const outcome = afterFailure(failed, route);
    this.follow(dependency, outcome);
    return outcome;
  }

  /** By evidence: what is known of the dependency already, else what its probe says. Nothing is given up without asking anew. */
  private async standing(
    dependency: Dependency,
    { key }: WorkItem,
    [began, ended]: [number, number],
    isLast: boolean,
  ): Promise<Standing> {
    const known = dependency.failed(key, began, ended);
    if (known !== 'unclear') return known;
    const probe = this.probes.get(dependency.name);
    if (!probe) return 'unknown';
    const up = await probe.isUp(isLast ? ended : ended - PROBE_FRESH_MS);
    return up && !dependency.paused ? 'up' : 'down';
  }

  private follow(dependency: Dependency, outcome: Outcome): void {
    const { monotonic, log } = this.parts;
    if (outcome.kind === 'pause' && !this.stopping) {
      dependency.mayHaveMore = true;
      if (!dependency.paused) {
        log.warn(
          { err: outcome.error, dependency: dependency.name },
          'A dependency is down: its work pauses and it is probed.',
        );
      }
      this.release(dependency.pause(monotonic(), Math.random(), outcome.retryAfterMs), dependency);
    }
    if (outcome.kind === 'retry' || outcome.kind === 'dead') {
      dependency.untold(monotonic(), Math.random());
      const { type, key, attempts } = outcome.item;
      log.warn({ err: outcome.error, type, key, attempt: attempts + 1 }, `An attempt failed: ${outcome.kind}.`);
    }
  }

  /** Whether what paused is up again; until then its work waits, and nothing but this calls it. */
  private async askAgain(dependency: Dependency): Promise<void> {
    const { monotonic, log } = this.parts;
    this.probing++;
    dependency.asking();
    const up = await this.probes.get(dependency.name)!.isUp(monotonic());
    if (up) dependency.up(monotonic());
    else dependency.stillDown(monotonic(), Math.random());
    if (!dependency.paused) log.info({ dependency: dependency.name }, 'A dependency is up again: its work goes on.');
    this.probing--;
    this.wake.wake();
  }

  private release(items: WorkItem[], dependency: Dependency): void {
    if (items.length === 0) return;
    dependency.mayHaveMore = true;
    this.settling++;
    void this.settlements.closer.add(items.map((item) => ({ kind: 'release', item }))).finally(() => this.settling--);
  }

  private putOff(outcome: Outcome): boolean {
    const now = this.parts.monotonic();
    const since = this.lockedSince.get(outcome) ?? now;
    if (now - since >= LOCKED_MS) return false;
    this.lockedSince.set(outcome, since);
    this.settling++;
    void this.settlements.locked.add([outcome]).finally(() => this.settling--);
    return true;
  }

  private async settle(outcomes: Outcome[], by: Settlement): Promise<void> {
    const progress = this.parts.settleProgress[by];
    try {
      await settle(
        {
          ...this.parts,
          progress,
          leaseMs: (queue) => this.dependency(queue).leaseMs,
          lockTimeoutMs: by === 'locked' ? LOCK_ALONE_MS : LOCK_OF_MANY_MS,
          recorded: (recorded, next) => this.recorded(recorded, next),
          putOff: (outcome) => this.putOff(outcome),
        },
        outcomes,
      );
    } catch (error) {
      const { log } = this.parts;
      log.error({ err: error }, 'Outcomes could not be recorded; their leases run out and the rows are tried again.');
    } finally {
      progress.idle();
    }
  }

  private recorded(outcomes: Outcome[], next: WorkItem[]): void {
    for (const outcome of outcomes) {
      const { kind, item } = outcome;
      if (kind === 'retry') this.dueWithin(item.queue, outcome.delayMs);
      // Only now can they be claimed: a look before the commit has found nothing.
      if (kind === 'release' || kind === 'pause') this.mayClaim(item.queue);
      if (kind === 'done' || kind === 'dead') this.sinceRead.set(item.queue, (this.sinceRead.get(item.queue) ?? 0) - 1);
    }
    this.accept(next);
  }

  private async claimLoop(): Promise<void> {
    const { limits, monotonic, claimProgress, log } = this.parts;
    let failures = 0;
    while (!this.stopped) {
      try {
        claimProgress.step();
        if (!this.stopping) await this.claimDue();
        claimProgress.idle();
        failures = 0;
      } catch (error) {
        claimProgress.waitingFor = 'postgres';
        log.warn({ err: error }, 'The work queue cannot be read; it is tried again.');
        await this.wake.sleep(backoff(++failures, [100, 5_000], Math.random()));
        continue;
      }
      await this.wake.sleep(Math.max(0, Math.min(limits.workPollMs, this.nextEventAt() - monotonic())));
    }
  }

  private nextEventAt(): number {
    let at = this.lookWanted ? 0 : Math.min(this.due.next, this.readAt + this.parts.limits.workPollMs);
    const now = this.parts.monotonic();
    for (const dependency of this.dependencies.values()) at = Math.min(at, dependency.nextAt(now) ?? Infinity);
    return this.lostLeases.size > 0 ? Math.min(at, this.lookForLostAt) : at;
  }

  private mayClaim(queue: string): void {
    this.dependency(queue).mayHaveMore = true;
    this.wake.wake();
  }

  private dueWithin(queue: string, ms: number): void {
    this.due.add(queue, this.parts.monotonic() + ms);
    this.wake.wake();
  }

  private async claimDue(): Promise<void> {
    const { limits, monotonic } = this.parts;
    if (this.lostLeases.size > 0 && monotonic() >= this.lookForLostAt) await this.giveBackLost();
    const now = monotonic();
    if (this.lookWanted || now >= this.readAt + limits.workPollMs) await this.readState();
    for (const queue of this.due.take(monotonic())) this.dependency(queue).mayHaveMore = true;
    for (const dependency of this.dependencies.values()) {
      if (dependency.askDue(monotonic())) void this.askAgain(dependency);
      const wanted = Math.min(dependency.claimable(monotonic()), CLAIM_KEYS);
      if (wanted === 0 || !dependency.mayHaveMore) continue;
      const items = await this.claim(dependency, wanted);
      dependency.mayHaveMore = items.length === wanted;
      if (dependency.mayHaveMore) this.wake.wake();
      this.accept(items);
    }
  }

  /** So that these keys need not wait for the lease to end. */
  private async giveBackLost(): Promise<void> {
    const asked = this.parts.monotonic();
    this.lookForLostAt = asked + LOST_LOOK_MS;
    const all = [...this.lostLeases].flatMap(([lease, { lanes }]) => lanes.map((lane) => ({ ...lane, lease })));
    const released = await this.parts.database.query<{ queue: string }>(releaseLeases, [
      all.map(({ queue }) => queue),
      all.map(({ key }) => key),
      all.map(({ lease }) => lease),
    ]);
    for (const [lease, { until }] of this.lostLeases) if (until < asked) this.lostLeases.delete(lease);
    for (const { queue } of released) this.dependency(queue).mayHaveMore = true;
  }

  private async readState(): Promise<void> {
    const { database, monotonic } = this.parts;
    this.lookWanted = false;
    this.sinceRead.clear();
    const state = await database.query<WorkState>(readWorkState);
    const mayBeFull = state.some(({ held_rows }) => held_rows >= this.heldRowsPerKey);
    const full = mayBeFull
      ? await database.query<{ queue: string; key: string }>(readFullKeys, [this.heldRowsPerKey])
      : [];
    // Together, so that whoever sees a key at its bound also finds it full.
    this.state = state;
    this.fullKeys = new Set(full.map(laneOf));
    this.readAt = monotonic();
    for (const { queue, due_in_ms } of this.state) {
      const dependency = this.dependency(queue);
      if (due_in_ms === null) continue;
      if (due_in_ms <= 0) dependency.mayHaveMore = true;
      else this.due.add(queue, this.readAt + due_in_ms);
    }
  }

  private async claim(dependency: Dependency, limit: number): Promise<WorkItem[]> {
    const { database, instanceId, monotonic } = this.parts;
    const { name, leaseMs } = dependency;
    const lease = randomUUID();
    const leasedUntil = monotonic() + leaseMs;
    let keys: string[] = [];
    try {
      return await database.transaction(async (tx) => {
        const claimed = await tx.query<{ key: string }>(claimKeys, [name, limit, lease, instanceId, leaseMs]);
        keys = claimed.map(({ key }) => key);
        if (keys.length === 0) return [];
        const heads = await tx.query<StoredWorkRow>(readHeads, [keys.map(() => name), keys]);
        return heads.map((row) => fromStored(row, lease, leasedUntil));
      });
    } catch (error) {
      if (keys.length > 0 && mayHaveCommitted(error)) {
        this.lost(
          lease,
          keys.map((key) => ({ queue: name, key })),
        );
      }
      throw error;
    }
  }
}

function settlementOf(outcome: Outcome): Settlement {
  if (outcome.kind !== 'done') return 'closer';
  if (outcome.result.apply) return 'writing';
  return isPlainlyDone(outcome) ? 'plain' : 'closer';
}
