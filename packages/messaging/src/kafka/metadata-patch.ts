import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { askBroker, type Broker, type ResponseReader } from './broker.js';
import { failedFetches } from './fetch-patch.js';

interface Metadata {
  topicMetadata: TopicMetadata[];
}

interface TopicMetadata {
  topicErrorCode: number;
  topic: string;
  partitionMetadata: PartitionMetadata[];
}

interface PartitionMetadata {
  partitionErrorCode: number;
  partitionId: number;
  leader: number;
}

interface Asking extends Broker<Metadata> {
  allowAutoTopicCreation: boolean;
  metadata(topics?: string[]): Promise<Metadata>;
}

interface BrokerPool {
  metadata: Metadata | null;
  /** Wall clock; `null`: they are asked for with the next use. */
  metadataExpireAt: number | null;
  metadataMaxAge: number;
  refreshMetadata(topics: string[]): Promise<void>;
  refreshMetadataIfNecessary(topics: string[]): Promise<void>;
}

/** What a member of a group knows of its places, in kafkajs. */
interface OffsetManager {
  cluster: Cluster;
  memberId: string;
  memberAssignment: Record<string, number[]>;
  topicConfigurations: Record<string, object>;
  resolveOffsets(): Promise<void>;
}

interface Cluster {
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
  fetchTopicsOffset(topics: ToResolve[]): Promise<Resolved[]>;
  refreshMetadata(): Promise<void>;
}

interface ToResolve {
  topic: string;
  partitions: { partition: number }[];
}

interface Resolved {
  topic: string;
  partitions: { partition: number; offset: string }[];
}

/** Of a member: what only leaders know. */
interface Unresolved {
  /** The member's own, which asks for all at once. */
  cluster: Cluster;
  /** Partitions of which no leader has said where to begin. */
  places: Set<string>;
  /** What leaders have said since, aside from the fetches. */
  told: Map<string, string>;
  /** Leaders that are being asked aside from the fetches. */
  asking: Set<string>;
  /** Counted, not wall clock. */
  askedAt: number;
}

type RequestOf = (terms: { topics: string[]; allowAutoTopicCreation: boolean }) => {
  encode(): Promise<{ buffer: Buffer }>;
};

const PATCHED = Symbol.for('throughline.kafkajs.metadata-patch');
/** Kafka's protocol: the key of Metadata, and the version that kafkajs knows best. */
const METADATA = 3;
const VERSION = 6;
/** As Kafka says that there is none. */
export const NO_LEADER = -1;
/** A partition without a leader gets one at any moment, and nobody tells: metadata is asked for again after so many milliseconds. */
const WITHOUT_LEADER_MS = 1_000;
/** A leader that has not said by then where to begin is one that is away, in milliseconds: all fetches and heartbeats wait for that. */
const LEADER_MS = 4_000;
const AWAY = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNumberOfRetriesExceeded',
]);

/**
 * kafkajs 2.2.4 takes metadata that name one partition without a leader for an error: where all replicas of one partition are away, a
 * consumer and a producer stand still for every topic that they use. With this such a partition waits alone, and its leader is looked for
 * every second. Where nothing is committed, it asks all leaders where to begin, and fetches nothing while one of them is away; with this
 * that one's partitions alone wait, and it is asked again every second. Brokers before 2.0 get the original. Idempotent.
 */
