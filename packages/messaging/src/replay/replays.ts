import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { catalog, codeOf, retryOf, type Codec, type MessageType } from '@throughline/contracts';
import { postgresFailure, type Database } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import type { Kafka } from 'kafkajs';
import { backoff } from '../backoff.js';
import { Intake } from '../consume/intake.js';
import type { KafkaRecord } from '../consume/read-record.js';
import type { By } from '../dead-letters/dead-letters.js';
import {
  REBUILDING,
  rebuildIsWhole,
  rebuildUnfinished,
  replayRunning,
  replayTopicUnknown,
  replayUnknown,
} from '../errors.js';
import type { Limits } from '../limits.js';
import { Progress } from '../progress.js';
import type { Routes } from '../routes.js';
import type { MessagingTransaction } from '../transaction.js';
import { Wake } from '../wake.js';
import {
  checkNothingWaits,
  checkReplayable,
  closeGeneration,
  openGeneration,
  rebuildOf,
  removeOldGenerations,
} from './generation.js';
import { planMissed, planRebuild, planRest, readPlace } from './plan-ranges.js';
import { readEnds } from './read-ends.js';
import { readRanges } from './read-ranges.js';
import { Rebuild } from './rebuild.js';
import { takeReplayLock } from './replay-lock.js';
import {
  askToCancel,
  endReplay,
  findReplay,
  findRunning,
  insertReplay,
  listReplays,
  saveProgress,
} from './replay-store.js';
import { noCounts, type Range, type Replay, type ReplayRequest } from './replay.js';
import { takeHistory } from './take-history.js';

export interface ReplayParts {
  kafka: Kafka;
  database: Database;
  codec: Codec;
  routes: Routes;
  transaction<T>(fn: (tx: MessagingTransaction) => Promise<T>): Promise<T>;
  topicPrefix: string;
  limits: Limits;
  log: Logger;
  /** Rows that wait in one queue of the work. */
  backlog: (queue: string) => number;
}

const SAVE_EVERY_MS = 500;
const BACKLOG_WAIT_MS = 200;
/** Dry runs that are over and still can be asked for. */
const DRY_RUNS_KEPT = 20;

/**
 * Re-reads retained history into the consumer of this service, see docs/adr/0010. One replay at a time, run by the instance that was
 * asked or, if that is gone, by the first other that notices; it goes on where the last saved progress was, and the inbox knows what had
 * been taken in since.
 */
export class Replays {
  private readonly dryRuns = new Map<string, Replay>();
  private running: Promise<void> | undefined;
  /** Something may have begun while the one before was about to end. */
  private again = false;
  private current: { id: string; cancel: AbortController } | undefined;
  private dryRun: { abort: AbortController; over: Promise<void> } | undefined;
  private readonly stopping = new AbortController();
  private readonly wake = new Wake();

  constructor(private readonly parts: ReplayParts) {}

  /** Goes on with a replay that nobody runs any more. Safe to call at any time, also where none is. */
  resume(): void {
    if (this.running) this.wake.wake();
    this.takeTurn();
  }

  /** As {@link resume}, and often: while another instance seems to run it, that is asked no sooner. */
  takeTurn(): void {
    if (this.stopping.signal.aborted) return;
    this.again = this.running !== undefined;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      if (this.again) this.takeTurn();
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake.wake();
    this.dryRun?.abort.abort();
    await Promise.all([this.running, this.dryRun?.over]);
  }

  /** @throws what stands against it: `MSG_REPLAY_RUNNING`, `MSG_NOT_REPLAYABLE`, `MSG_REBUILD_...`, `MSG_REPLAY_...` */
  async start(request: ReplayRequest, by: By): Promise<Replay> {
    const { database, routes } = this.parts;
    const ranges = await this.plan(request);
    const replay = await database.transaction((tx) => insertReplay(tx, routes.group, request, ranges, noCounts(), by));
    if (!replay) {
      const other = await findRunning(database, routes.group);
      this.resume(); // it may have been left behind by an instance that is gone
      throw replayRunning(routes.group, other?.id ?? '');
    }
    this.resume();
    return replay;
  }

