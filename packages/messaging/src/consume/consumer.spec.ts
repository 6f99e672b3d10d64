import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { catalog } from '@throughline/contracts';
import { logger } from '@throughline/telemetry';
import type { Consumer as KafkaConsumer, ConsumerConfig, ConsumerRunConfig, EachBatchPayload } from 'kafkajs';
import type { KafkaClient } from '../kafka/client.js';
import { failedFetches } from '../kafka/fetch-patch.js';
import type { Cluster } from '../kafka/partition-ends.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { Progress } from '../progress.js';
import { defineRoutes, effect } from '../routes.js';
import { Consumer } from './consumer.js';

const topic = catalog.CancelOrder.topic;
const routes = defineRoutes({ group: 'spec', routes: { CancelOrder: effect(async () => {}, { dependency: 'x' }) } });

/** What kafkajs does with a consumer, as far as ours depends on it. */
class FakeConsumer extends EventEmitter {
  readonly events = {
    GROUP_JOIN: 'join',
    FETCH: 'fetch',
    CRASH: 'crash',
    REBALANCING: 'rebalancing',
    FETCH_START: 'start',
    END_BATCH_PROCESS: 'end',
  };
  /** As kafkajs has none between a crash and the restart. */
  group = false;
  pausedAll = false;
  connect = async (): Promise<void> => undefined;
  subscribe = async (): Promise<void> => undefined;
  stop = async (): Promise<void> => undefined;
  disconnect = async (): Promise<void> => void (this.group = false);
  eachBatch: ConsumerRunConfig['eachBatch'];
  committed: string[] = [];
  commitOffsets = async (offsets: { offset: string }[]): Promise<void> =>
    void this.committed.push(...offsets.map(({ offset }) => offset));
  run = async (config: ConsumerRunConfig = {}): Promise<void> => {
    this.eachBatch ??= config.eachBatch;
    this.group = true;
    this.emit('join', { payload: { memberId: 'me', memberAssignment: { [topic]: [0] } } });
  };
  paused = (): unknown[] => (this.group && this.pausedAll ? [{ topic, partitions: [0] }] : []);
  pause = (): void => this.setPaused(true);
  resume = (): void => this.setPaused(false);
  crash(): void {
    this.group = false;
    this.emit('crash', { payload: { error: new Error('crashed'), restart: false } });
  }
  private setPaused(paused: boolean): void {
    if (!this.group) throw new Error('Consumer group was not initialized, consumer#run must be called first');
    this.pausedAll = paused;
  }
}

