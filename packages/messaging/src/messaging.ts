import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Codec } from '@throughline/contracts';
import type { Database } from '@throughline/postgres';
import { logger, type Logger } from '@throughline/telemetry';
import { backoff } from './backoff.js';
import { Consumer } from './consume/consumer.js';
import { Intake } from './consume/intake.js';
import type { PartitionLag } from './consume/lag.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { kafkaClient, type KafkaClient, type KafkaOptions } from './kafka/client.js';
import { kafkaPublisher } from './kafka/publisher.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import type { MessagingTx } from './message.js';
import { observeHealth } from './metrics.js';
import { Relay } from './outbox/relay.js';
import { RelayQueue } from './outbox/relay-queue.js';
import { Progress } from './progress.js';
import { Replays } from './replay/replays.js';
import type { Routes } from './routes.js';
import {
  inTransaction,
  type MessagingTransaction,
  type MessagingTransactionOptions,
  type TransactionParts,
} from './transaction.js';
import { Instances } from './work/instances.js';
import { WorkQueue, type QueueHealth, type Settlement } from './work/work-queue.js';

export interface MessagingOptions {
  /** `ce_source` of everything it writes: never rename it. */
  service: string;
  /** Unique among running processes; the same after a restart where possible, so that its work goes on at once. Default random. */
  instanceId?: string;
  /** Of this build, kept with its dead letters: which one failed is half of the diagnosis. */
  version?: string;
  database: Database;
  codec: Codec;
  kafka: KafkaOptions;
  routes: Routes;
  limits?: Partial<Limits>;
  /** Wall clock in milliseconds since 1970. Waits and leases do not depend on it. */
  now?: () => number;
  log?: Logger;
}

export interface MessagingHealth {
  /** Takes part: joined its group, and nothing it needs is away. */
  ready: boolean;
  /** No loop is stuck. Not live means: restart this process, it will not recover by itself. */
  live: boolean;
  /** Why not ready, or not live. */
  reasons: string[];
  /** What waits for a vendor or for a person. To stop or restart this instance would help none of it. */
  waits: string[];
  /** The consumer group, which is the consumer's name. */
  group: string;
  partitions: PartitionLag[];
  relay: { leading: boolean; catchingUp: boolean; waiting: number };
  work: Record<string, QueueHealth>;
}

/** Calls that have been aborted get so long after the grace, in milliseconds; what still hangs then, hangs on something that is down. */
const LEAVE_MS = 3_000;

/** Messaging of one service instance: consumer, inbox, work queue, outbox and relay around one database. */
export class Messaging {
  /** What this service gave up on, for people to work on. */
  readonly deadLetters: DeadLetters;
  /** Re-reads retained history into this service's consumer. */
  readonly replays: Replays;
  private readonly parts: TransactionParts;
  private readonly kafka: KafkaClient;
  private readonly relay: Relay;
  private readonly relayQueue: RelayQueue;
  private readonly work: WorkQueue;
  private readonly intake: Intake;
  private readonly consumer: Consumer;
  private readonly instances: Instances;
  private readonly progress: Record<
    'start' | 'consumer' | 'intake' | 'claim' | Settlement | 'relay' | 'outboxPoll',
    Progress
  >;
  private readonly limits: Limits;
  private readonly log: Logger;
  private starting: Promise<void> | undefined;
  private started = false;
  private stopping = false;