  /** Reads and counts as {@link start} would, and changes nothing. */
  async startDryRun(request: ReplayRequest, by: By): Promise<Replay> {
    const { routes, log } = this.parts;
    const running = [...this.dryRuns.values()].find(({ status }) => status === 'running');
    if (running) throw replayRunning(routes.group, running.id);
    const ranges = await this.plan(request);
    const replay: Replay = {
      id: `dry-${randomUUID()}`,
      consumer: routes.group,
      request,
      dryRun: true,
      status: 'running',
      ranges,
      counts: noCounts(),
      by,
      cancelled: null,
      error: null,
      startedAt: new Date(),
      endedAt: null,
    };
    this.dryRuns.set(replay.id, replay);
    for (const [id] of [...this.dryRuns].slice(0, -DRY_RUNS_KEPT)) this.dryRuns.delete(id);
    const abort = new AbortController();
    const over = this.read(replay, abort.signal)
      .then(
        () => (replay.status = abort.signal.aborted ? 'cancelled' : 'done'),
        (error: unknown) => {
          log.warn({ err: error, replay: replay.id }, 'A dry run ended early.');
          replay.status = 'failed';
          replay.error = { code: codeOf(error), message: (error as Error).message };
        },
      )
      .then(() => void (replay.endedAt = new Date()));
    this.dryRun = { abort, over };
    return replay;
  }

  /** @throws `MSG_REPLAY_UNKNOWN` */
  async find(id: string): Promise<Replay> {
    const replay = this.dryRuns.get(id) ?? (isNumber(id) ? await findReplay(this.parts.database, id) : undefined);
    if (!replay) throw replayUnknown(id);
    return replay;
  }

  /** The rebuild that has the consumer to itself; one that is over was not completed, and the consumer waits for another. */
  rebuilding(): Promise<string | undefined> {
    return rebuildOf(this.parts.database, this.parts.routes.group);
  }

  /** Those that were recorded, the newest first. */
  list(limit: number): Promise<Replay[]> {
    return listReplays(this.parts.database, this.parts.routes.group, limit);
  }

  /** Stops it wherever it runs, soon; what was taken in stays. One that is over stays what it is. @throws `MSG_REPLAY_UNKNOWN` */
  async cancel(id: string, by: By): Promise<Replay> {
    const dryRun = this.dryRuns.get(id);
    if (dryRun?.status === 'running') {
      dryRun.cancelled = by;
      this.dryRun?.abort.abort();
    } else if (!dryRun && isNumber(id)) {
      await this.parts.database.transaction((tx) => askToCancel(tx, id, by));
      if (this.current?.id === id) this.current.cancel.abort();
      else this.resume();
    }
    return this.find(id);
  }

  private async plan(request: ReplayRequest): Promise<Range[]> {
    const { kafka, database, routes } = this.parts;
    const rebuild = request.mode === 'rebuild';
    const from = request.from === undefined ? undefined : readPlace('from', request.from);
    const to = request.to === undefined ? undefined : readPlace('to', request.to);
    const topics = this.topicsOf(request);
    if (rebuild) {
      checkReplayable(routes);
      for (const field of ['from', 'to', 'partition', 'key', 'type'] as const) {
        if (request[field] !== undefined) throw rebuildIsWhole(field);
      }
      if (topics.length < this.topics.length) throw rebuildIsWhole('topic');
      await checkNothingWaits(database, routes.group);
    } else if (await rebuildOf(database, routes.group)) {
      throw rebuildUnfinished(routes.group);
    }
    const ends = await readEnds(kafka, this.groupId, topics, from, to);
    if (rebuild) return planRebuild(ends);
    const { partition } = request;
    return planMissed(partition === undefined ? ends : ends.filter((end) => end.partition === partition), from, to);
  }

  /** Then the partitions that bring more of it pause, and so does this. */
  private get tooMuchWorkWaits(): boolean {
    const { routes, limits, backlog } = this.parts;
    return Object.values(routes.routes).some(({ dependency }) => backlog(dependency) >= limits.workBacklog);
  }

  /** As Kafka knows the group. */
  private get groupId(): string {
    return this.parts.topicPrefix + this.parts.routes.group;
  }

  /** What the consumer reads, by the names on the broker. */
  get topics(): string[] {
    const { routes, topicPrefix } = this.parts;
    return [...new Set(Object.keys(routes.routes).map((type) => topicPrefix + catalog[type as MessageType].topic))];
  }

  private topicsOf({ topic }: ReplayRequest): string[] {
    if (topic === undefined) return this.topics;
    const { topicPrefix } = this.parts;
    const found = this.topics.find((name) => name === topic || name === topicPrefix + topic);
    if (!found) throw replayTopicUnknown(topic);
    return [found];
  }

