import { setTimeout as sleep } from 'node:timers/promises';
import { catalog, type MessageType } from '@throughline/contracts';
import type { Consumer as KafkaConsumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Logger } from '@throughline/telemetry';
import { backoff } from '../backoff.js';
import type { Limits } from '../limits.js';
import type { Progress } from '../progress.js';
import type { Routes } from '../routes.js';
import type { KafkaRecord } from './read-record.js';

export interface ConsumerParts {
  kafka: Kafka;
  routes: Routes;
  topicPrefix: string;
  limits: Limits;
  progress: Progress;
  log: Logger;
  /** Resolves once the records are durably taken in. */
  take(records: KafkaRecord[]): Promise<void>;
  /** True while the work queue is over its bound. */
  backlogFull(): boolean;
}

export interface PartitionHealth {
  topic: string;
  partition: number;
  lagMessages: number;
  paused: boolean;
}

const PARTITIONS_AT_ONCE = 256;
const HEARTBEAT_MS = 2_000;
const BACKPRESSURE_CHECK_MS = 200;

/**
 * Reads the topics of a service's routes. A partition moves on when its records are committed in PostgreSQL, never before; the
 * offsets told to Kafka follow later, because whatever is read twice is recognised by the inbox.
 */
export class Consumer {
  private consumer: KafkaConsumer | undefined;
  private stopping = false;
  private running: Promise<void> | undefined;
  private timers: NodeJS.Timeout[] = [];
  /** Changes with every assignment: what was fetched under an older one may belong to somebody else by now. */
  private generation = 0;
  private assigned: Record<string, number[]> = {};
  private readonly toCommit = new Map<string, { topic: string; partition: number; offset: string }>();
  private readonly partitions = new Map<string, PartitionHealth>();
  private pausedTopics: string[] = [];
  private batches = 0;
  private readonly topics: string[];
  private readonly effectTopics: string[];

  constructor(private readonly parts: ConsumerParts) {
    const { routes, topicPrefix } = parts;
    const topicOf = (type: string): string => topicPrefix + catalog[type as MessageType].topic;
    const entries = Object.entries(routes.routes);
    this.topics = [...new Set(entries.map(([type]) => topicOf(type)))];
    this.effectTopics = [...new Set(entries.filter(([, r]) => r?.kind === 'effect').map(([type]) => topicOf(type)))];
  }

  get joined(): boolean {
    return this.topics.length === 0 || this.generation > 0;
  }

  health(): PartitionHealth[] {
    return [...this.partitions.values()];
  }