  constructor(private readonly options: MessagingOptions) {
    const { database, codec, routes, service } = options;
    const limits = (this.limits = { ...DEFAULT_LIMITS, ...options.limits });
    const log = (this.log = options.log ?? logger('messaging'));
    const instanceId = options.instanceId ?? randomUUID();
    const monotonic = (): number => performance.now();
    const watch = (name: string): Progress => new Progress(name, monotonic);
    this.progress = {
      start: watch('start'),
      consumer: watch('consumer'),
      intake: watch('intake'),
      claim: watch('work claim'),
      plain: watch('work settlement'),
      closer: watch('settlement of what failed'),
      writing: watch('settlement of what writes state'),
      locked: watch('settlement of what met a lock'),
      relay: watch('relay'),
      outboxPoll: watch('outbox poll'),
    };
    const kafka = (this.kafka = kafkaClient(options.kafka, log));
    const topicPrefix = options.kafka.topicPrefix ?? '';
    const transaction = <T>(
      fn: (tx: MessagingTransaction) => Promise<T>,
      options?: MessagingTransactionOptions,
    ): Promise<T> => inTransaction(this.parts, fn, options);

    this.relayQueue = new RelayQueue(instanceId);
    this.relay = new Relay({
      database,
      queue: this.relayQueue,
      publisher: kafkaPublisher(kafka),
      source: service,
      limits,
      progress: { send: this.progress.relay, poll: this.progress.outboxPoll },
      alone: () => this.instances.alone,
      log,
    });
    this.work = new WorkQueue({
      routes,
      codec,
      database,
      transaction,
      instanceId,
      limits,
      monotonic,
      claimProgress: this.progress.claim,
      settleProgress: this.progress,
      log,
    });
    this.intake = new Intake({
      routes,
      codec,
      transaction,
      progress: this.progress.intake,
      log,
      batchMessages: limits.batchMessages,
      onRebuilding: () => this.replays.takeTurn(),
    });
    this.consumer = new Consumer({
      kafka: kafkaClient(options.kafka, log),
      routes,
      topicPrefix,
      limits,
      progress: this.progress.consumer,
      log,
      take: (records) => this.intake.take(records),
      backlog: (queue) => this.work.backlog(queue),
      now: options.now ?? Date.now,
    });
    this.deadLetters = new DeadLetters({
      database,
      codec,
      routes,
      transaction,
      take: (records) => this.intake.take(records),
      look: () => this.work.look(),
      pollMs: limits.workPollMs,
      log,
    });
    this.replays = new Replays({
      kafka,
      database,
      codec,
      routes,
      transaction,
      topicPrefix,
      limits,
      log,
      backlog: (queue) => this.work.backlog(queue),
    });
    const released = (): void => {
      this.work.look();
      if (this.started) this.replays.resume();
    };
    this.instances = new Instances({ database, instanceId, limits, log, released });
    this.parts = {
      database,
      codec,
      routes,
      relayQueue: this.relayQueue,
      relay: this.relay,
      work: this.work,
      instanceId,
      version: options.version ?? null,
      topicPrefix,
      messageBytes: limits.messageBytes,
      now: options.now ?? Date.now,
      monotonic,
    };
  }

  get service(): string {
    return this.options.service;
  }

  /**
   * Runs `fn` in one transaction: its SQL, the messages it emits and the jobs it enqueues are committed together or not at all.
   * Afterwards relay and workers are handed them from memory.
   */
  transaction<T>(fn: (tx: MessagingTx) => Promise<T>): Promise<T> {
    return inTransaction(this.parts, fn);
  }

  /** Begins to consume, work and publish. Does not wait for Kafka or the registry: `health()` says when it takes part. */
  async start(): Promise<void> {
    observeHealth(() => this.health());
    await this.instances.start();
    this.relay.start();
    this.starting = this.startWhenSchemasAreKnown();
  }

  /** Takes in nothing more, ends what runs within the bound, and leaves the rest to the next start or to another instance. */
  async stop(graceMs = 10_000): Promise<void> {
    await Promise.race([this.drain(graceMs), atMost(graceMs + LEAVE_MS)]);
    this.kafka.letGo();
  }