  /** Until no replay is left. While another instance runs it, that may stop; and whatever is away is waited for. */
  private async run(): Promise<void> {
    const { database, routes, limits, log } = this.parts;
    const { signal } = this.stopping;
    const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
    for (let failures = 0; !this.stopping.signal.aborted;) {
      try {
        if (!(await findRunning(database, routes.group))) return;
        const lock = await takeReplayLock(database, limits);
        if (!lock) {
          await this.wake.sleep(limits.aliveForMs);
          continue;
        }
        try {
          const replay = await findRunning(database, routes.group); // as it stands now that nobody else runs it
          if (replay) await this.attempt(replay, lock.lost);
          failures = 0;
        } finally {
          await lock.release();
        }
      } catch (error) {
        failures++;
        log.warn({ err: error, failures }, 'A replay waits; it goes on where it was.');
        await wait(backoff(failures, [250, 5_000], Math.random()));
      }
    }
  }

  /** Ends it, or leaves it where it is when this instance stops or loses the lock. Rejects with what may pass. */
  private async attempt(replay: Replay, lost: AbortSignal): Promise<void> {
    const { kafka, database, routes, log } = this.parts;
    const { mode } = replay.request;
    const cancel = new AbortController();
    this.current = { id: replay.id, cancel };
    const signal = AbortSignal.any([this.stopping.signal, lost, cancel.signal]);
    try {
      if (!replay.cancelled) {
        if (mode === 'rebuild' && (await rebuildOf(database, routes.group)) !== replay.id)
          await openGeneration(database, routes, replay.id);
        const ends = await readEnds(kafka, this.groupId, this.topicsOf(replay.request), undefined, undefined);
        replay.ranges = planRest(mode, replay.ranges, ends);
        await this.readAndSave(replay, signal, cancel);
      }
    } catch (error) {
      if (retryOf(error) !== 'never' || postgresFailure(error) !== undefined) throw error;
      log.error({ err: error, replay: replay.id }, 'A replay failed for good.');
      await endReplay(database, replay, 'failed', error);
      return;
    }
    if (replay.cancelled || cancel.signal.aborted) await endReplay(database, replay, 'cancelled');
    else if (!signal.aborted) await this.complete(replay);
  }

  private async complete(replay: Replay): Promise<void> {
    const { database, routes } = this.parts;
    await database.transaction(async (tx) => {
      await closeGeneration(tx, routes.group, replay.id);
      await endReplay(tx, replay, 'done');
    });
    if (replay.request.mode === 'rebuild') await removeOldGenerations(database, routes.group);
  }

  private async readAndSave(replay: Replay, signal: AbortSignal, cancel: AbortController): Promise<void> {
    const saving = setInterval(() => {
      saveProgress(this.parts.database, replay).then(
        (asked) => asked && cancel.abort(),
        () => undefined, // as long as the database is away nothing moves on anyway
      );
    }, SAVE_EVERY_MS);
    try {
      await this.read(replay, signal);
    } finally {
      clearInterval(saving);
    }
  }

  private async read(replay: Replay, signal: AbortSignal): Promise<void> {
    const { kafka, database, routes, limits } = this.parts;
    const { request, ranges, counts, dryRun } = replay;
    const stop = (): void => intake.stop();
    const rebuild = request.mode === 'rebuild' && !dryRun ? new Rebuild(replay.id, stop) : undefined;
    const intake = new Intake({
      ...this.parts,
      batchMessages: limits.batchMessages,
      progress: new Progress('replay', () => performance.now()),
      ...(rebuild && { rebuild }),
    });
    const take = async (records: KafkaRecord[]): Promise<void> => {
      while (this.tooMuchWorkWaits && !signal.aborted) await sleep(BACKLOG_WAIT_MS);
      await intake.take(records);
    };
    const history = {
      database,
      routes,
      request,
      counts,
      rebuild: rebuild?.id ?? null,
      allIsNew: request.mode === 'rebuild' && dryRun,
      ...(!dryRun && { take }),
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      await readRanges({ kafka, group: this.groupId, batchMessages: limits.batchMessages, signal }, ranges, (records) =>
        takeHistory(history, records),
      );
    } catch (error) {
      if (codeOf(error) === REBUILDING) throw rebuildUnfinished(routes.group);
      throw rebuild?.refused ?? error;
    } finally {
      signal.removeEventListener('abort', stop);
      intake.stop();
    }
    if (rebuild?.refused) throw rebuild.refused;
  }
}

function isNumber(id: string): boolean {
  return /^\d{1,18}$/.test(id);
}
