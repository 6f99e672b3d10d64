import { setTimeout as sleep } from 'node:timers/promises';
import { catalog, type MessageType } from '@throughline/contracts';
import type { Consumer as KafkaConsumer, EachBatchPayload } from 'kafkajs';
import type { Logger } from '@throughline/telemetry';
import { backoff } from '../backoff.js';
import type { Limits } from '../limits.js';
import type { OffsetGap, RefusedPartition } from '../kafka/decode-fetch.js';
import type { KafkaClient } from '../kafka/client.js';
import { compaction, type Compaction } from '../kafka/compaction.js';
import { failedFetches, isOutOfRange } from '../kafka/fetch-patch.js';
import { partitionEnds } from '../kafka/partition-ends.js';
import { countConsumed, measureRequest } from '../metrics.js';
import type { Progress } from '../progress.js';
import type { Routes } from '../routes.js';
import { Lag, type PartitionLag } from './lag.js';
import { LagWatch } from './lag-watch.js';
import type { KafkaRecord } from './read-record.js';

export interface ConsumerParts {
  /** Of this consumer alone: it is let go with it. */
  kafka: KafkaClient;
  routes: Routes;
  topicPrefix: string;
  limits: Limits;
  progress: Progress;
  log: Logger;
  /** Resolves once the records are durably taken in. */
  take(records: KafkaRecord[]): Promise<void>;
  /** Rows that wait in one queue of the work queue. */
  backlog(queue: string): number;
  /** Wall clock in milliseconds since 1970, to compare with the timestamps of records. */
  now: () => number;
}

/** Partitions of one fetch that go into a batch at once. kafkajs starts so many workers at every fetch, whatever it brought. */
const PARTITIONS_AT_ONCE = 32;
const HEARTBEAT_MS = 2_000;
const BACKPRESSURE_CHECK_MS = 200;
/** For the offsets that are committed last, in milliseconds: without Kafka they are not, and what they stand for is read again. */
const LAST_COMMIT_MS = 2_000;
/** Once its connections are cut, kafkajs needs so long at most to see that nothing can be tried again, in milliseconds. */
const LET_GO_MS = 2_500;
/** Partitions resume at this part of the bound, so that they do not pause and resume with every row. */
const RESUME_AT = 4 / 5;

/**
 * Reads the topics of a service's routes. A partition moves on when its records are committed in PostgreSQL, never before; the
 * offsets told to Kafka follow later, because whatever is read twice is recognised by the inbox.
 */
export class Consumer {
  private consumer: KafkaConsumer | undefined;
  private stopping = false;
  private running: Promise<void> | undefined;
  /** It is not in the group, nor asks to be: there is nothing to leave. */
  private isOutside = true;
  /** Aborted with the stop: waits end. */
  private readonly waits = new AbortController();
  private isLetGo = false;
  private readonly beating = new Set<NodeJS.Timeout>();
  private timers: NodeJS.Timeout[] = [];
  /** Changes with every assignment: what was fetched under an older one may belong to somebody else by now. */
  private generation = 0;
  private assigned: Record<string, number[]> = {};
  private readonly toCommit = new Map<string, { topic: string; partition: number; offset: string }>();
  private committing: Promise<void> | undefined;
  /** Nothing more is taken in, and all that was is committed. */
  private readonly over = Promise.withResolvers<void>();
  private readonly lag: Lag;
  private readonly lagWatch: LagWatch;
  private readonly isCompacted: Compaction;
  /** Queues that reached their bound and have not fallen far enough below it. */
  private readonly full = new Set<string>();
  /** Failed attempts to consume since the last fetch. */
  private failures = 0;
  private batches = 0;
  /** Brokers that were asked for records since the group was joined, by node id; and whether each has answered since that was asked. */
  private readonly answered = new Map<number, boolean>();
  /** A fetch has failed since that was asked: what it would have brought is not known. */
  private fetchFailed = false;
  /** As the group knows this instance. */
  private memberId: string | undefined;
  private readonly topics: string[];
  /** Where the messages of a topic may wait. */
  private readonly queuesOf = new Map<string, Set<string>>();
  /** As Kafka knows the group. */
  private readonly groupId: string;