describe('Consumer', () => {
  let made: FakeConsumer[];
  let backlog: number;
  let taking: Promise<void>;
  let consumer: Consumer;
  /** How often the ends of the partitions were looked at. */
  let looks: number;
  let asking: Promise<void>;
  let cleanupPolicy: string | Error;
  /** How often it was asked for. */
  let asked: number;
  /** What was logged as an error. */
  let told: unknown[];
  let letGo: number;
  let config: ConsumerConfig;
  let prepare: (consumer: FakeConsumer) => void;
  const kafka = new EventEmitter();

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'performance'] });
    made = [];
    backlog = 0;
    looks = 0;
    letGo = 0;
    prepare = () => undefined;
    cleanupPolicy = 'delete';
    asked = 0;
    asking = Promise.resolve();
    taking = Promise.resolve();
    told = [];
    const log = logger('spec', { level: 'silent' });
    jest.spyOn(log, 'error').mockImplementation((fields: unknown) => void told.push(fields));
    consumer = new Consumer({
      kafka: Object.assign(kafka, {
        letGo: () => void letGo++,
        consumer: (given: ConsumerConfig): KafkaConsumer => {
          config = given;
          made.push(new FakeConsumer());
          prepare(made.at(-1)!);
          process.nextTick(() => kafka.emit('made'));
          return made.at(-1)! as unknown as KafkaConsumer;
        },
        admin: () => ({
          connect: async () => void asked++,
          describeConfigs: async () => {
            if (cleanupPolicy instanceof Error) throw cleanupPolicy;
            const entry = { configName: 'cleanup.policy', configValue: cleanupPolicy };
            return { resources: [{ resourceName: topic, configEntries: [entry] }] };
          },
          disconnect: async () => undefined,
        }),
        [Symbol('private:Kafka:createCluster')]: (): Cluster => ({
          connect: async () => undefined,
          addMultipleTargetTopics: async () => undefined,
          refreshMetadata: async () => undefined,
          findTopicPartitionMetadata: () => [{ partitionId: 0, leader: 1 }],
          findBroker: async () => ({
            versions: null,
            connectionPool: {
              send: async () => {
                const offset = String(3 + looks++);
                await asking;
                return { responses: [{ topic, partitions: [{ partition: 0, errorCode: 0, offset }] }] };
              },
            },
            disconnect: async () => undefined,
          }),
          findGroupCoordinator: async () => ({
            offsetFetch: async () => ({ responses: [{ topic, partitions: [{ partition: 0, offset: '3' }] }] }),
          }),
          disconnect: async () => undefined,
        }),
      }) as unknown as KafkaClient,
      routes,
      topicPrefix: '',
      limits: { ...DEFAULT_LIMITS, workBacklog: 100 },
      progress: new Progress('consumer', () => 0),
      log,
      take: () => taking,
      backlog: () => backlog,
      now: Date.now,
    });
    consumer.start();
    await once(kafka, 'made');
    await settled();
  });
  afterEach(async () => {
    await consumer.stop();
    jest.useRealTimers();
  });

  const settled = (): Promise<void> => jest.advanceTimersByTimeAsync(0);
  const check = (at: number): Promise<void> => {
    backlog = at;
    return jest.advanceTimersByTimeAsync(200);
  };

  it('leaves the group that it is on its way into when it is stopped: kafkajs does not stop what has not begun', async () => {
    const joined = Promise.withResolvers<void>();
    const order: string[] = [];
    prepare = (joining) => {
      joining.run = async () => {
        order.push('joins');
        await joined.promise;
        order.push('has joined');
      };
      joining.stop = async () => void order.push('stops');
    };
    const next = once(kafka, 'made');
    made[0]!.crash();
    await next;
    await settled();
    const stopped = consumer.stop();
    await settled();
    joined.resolve();
    await stopped;
    expect(order).toEqual(['joins', 'has joined', 'stops']);
  });

  it('lets go of a batch that does not end, and of kafkajs, when its time is over, and does not go on with it later', async () => {
    const taken = Promise.withResolvers<void>();
    taking = taken.promise;
    let beats = 0;
    let isOver = false;
    const fetched = made[0]!.eachBatch!({
      batch: { topic, partition: 0, messages: [{ offset: '7' }], highWatermark: '8', lastOffset: () => '7' },
      resolveOffset: () => undefined,
      heartbeat: async () => void beats++,
      isStale: () => false,
    } as unknown as EachBatchPayload).then(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(2_000);
    expect(beats).toBe(1);
    const began = performance.now();
    await consumer.stop(100);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(letGo).toBe(1);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(beats).toBe(1);
    taken.resolve();
    await settled();
    expect(isOver).toBe(false);
    void fetched;
  });

  it('moves a partition on, and tells Kafka so, only after its records are durably taken in', async () => {
    const taken = Promise.withResolvers<void>();
    taking = taken.promise;
    const resolved: string[] = [];
    const fetched = made[0]!.eachBatch!({
      batch: { topic, partition: 0, messages: [{ offset: '7' }], highWatermark: '8', lastOffset: () => '7' },
      resolveOffset: (offset: string) => void resolved.push(offset),
      heartbeat: async () => undefined,
      isStale: () => false,
    } as unknown as EachBatchPayload);
    await jest.advanceTimersByTimeAsync(2 * DEFAULT_LIMITS.offsetCommitMs);
    expect([resolved, made[0]!.committed]).toEqual([[], []]);
    taken.resolve();
    await fetched;
    await jest.advanceTimersByTimeAsync(DEFAULT_LIMITS.offsetCommitMs);
    expect([resolved, made[0]!.committed]).toEqual([['7'], ['8']]);
  });

  it('tells Kafka, too, of offsets behind which it has come without a message', async () => {
    await jest.advanceTimersByTimeAsync(5_000); // the place is known: 3
    const ended = { topic, partition: 0, batchSize: 0, lastOffset: '8', highWatermark: '9' };
    made[0]!.emit('end', { payload: { ...ended, partition: 1 } }); // of another instance by now
    made[0]!.emit('end', { payload: ended });
    expect(consumer.health()[0]!.lagMessages).toBe(0);
    await made[0]!.eachBatch!({
      batch: { topic, partition: 0, messages: [{ offset: '9' }], highWatermark: '13', lastOffset: () => '12' },
      resolveOffset: () => undefined,
      heartbeat: async () => undefined,
      isStale: () => false,
    } as unknown as EachBatchPayload);
    made[0]!.emit('end', { payload: { ...ended, batchSize: 1, lastOffset: '99' } });
    expect(consumer.health()[0]!.lagMessages).toBe(0);
    await jest.advanceTimersByTimeAsync(DEFAULT_LIMITS.offsetCommitMs);
    expect(made[0]!.committed).toEqual(['13']);
  });

  it('joins again after a crash, however often, and kafkajs does not: that could not be stopped', async () => {
    expect(await config.retry!.restartOnFailure!(new Error('crashed'))).toBe(false);
    for (let crashes = 1; crashes <= 2; crashes++) {
      const next = once(kafka, 'made');
      made.at(-1)!.crash();
      await next;
      expect(made).toHaveLength(crashes + 1);
      await settled();
    }
    expect(made.at(-1)!.group).toBe(true);
  });

  it('survives that kafkajs can neither pause nor resume between a crash and the next join', async () => {
    const next = once(kafka, 'made');
    made[0]!.crash();
    await check(100);
    expect(made[0]!.pausedAll).toBe(false);
    await next;
    await check(100);
    expect(made[1]!.pausedAll).toBe(true);
  });

  it('resumes what kafkajs kept paused over a rebalance', async () => {
    await check(100);
    expect(made[0]!.pausedAll).toBe(true);
    await made[0]!.run();
    await check(0);
    expect(made[0]!.pausedAll).toBe(false);
  });

  it('knows every 5 s what waits at a broker that does not answer, and asks rarely while all answer', async () => {
    const fetching = (nodeId: number, answers = true): void => {
      made[0]!.emit('start', { payload: { nodeId } });
      if (answers) made[0]!.emit('fetch', { payload: { nodeId } });
    };
    const lookedIn = async (seconds: number, secondAnswers: boolean): Promise<number> => {
      const before = looks;
      for (let second = 0; second < seconds; second++) {
        fetching(1);
        fetching(2, secondAnswers);
        await jest.advanceTimersByTimeAsync(1_000);
      }
      return looks - before;
    };
    await lookedIn(5, true);
    expect(await lookedIn(60, true)).toBe(2);
    await lookedIn(5, false);
    const before = consumer.health()[0]!.lagMessages;
    expect(await lookedIn(20, false)).toBe(4);
    expect(consumer.health()[0]!.lagMessages - before).toBe(4);
  });

  it('looks at the ends while its own fetches fail, though kafkajs says that they brought nothing', async () => {
    const lookedIn = async (seconds: number, failing: string): Promise<number> => {
      const before = looks;
      for (let second = 0; second < seconds; second++) {
        made[0]!.emit('start', { payload: { nodeId: 1 } });
        failedFetches.emit('failed', failing, new Error('Closed connection'));
        made[0]!.emit('fetch', { payload: { nodeId: 1 } });
        await jest.advanceTimersByTimeAsync(1_000);
      }
      return looks - before;
    };
    await lookedIn(5, 'somebody else');
    expect(await lookedIn(60, 'somebody else')).toBe(2);
    await lookedIn(5, 'me');
    expect(await lookedIn(20, 'me')).toBe(4);
  });

  it('takes no place of a partition from a look that began before it was assigned', async () => {
    const answer = Promise.withResolvers<void>();
    asking = answer.promise;
    await jest.advanceTimersByTimeAsync(5_000); // this look knows the place, and does not ask for it
    await made[0]!.run();
    answer.resolve();
    await settled();
    expect(consumer.health()[0]!.lagMessages).toBe(0);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(consumer.health()[0]!.lagMessages).toBe(looks - 1);
  });

  it('pauses at the bound and resumes at four fifths of it', async () => {
    const seen: [number, boolean][] = [];
    for (const at of [99, 100, 99, 81, 80, 99, 100]) {
      await check(at);
      seen.push([at, made[0]!.pausedAll]);
    }
    const pausedAt = (at: number, paused: boolean): [number, boolean] => [at, paused];
    expect(seen).toEqual([
      pausedAt(99, false),
      pausedAt(100, true),
      pausedAt(99, true),
      pausedAt(81, true),
      pausedAt(80, false),
      pausedAt(99, false),
      pausedAt(100, true),
    ]);
  });

  it('tells once of a partition that its broker serves nothing of, until it does, also over a rebalance', async () => {
    await jest.advanceTimersByTimeAsync(5_000); // the place is known: 3
    const refused = (offset: string, partition = 0): void =>
      void failedFetches.emit('refused', { topic, partition, offset, errorCode: 2 });
    const refusedAt = (): string | undefined => consumer.health()[0]!.refusedAt;
    refused('2'); // of a replay
    refused('3', 1); // of another instance
    expect([told, refusedAt()]).toEqual([[], undefined]);
    refused('3');
    refused('3');
    await made[0]!.run();
    expect([told, refusedAt()]).toEqual([[{ topic, partition: 0, offset: '3', errorCode: 2 }], '3']);
    await made[0]!.eachBatch!({
      batch: { topic, partition: 0, messages: [{ offset: '3' }], highWatermark: '4', lastOffset: () => '3' },
      resolveOffset: () => undefined,
      heartbeat: async () => undefined,
      isStale: () => false,
    } as unknown as EachBatchPayload);
    expect(refusedAt()).toBeUndefined();
  });

  it('tells of offsets that Kafka no longer has', () => {
    const outOfRange = Object.assign(new Error('x'), { name: 'KafkaJSOffsetOutOfRange', topic, partition: 0, fetchOffset: '7' }); // prettier-ignore
    failedFetches.emit('failed', 'somebody else', outOfRange);
    failedFetches.emit('failed', 'me', outOfRange);
    expect(told).toEqual([{ topic, partition: 0, offset: '7' }]);
  });

  it.each([
    ['delete', 2],
    ['compact', 0],
    ['compact,delete', 0],
    [new Error('not authorized'), 2],
  ])('tells of offsets that Kafka has passed over, unless the topic is compacted: %s', async (policy, times) => {
    cleanupPolicy = policy;
    const gap = { topic, partition: 0, first: 5, last: 6 };
    failedFetches.emit('gap', { ...gap, topic: 'of somebody else' });
    for (let n = 0; n < 2; n++) failedFetches.emit('gap', gap);
    await settled();
    expect(told).toEqual(Array.from({ length: times }, () => gap));
    expect(asked).toBe(1);
  });
});