export function patchKafkaMetadata(): void {
  const require = createRequire(import.meta.url);
  const { prototype: broker } = require('kafkajs/src/broker/index.js') as {
    prototype: Asking & { [PATCHED]?: true };
  };
  if (broker[PATCHED]) return;
  const { prototype: pool } = require('kafkajs/src/cluster/brokerPool.js') as { prototype: BrokerPool };
  const { prototype: offsets } = require('kafkajs/src/consumer/offsetManager/index.js') as { prototype: OffsetManager };
  const metadata = methodOf(broker, 'metadata');
  const refresh = methodOf(pool, 'refreshMetadata');
  const refreshIfNecessary = methodOf(pool, 'refreshMetadataIfNecessary');
  const resolve = methodOf(offsets, 'resolveOffsets');
  const requestOf = require('kafkajs/src/protocol/requests/metadata/v6/request.js') as RequestOf;
  const reader = require('kafkajs/src/protocol/requests/metadata/v6/response.js') as ResponseReader;

  broker.metadata = async function (this: Asking, topics: string[] = []): Promise<Metadata> {
    if ((this.versions?.[METADATA]?.maxVersion ?? 0) < VERSION) return metadata.call(this, topics);
    const { buffer: body } = await requestOf({ topics, allowAutoTopicCreation: this.allowAutoTopicCreation }).encode();
    const request = { apiKey: METADATA, apiVersion: VERSION, apiName: 'Metadata', body };
    const parse = (answer: object): Promise<object> => reader.parse(withoutPartitionErrors(answer as Metadata));
    return askBroker(this, request, { decode: (bytes) => reader.decode(bytes), parse });
  };

  pool.refreshMetadata = async function (this: BrokerPool, topics: string[]): Promise<void> {
    await refresh.call(this, topics);
    if (this.metadata?.topicMetadata.some(({ partitionMetadata }) => !partitionMetadata.every(isLed)))
      setTimeout(() => (this.metadataExpireAt = null), WITHOUT_LEADER_MS).unref();
  };
  pool.refreshMetadataIfNecessary = function (this: BrokerPool, topics: string[]): Promise<void> {
    // Not for longer than was meant, though the clock was set back.
    if ((this.metadataExpireAt ?? 0) > Date.now() + this.metadataMaxAge) this.metadataExpireAt = null;
    return refreshIfNecessary.call(this, topics);
  };

  const unresolved = new WeakMap<OffsetManager, Unresolved>();
  offsets.resolveOffsets = async function (this: OffsetManager): Promise<void> {
    let waiting = unresolved.get(this);
    if (!waiting) {
      const { cluster } = this;
      waiting = { cluster, places: new Set(), told: new Map(), asking: new Set(), askedAt: 0 };
      unresolved.set(this, waiting);
      this.cluster = askingEachLeader(this, waiting);
    }
    const { places, askedAt } = waiting;
    if (places.size > 0 && performance.now() - askedAt >= WITHOUT_LEADER_MS) askAgain(this, waiting);
    return resolve.call(places.size === 0 ? this : without(places, this));
  };
  broker[PATCHED] = true;
}

/**
 * Not awaited by fetches: it takes as long as the leader does. What it says is taken by the next fetch of this member, if there is one: the
 * places of a group are shared with the members that this process has later.
 */
function askAgain({ memberId, memberAssignment, topicConfigurations }: OffsetManager, waiting: Unresolved): void {
  const { cluster, places, told, asking } = waiting;
  waiting.askedAt = performance.now();
  const topics = Object.entries(memberAssignment).map(([topic, ids]) => {
    const partitions = ids.filter((id) => places.has(`${topic} ${id}`)).map((partition) => ({ partition }));
    return { ...topicConfigurations[topic], topic, partitions };
  });
  for (const [leader, asked] of byLeader(cluster, topics)) {
    if (leader === String(NO_LEADER) || asking.has(leader)) continue;
    asking.add(leader);
    void ask(asked).finally(() => asking.delete(leader));
  }

  async function ask(asked: ToResolve[]): Promise<void> {
    try {
      for (const { topic, partitions } of await cluster.fetchTopicsOffset(asked)) {
        for (const { partition, offset } of partitions)
          if (places.delete(`${topic} ${partition}`)) told.set(`${topic} ${partition}`, offset);
      }
    } catch (error) {
      failedFetches.emit('failed', memberId, error);
      await cluster.refreshMetadata().catch(() => undefined);
    }
  }
}

