import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { askBroker, type Broker } from './broker.js';
import { NO_LEADER } from './metadata-patch.js';

export interface TopicPartition {
  topic: string;
  partition: number;
}

/** The partitions that one broker leads; without `nodeId` those that have no leader. */
export interface Led {
  nodeId: number | undefined;
  partitions: TopicPartition[];
}

export interface Place extends TopicPartition {
  /** `undefined` where the broker does not know it, or does not lead the partition any more. */
  offset: string | undefined;
}

/** What the brokers of a cluster say of partitions, each asked by itself. */
export interface PartitionEnds {
  /** As far as is known: where no broker tells it within some seconds, as it was known last. */
  leaders(topics: string[]): Promise<Led[]>;
  /** The oldest offset there is, or the one after the last record. */
  places(led: Led, at: 'oldest' | 'end'): Promise<Place[]>;
  /** What a group has committed. */
  committed(group: string, partitions: TopicPartition[]): Promise<Place[]>;
  close(): Promise<void>;
}

/** The cluster of kafkajs 2.2.4, which is behind its admin, consumer and producer. */
export interface Cluster {
  connect(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findBroker(of: { nodeId: number }): Promise<Broker<Listed>>;
  findGroupCoordinator(of: { groupId: string }): Promise<Coordinator>;
  disconnect(): Promise<void>;
}

interface Coordinator {
  offsetFetch(of: {
    groupId: string;
    topics: { topic: string; partitions: { partition: number }[] }[];
  }): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>;
}

interface Listed {
  responses: { topic: string; partitions: { partition: number; errorCode: number; offset: string }[] }[];
}

/** Kafka's protocol: the key of ListOffsets, and the version that all brokers since 0.10.1 know. */
const LIST_OFFSETS = 2;
const VERSION = 1;
const NO_REPLICA = -1;
/** Times that stand for offsets. */
const TIMES = { oldest: '-2', end: '-1' };
const METADATA_MS = 3_000;

const require = createRequire(import.meta.url);
const requestOf = require('kafkajs/src/protocol/requests/listOffsets/v1/request.js') as (terms: object) => {
  encode(): Promise<{ buffer: Buffer }>;
};
const { decode } = require('kafkajs/src/protocol/requests/listOffsets/v1/response.js') as {
  decode: (bytes: Buffer) => Promise<object>;
};

/**
 * kafkajs' admin asks for all partitions of a topic at once, and knows none of them where one broker does not answer. This asks one
 * broker after another over a cluster of its own.
 */
export function partitionEnds(kafka: Kafka): PartitionEnds {
  let connecting: Promise<Cluster> | undefined;

  return {
    async leaders(topics) {
      const cluster = await connected(topics);
      const refreshed = cluster.refreshMetadata();
      await Promise.race([refreshed, sleep(METADATA_MS, undefined, { ref: false })]).catch(() => undefined);
      return byLeader(cluster, topics);
    },
    async places({ nodeId, partitions }, at) {
      if (nodeId === undefined) return partitions.map((partition) => ({ ...partition, offset: undefined }));
      const cluster = await connected(partitions.map(({ topic }) => topic));
      return listOffsets(await cluster.findBroker({ nodeId }), partitions, at);
    },
    async committed(group, partitions) {
      const cluster = await connected(partitions.map(({ topic }) => topic));
      const coordinator = await cluster.findGroupCoordinator({ groupId: group });
      const { responses } = await coordinator.offsetFetch({ groupId: group, topics: byTopic(partitions) });
      return responses.flatMap((of) =>
        of.partitions.map(({ partition, offset }) => {
          return { topic: of.topic, partition, offset: Number(offset) < 0 ? undefined : offset };
        }),
      );
    },
    async close() {
      await connecting?.then((cluster) => cluster.disconnect()).catch(() => undefined);
    },
  };

  function connected(topics: string[]): Promise<Cluster> {
    return (connecting ??= connect(topics).catch((error: unknown) => {
      connecting = undefined;
      throw error;
    }));
  }

  async function connect(topics: string[]): Promise<Cluster> {
    const cluster = clusterOf(kafka);
    try {
      await cluster.connect();
      await cluster.addMultipleTargetTopics(topics);
      return cluster;
    } catch (error) {
      await cluster.disconnect().catch(() => undefined);
      throw error;
    }
  }
}

function clusterOf(kafka: Kafka): Cluster {
  const name = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create = name && (kafka as unknown as Record<symbol, unknown>)[name];
  if (typeof create !== 'function') {
    throw new Error('kafkajs has changed: partition-ends.ts no longer finds its cluster, and must be adapted.');
  }
  return (create as (options: object) => Cluster)({ allowAutoTopicCreation: false });
}

function byLeader(cluster: Cluster, topics: string[]): Led[] {
  const led = new Map<number, TopicPartition[]>();
  for (const topic of topics) {
    for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
      const partitions = led.get(leader) ?? [];
      led.set(leader, [...partitions, { topic, partition: partitionId }]);
    }
  }
  return [...led].map(([leader, partitions]) => ({ nodeId: leader === NO_LEADER ? undefined : leader, partitions }));
}

async function listOffsets(
  broker: Broker<Listed>,
  partitions: TopicPartition[],
  at: 'oldest' | 'end',
): Promise<Place[]> {
  const topics = byTopic(partitions).map((of) => ({
    ...of,
    partitions: of.partitions.map((partition) => ({ ...partition, timestamp: TIMES[at] })),
  }));
  const { buffer: body } = await requestOf({ replicaId: NO_REPLICA, topics }).encode();
  const request = { apiKey: LIST_OFFSETS, apiVersion: VERSION, apiName: 'ListOffsets', body, isAlone: true };
  // An error of one partition says nothing of the others.
  const { responses } = await askBroker(broker, request, { decode, parse: (answer) => Promise.resolve(answer) });
  return responses.flatMap((of) =>
    of.partitions.map(({ partition, errorCode, offset }) => {
      return { topic: of.topic, partition, offset: errorCode === 0 ? offset : undefined };
    }),
  );
}

function byTopic(partitions: TopicPartition[]): { topic: string; partitions: { partition: number }[] }[] {
  const topics = new Map<string, { partition: number }[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), { partition }]);
  return [...topics].map(([topic, of]) => ({ topic, partitions: of }));
}