  constructor(private readonly parts: ConsumerParts) {
    const { routes, topicPrefix } = parts;
    this.groupId = topicPrefix + routes.group;
    const topicOf = (type: string): string => topicPrefix + catalog[type as MessageType].topic;
    const entries = Object.entries(routes.routes);
    this.topics = [...new Set(entries.map(([type]) => topicOf(type)))];
    for (const topic of this.topics) {
      const routesOfTopic = entries.filter(([type]) => topicOf(type) === topic).map(([, route]) => route);
      this.queuesOf.set(topic, new Set(routesOfTopic.map((route) => route.dependency)));
    }
    this.isCompacted = compaction(parts.kafka);
    this.lag = new Lag(parts.now);
    this.lagWatch = new LagWatch({
      ...parts,
      ends: partitionEnds(parts.kafka),
      group: this.groupId,
      topics: this.topics,
      lag: this.lag,
      flowing: () => this.flowing(),
    });
  }

  get joined(): boolean {
    return this.topics.length === 0 || this.generation > 0;
  }

  health(): PartitionLag[] {
    return this.lag.read();
  }

  start(): void {
    if (this.topics.length === 0) return;
    this.timers = [
      setInterval(() => void this.commitOffsets(), this.parts.limits.offsetCommitMs),
      setInterval(() => this.applyBackpressure(), BACKPRESSURE_CHECK_MS),
    ];
    this.lagWatch.start();
    failedFetches.on('failed', this.onFailedFetch);
    failedFetches.on('refused', this.onRefused);
    failedFetches.on('gap', this.onGap);
    this.running = this.join();
  }

  /**
   * Takes in nothing more, ends what is being taken in, commits its offsets, and leaves the group, in this order. What of that is not over
   * after `graceMs` milliseconds is let go, and nothing is heard of it any more: 2.5 s later at most it resolves.
   */
  async stop(graceMs = 10_000): Promise<void> {
    const left = this.leave();
    await atMost(graceMs, left);
    this.letGo();
    await atMost(LET_GO_MS, left);
  }

  private async leave(): Promise<void> {
    this.stopping = true;
    this.waits.abort();
    for (const timer of this.timers) clearInterval(timer);
    failedFetches.off('failed', this.onFailedFetch);
    failedFetches.off('refused', this.onRefused);
    failedFetches.off('gap', this.onGap);
    if (this.isOutside) this.letGo();
    while (this.batches > 0 && !this.isLetGo) await sleep(5, undefined, { ref: false });
    await atMost(LAST_COMMIT_MS, this.commitLast());
    // kafkajs does not stop what has not begun: a member that is on its way into the group would stay there for ever.
    await this.running;
    const left = this.consumer?.stop().catch(() => undefined);
    this.over.resolve();
    await left;
    await this.consumer?.disconnect().catch(() => undefined);
    await this.lagWatch.stop();
  }

  private letGo(): void {
    this.isLetGo = true;
    for (const timer of this.beating) clearInterval(timer);
    this.parts.kafka.letGo();
  }