/** The same member, as if it had none of these places. */
function without(places: Set<string>, manager: OffsetManager): OffsetManager {
  const memberAssignment = Object.fromEntries(
    Object.entries(manager.memberAssignment).map(([topic, ids]) => [
      topic,
      ids.filter((id) => !places.has(`${topic} ${id}`)),
    ]),
  );
  return Object.assign(Object.create(manager) as OffsetManager, { memberAssignment });
}

/** The cluster, asking each leader by itself: what one does not say in time is left out, so that it is not fetched, and waits. */
function askingEachLeader({ memberId }: OffsetManager, waiting: Unresolved): Cluster {
  const { cluster, places, told } = waiting;
  const wait = (asked: ToResolve[], error?: unknown): void => {
    for (const { topic, partitions } of asked)
      for (const { partition } of partitions) places.add(`${topic} ${partition}`);
    waiting.askedAt = performance.now();
    if (error !== undefined) failedFetches.emit('failed', memberId, error);
  };
  const fetchTopicsOffset = async (topics: ToResolve[]): Promise<Resolved[]> => {
    const resolved = new Map<string, Resolved['partitions']>(topics.map(({ topic }) => [topic, []]));
    const open = topics.map((of) => {
      const partitions = of.partitions.filter(({ partition }) => {
        const offset = told.get(`${of.topic} ${partition}`);
        if (offset !== undefined) resolved.get(of.topic)!.push({ partition, offset });
        return !told.delete(`${of.topic} ${partition}`);
      });
      return { ...of, partitions };
    });
    const asking = [...byLeader(cluster, open)].map(async ([leader, asked]) => {
      if (leader === String(NO_LEADER)) return wait(asked);
      try {
        for (const { topic, partitions } of await within(LEADER_MS, cluster.fetchTopicsOffset(asked)))
          resolved.get(topic)?.push(...partitions);
      } catch (error) {
        if (!AWAY.has((error as Error).name)) throw error;
        wait(asked, error);
      }
    });
    await Promise.all(asking);
    return [...resolved].map(([topic, partitions]) => ({ topic, partitions }));
  };
  return Object.assign(Object.create(cluster) as Cluster, { fetchTopicsOffset });
}

function byLeader(cluster: Cluster, topics: ToResolve[]): Map<string, ToResolve[]> {
  const led = new Map<string, ToResolve[]>();
  for (const topic of topics) {
    const ids = topic.partitions.map(({ partition }) => partition);
    for (const [leader, partitions] of Object.entries(cluster.findLeaderForPartitions(topic.topic, ids))) {
      // With what else kafkajs says of the topic: where it is to begin.
      const asked = { ...topic, partitions: partitions.map((partition) => ({ partition })) };
      led.set(leader, [...(led.get(leader) ?? []), asked]);
    }
  }
  return led;
}

async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  const isOver = new AbortController();
  const late = sleep(limitMs, undefined, { ref: false, signal: isOver.signal }).then(() => {
    throw Object.assign(new Error('A leader has not said where to begin.'), { name: 'KafkaJSRequestTimeoutError' });
  });
  return Promise.race([promise, late]).finally(() => isOver.abort());
}

function isLed({ leader }: PartitionMetadata): boolean {
  return leader !== NO_LEADER;
}

/** What is wrong with a partition is told by its leader, which is then none. */
function withoutPartitionErrors(answer: Metadata): Metadata {
  const topicMetadata = answer.topicMetadata.map((topic) => ({
    ...topic,
    partitionMetadata: topic.partitionMetadata.map((partition) => ({ ...partition, partitionErrorCode: 0 })),
  }));
  return { ...answer, topicMetadata };
}

function methodOf<Of extends object, Name extends keyof Of>(prototype: Of, name: Name): Of[Name] {
  const method = Object.getOwnPropertyDescriptor(prototype, name)?.value as Of[Name] | undefined;
  if (typeof method !== 'function') {
    throw new Error('kafkajs has changed: check whether metadata-patch.ts is still needed, and remove or adapt it.');
  }
  return method;
}