  private async drain(graceMs: number): Promise<void> {
    this.stopping = true;
    const end = performance.now() + graceMs;
    const left = (): number => Math.max(0, end - performance.now());
    await Promise.race([this.starting, atMost(left())]);
    const consumer = this.started ? this.consumer.stop(left()) : undefined;
    if (this.started) {
      const ending = Promise.all([consumer, this.deadLetters.stop(), this.replays.stop()]);
      await Promise.race([ending, atMost(left() / 2)]);
      // What waits for PostgreSQL gives up now, so that the group can be left.
      this.intake.stop();
      await Promise.all([this.work.stop(left()), Promise.race([ending, atMost(left())])]);
    }
    await this.relay.stop(Math.max(left(), 500));
    await this.instances.stop();
    await consumer;
  }

  health(): MessagingHealth {
    const reasons: string[] = [];
    const watched = Object.values(this.progress);
    for (const { name, waitingFor } of watched) if (waitingFor) reasons.push(`${name} waits for ${waitingFor}`);
    if (!this.started) reasons.push('not started');
    else if (!this.consumer.joined) reasons.push('not in the consumer group yet');
    if (this.stopping) reasons.push('stopping');
    const ready = reasons.length === 0;
    for (const progress of watched) {
      const stuck = progress.stuckForMs(this.limits.stuckAfterMs);
      if (stuck !== undefined) reasons.push(`${progress.name} is stuck for ${Math.round(stuck / 1000)} s`);
    }
    const live = watched.every((progress) => progress.stuckForMs(this.limits.stuckAfterMs) === undefined);
    const { leading, catchingUp, length: waiting } = this.relayQueue;
    const work = this.work.health();
    const partitions = this.consumer.health();
    return {
      ready: ready && live,
      live,
      reasons,
      waits: waitsOf(work, partitions),
      group: this.options.routes.group,
      partitions,
      relay: { leading, catchingUp, waiting },
      work,
    };
  }

  /** Nothing is consumed or worked on before everything it may emit can be encoded. */
  private async startWhenSchemasAreKnown(): Promise<void> {
    const { codec, routes } = this.options;
    const { start } = this.progress;
    for (let failures = 1; !this.stopping; failures++) {
      start.step();
      try {
        await codec.prepare(routes.emits);
        start.idle();
        if (this.stopping) return;
        this.work.start();
        this.consumer.start();
        this.deadLetters.start();
        this.started = true;
        this.replays.resume();
        return;
      } catch (error) {
        start.waitingFor = 'schema-registry';
        this.log.warn({ err: error }, 'The schema ids are not known yet; it is tried again.');
        await sleep(backoff(failures, [250, 5_000], Math.random()));
      }
    }
  }
}

function waitsOf(work: MessagingHealth['work'], partitions: MessagingHealth['partitions']): string[] {
  const waits: string[] = [];
  for (const [dependency, { pausedBecause, heldKeys }] of Object.entries(work)) {
    if (pausedBecause === 'down') waits.push(`${dependency} is down: its work waits`);
    if (pausedBecause === 'many-fail') waits.push(`calls of many keys fail at ${dependency}: its work waits`);
    if (heldKeys === 1) waits.push(`1 key of ${dependency} is held by a dead letter`);
    if (heldKeys > 1) waits.push(`${heldKeys} keys of ${dependency} are held by dead letters`);
  }
  const paused = new Set(partitions.flatMap(({ topic, paused }) => (paused ? [topic] : [])));
  for (const topic of paused) waits.push(`partitions of ${topic} pause because too much work waits`);
  for (const { topic, partition, refusedAt, unknown } of partitions) {
    if (unknown)
      waits.push(`how far ${topic}, partition ${partition}, is behind is not known: its broker does not say`);
    if (refusedAt !== undefined)
      waits.push(
        `Kafka serves nothing of ${topic}, partition ${partition}, from offset ${refusedAt} on: it seems damaged`,
      );
  }
  return waits;
}

/** A limit to wait for that keeps no process alive. */
function atMost(ms: number): Promise<void> {
  return sleep(ms, undefined, { ref: false });
}