  /** Kafka may be away, or the topics not deployed yet: both are waited for, and told. */
  private async join(): Promise<void> {
    const { kafka, limits, progress, log } = this.parts;
    while (!this.stopping) {
      progress.step();
      const consumer = kafka.consumer({
        groupId: this.groupId,
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
          // A restart of its own could not be stopped: it joins again as it has joined.
          restartOnFailure: () => Promise.resolve(false),
        },
      });
      this.consumer = consumer;
      this.watch(consumer);
      try {
        await consumer.connect();
        await consumer.subscribe({ topics: this.topics, fromBeginning: true });
        if (this.stopping) return;
        this.isOutside = false;
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
          eachBatch: (payload) => this.eachBatch(payload),
        });
        return;
      } catch (error) {
        this.isOutside = true;
        if (this.stopping) return;
        progress.waitingFor = 'kafka';
        log.warn(
          { err: error, topics: this.topics },
          'Cannot consume yet: is Kafka up, and has "throughline deploy" made the topics?',
        );
        await consumer.disconnect().catch(() => undefined);
        await this.backOff();
      }
    }
  }

  /** A new consumer in place of one that kafkajs has given up. */
  private async rejoin(): Promise<void> {
    this.isOutside = true;
    await this.backOff();
    await this.join();
  }

  private backOff(): Promise<void> {
    const waitMs = backoff(++this.failures, [250, 5_000], Math.random());
    return sleep(waitMs, undefined, { signal: this.waits.signal }).catch(() => undefined);
  }

  private watch(consumer: KafkaConsumer): void {
    const { progress, log } = this.parts;
    const { GROUP_JOIN, FETCH, CRASH, REBALANCING, FETCH_START, END_BATCH_PROCESS } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.generation++;
      this.memberId = payload.memberId;
      this.assigned = payload.memberAssignment;
      this.toCommit.clear();
      this.answered.clear();
      this.lag.assigned(payload.memberAssignment);
      this.lagWatch.look();
      progress.waitingFor = undefined;
      progress.step();
      log.info({ assignment: payload.memberAssignment }, 'Joined the consumer group.');
    });
    consumer.on(REBALANCING, () => progress.step());
    consumer.on(FETCH_START, ({ payload }) => {
      progress.step();
      if (!this.answered.has(payload.nodeId)) this.answered.set(payload.nodeId, false);
    });
    consumer.on(FETCH, ({ payload }) => {
      this.failures = 0;
      this.answered.set(payload.nodeId, true);
      progress.step();
      progress.waitingFor = undefined;
    });
    consumer.on(END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset, highWatermark } }) => {
      // Offsets without a message: kafkajs moves on behind them by itself.
      if (batchSize > 0 || !this.assigned[topic]?.includes(partition)) return;
      this.noteTaken(topic, partition, lastOffset);
      this.lag.passed(topic, partition, lastOffset, highWatermark);
    });
    consumer.on(CRASH, ({ payload }) => {
      progress.step();
      progress.waitingFor = 'kafka';
      log.warn({ err: payload.error }, 'The consumer lost Kafka; it joins again.');
      if (!this.stopping) this.running = this.running?.then(() => this.rejoin());
    });
  }

  private readonly onFailedFetch = (memberId: string | null, error: unknown): void => {
    if (memberId !== this.memberId) return;
    this.fetchFailed = true;
    if (!isOutOfRange(error)) return;
    const { topic, partition, fetchOffset } = error;
    this.parts.log.error(
      { topic, partition, offset: fetchOffset },
      'Kafka no longer has what comes next here: retention has removed it before it was taken in, or the log was cut. The consumer goes on ' +
        'from the oldest record there is. Next step: have the producers send again what was in between, and let records be kept for longer.',
    );
  };

  /** It may be served again, by another replica at the latest: until then it alone waits, for nothing of it has been seen. */
  private readonly onRefused = ({ topic, partition, offset, errorCode }: RefusedPartition): void => {
    if (!this.lag.refused(topic, partition, offset)) return;
    this.parts.log.error(
      { topic, partition, offset, errorCode },
      'Kafka serves nothing of this partition from this offset on, although there is more. The partition waits, the others go on: what its ' +
        'broker has there seems damaged. ' +
        'Next step: give its leadership to a replica that is in sync; where there is none, have the producers send again what was lost, ' +
        'and set the offset of the group behind it.',
    );
  };

  private readonly onGap = (gap: OffsetGap): void => {
    if (this.topics.includes(gap.topic)) void this.tellGap(gap);
  };

  private async tellGap(gap: OffsetGap): Promise<void> {
    const isCompacted = await this.isCompacted(gap.topic);
    if (isCompacted) return; // as it should be
    this.parts.log.error(
      gap,
      `Kafka has passed over these offsets: ${isCompacted === undefined ? 'unless the topic is compacted, which cannot be told now, ' : ''}` +
        'its broker has lost them. Next step: look into its log, and have the producers send again what was lost.',
    );
  }

  private flowing(): boolean {
    const allAnswered = !this.fetchFailed && this.answered.size > 0 && [...this.answered.values()].every(Boolean);
    this.fetchFailed = false;
    for (const node of this.answered.keys()) this.answered.set(node, false);
    return allAnswered && this.batches === 0 && this.full.size === 0;
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    if (this.stopping) return this.over.promise; // kafkajs can commit only while it fetches
    this.batches++;
    this.parts.progress.idle(); // whether taking in makes progress is watched there
    try {
      await this.takeBatch(payload);
    } finally {
      if (--this.batches === 0) this.parts.progress.step();
      // kafkajs would go on with it: nothing is heard any more of what was let go.
      if (this.isLetGo) await new Promise(() => undefined);
    }
  }

  private async takeBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { topic, partition, messages } = batch;
    const generation = this.generation;
    const size = this.parts.limits.batchMessages;
    this.lag.fetched(topic, partition, batch.highWatermark, messages[0]!);
    for (let from = 0; from < messages.length; from += size) {
      if (this.stopping || payload.isStale() || generation !== this.generation) return;
      const part = messages.slice(from, from + size);
      const records = part.map(({ offset, key, value, headers }): KafkaRecord => {
        return { topic, partition, offset, key, value, ...(headers && { headers }) };
      });
      await keepingAlive(this.parts.take(records), () => payload.heartbeat(), this.beating);
      // Taken away meanwhile: whoever has the partition now reads these again, and its inbox knows them.
      if (generation !== this.generation) return;
      const last = part.at(-1)!;
      payload.resolveOffset(last.offset);
      const following = messages[from + size];
      // Behind the last message of a fetch there may be offsets that hold none.
      const place = following ? last.offset : batch.lastOffset();
      this.noteTaken(topic, partition, place);
      this.lag.took(topic, partition, { ...last, offset: place }, following);
      countConsumed(this.parts.routes.group, topic, partition, part.length);
    }
  }

  private noteTaken(topic: string, partition: number, lastOffset: string): void {
    const offset = (BigInt(lastOffset) + 1n).toString();
    this.toCommit.set(`${topic} ${partition}`, { topic, partition, offset });
  }

  /** One request after the other: an older offset must not come after a newer one. */
  private commitOffsets(): Promise<void> {
    return (this.committing ??= this.commitTaken().finally(() => (this.committing = undefined)));
  }

  private async commitLast(): Promise<void> {
    await this.committing;
    await this.commitOffsets();
  }

  private async commitTaken(): Promise<void> {
    const { generation } = this;
    const offsets = [...this.toCommit.values()].filter(({ topic, partition }) =>
      this.assigned[topic]?.includes(partition),
    );
    this.toCommit.clear();
    if (offsets.length === 0 || !this.consumer) return;
    await measureRequest('commit', this.consumer.commitOffsets(offsets)).catch((error: unknown) => {
      this.parts.log.debug({ err: error }, 'Offsets were not committed; they are with the next ones.');
      if (generation !== this.generation) return;
      for (const offset of offsets) {
        const id = `${offset.topic} ${offset.partition}`;
        if (!this.toCommit.has(id)) this.toCommit.set(id, offset);
      }
    });
  }

  /**
   * Only the topics that feed a full queue stand still, and say so: what waits for one dependency does not stop what another one can
   * do. What kafkajs has paused is asked for anew each time: it keeps that over a rebalance, forgets it with a restart, and can change
   * nothing in between.
   */
  private applyBackpressure(): void {
    if (!this.consumer || this.generation === 0) return;
    for (const queue of new Set([...this.queuesOf.values()].flatMap((queues) => [...queues]))) this.watchBound(queue);
    try {
      const before = this.pausedTopics(this.consumer);
      const full = this.topics.filter((topic) => [...this.queuesOf.get(topic)!].some((queue) => this.full.has(queue)));
      const pause = full.filter((topic) => !before.has(topic)).map((topic) => ({ topic }));
      const resume = [...before].filter((topic) => !full.includes(topic)).map((topic) => ({ topic }));
      if (pause.length > 0) this.consumer.pause(pause);
      if (resume.length > 0) this.consumer.resume(resume);
      this.lag.paused(this.pausedTopics(this.consumer));
    } catch (error) {
      this.parts.log.debug({ err: error }, 'Partitions can neither pause nor resume while the consumer joins again.');
    }
  }

  private watchBound(queue: string): void {
    const { limits, log } = this.parts;
    const backlog = this.parts.backlog(queue);
    if (!this.full.has(queue) && backlog >= limits.workBacklog) {
      this.full.add(queue);
      log.warn({ queue, backlog }, 'Too much work waits: the partitions that bring more of it pause.');
    } else if (this.full.has(queue) && backlog <= limits.workBacklog * RESUME_AT) {
      this.full.delete(queue);
      log.warn({ queue, backlog }, 'Enough work is done: partitions resume.');
    }
  }

  private pausedTopics(consumer: KafkaConsumer): Set<string> {
    return new Set(consumer.paused().map(({ topic }) => topic));
  }
}

/** Heartbeats while a long transaction, or an outage, keeps a batch waiting. */
async function keepingAlive(
  taken: Promise<void>,
  heartbeat: () => Promise<void>,
  beating: Set<NodeJS.Timeout>,
): Promise<void> {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const timer = setInterval(() => void heartbeat().catch(reject), HEARTBEAT_MS);
  beating.add(timer);
  try {
    await Promise.race([taken, failed]);
  } finally {
    clearInterval(timer);
    beating.delete(timer);
    taken.catch(() => undefined);
  }
}

/** Waits for no longer than that, in milliseconds, and keeps no process alive for it. */
async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  const isOver = new AbortController();
  const late = sleep(ms, undefined, { ref: false, signal: isOver.signal }).catch(() => undefined);
  await Promise.race([promise, late]).finally(() => isOver.abort());
}