  start(): void {
    if (this.topics.length === 0) return;
    this.timers = [
      setInterval(() => void this.commitOffsets(), this.parts.limits.offsetCommitMs),
      setInterval(() => this.applyBackpressure(), BACKPRESSURE_CHECK_MS),
    ];
    this.running = this.join();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const timer of this.timers) clearInterval(timer);
    await this.consumer?.stop().catch(() => undefined);
    await this.commitOffsets();
    await this.consumer?.disconnect().catch(() => undefined);
    await this.running;
  }

  /** Kafka may be away, or the topics not deployed yet: both are waited for, and told. */
  private async join(): Promise<void> {
    const { kafka, routes, limits, progress, log } = this.parts;
    for (let failures = 1; !this.stopping; failures++) {
      progress.step();
      const consumer = kafka.consumer({
        groupId: routes.group,
        allowAutoTopicCreation: false,
        sessionTimeout: limits.sessionTimeoutMs,
        rebalanceTimeout: 30_000,
        heartbeatInterval: HEARTBEAT_MS,
        // A fetch is answered as soon as there is a byte; the wait only bounds how long an idle one is held.
        minBytes: 1,
        maxWaitTimeInMs: 1_000,
        maxBytesPerPartition: 1_048_576,
        retry: {
          initialRetryTime: 100,
          maxRetryTime: 2_000,
          retries: 5,
          restartOnFailure: () => Promise.resolve(!this.stopping),
        },
      });
      this.consumer = consumer;
      this.watch(consumer);
      try {
        await consumer.connect();
        await consumer.subscribe({ topics: this.topics, fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
          eachBatch: (payload) => this.eachBatch(payload),
        });
        return;
      } catch (error) {
        progress.waitingFor = 'kafka';
        log.warn(
          { err: error, topics: this.topics },
          'Cannot consume yet: is Kafka up, and has "throughline deploy" made the topics?',
        );
        await consumer.disconnect().catch(() => undefined);
        await sleep(backoff(failures, [250, 5_000], Math.random()));
      }
    }
  }

  private watch(consumer: KafkaConsumer): void {
    const { progress, log } = this.parts;
    const { GROUP_JOIN, FETCH, CRASH, REBALANCING, FETCH_START } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.generation++;
      this.assigned = payload.memberAssignment;
      this.toCommit.clear();
      this.partitions.clear();
      this.pausedTopics = [];
      progress.waitingFor = undefined;
      progress.step();
      log.info({ assignment: payload.memberAssignment }, 'Joined the consumer group.');
    });
    consumer.on(REBALANCING, () => progress.step());
    consumer.on(FETCH_START, () => progress.step());
    consumer.on(FETCH, () => {
      progress.step();
      progress.waitingFor = undefined;
    });
    consumer.on(CRASH, ({ payload }) => {
      progress.step();
      progress.waitingFor = 'kafka';
      log.warn({ err: payload.error }, 'The consumer lost Kafka; it joins again.');
    });
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    this.batches++;
    this.parts.progress.idle(); // whether taking in makes progress is watched there
    try {
      await this.takeBatch(payload);
    } finally {
      if (--this.batches === 0) this.parts.progress.step();
    }
  }

  private async takeBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { topic, partition, messages } = batch;
    const generation = this.generation;
    const size = this.parts.limits.batchMessages;
    for (let from = 0; from < messages.length; from += size) {
      if (this.stopping || payload.isStale() || generation !== this.generation) return;
      const part = messages.slice(from, from + size);
      const records = part.map(({ offset, key, value, headers }): KafkaRecord => {
        return { topic, partition, offset, key, value, ...(headers && { headers }) };
      });
      await keepingAlive(this.parts.take(records), () => payload.heartbeat());
      // Taken away meanwhile: whoever has the partition now reads these again, and its inbox knows them.
      if (generation !== this.generation) return;
      const last = part.at(-1)!.offset;
      payload.resolveOffset(last);
      const id = `${topic} ${partition}`;
      const next = BigInt(last) + 1n;
      this.toCommit.set(id, { topic, partition, offset: next.toString() });
      const lagMessages = Number(BigInt(batch.highWatermark) - next);
      this.partitions.set(id, { topic, partition, lagMessages, paused: this.pausedTopics.includes(topic) });
    }
  }

  private async commitOffsets(): Promise<void> {
    const { generation } = this;
    const offsets = [...this.toCommit.values()].filter(({ topic, partition }) =>
      this.assigned[topic]?.includes(partition),
    );
    this.toCommit.clear();
    if (offsets.length === 0) return;
    await this.consumer?.commitOffsets(offsets).catch((error: unknown) => {
      this.parts.log.debug({ err: error }, 'Offsets were not committed; they are with the next ones.');
      if (generation !== this.generation) return;
      for (const offset of offsets) {
        const id = `${offset.topic} ${offset.partition}`;
        if (!this.toCommit.has(id)) this.toCommit.set(id, offset);
      }
    });
  }

  /** Only the topics that feed the work queue stand still while it is full, and say so. */
  private applyBackpressure(): void {
    if (!this.consumer || this.effectTopics.length === 0 || this.generation === 0) return;
    const full = this.parts.backlogFull();
    if (full === this.pausedTopics.length > 0) return;
    const topics = this.effectTopics.map((topic) => ({ topic }));
    if (full) this.consumer.pause(topics);
    else this.consumer.resume(topics);
    this.pausedTopics = full ? this.effectTopics : [];
    for (const health of this.partitions.values()) health.paused = this.pausedTopics.includes(health.topic);
    this.parts.log.warn(
      { topics: this.effectTopics },
      full ? 'The work queue is full: partitions pause.' : 'Partitions resume.',
    );
  }
}

/** Heartbeats while a long transaction, or an outage, keeps a batch waiting. */
async function keepingAlive(taken: Promise<void>, heartbeat: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const beating = new Promise<never>((_, reject) => {
    timer = setInterval(() => void heartbeat().catch(reject), HEARTBEAT_MS);
  });
  try {
    await Promise.race([taken, beating]);
  } finally {
    clearInterval(timer);
    taken.catch(() => undefined);
  }
}
