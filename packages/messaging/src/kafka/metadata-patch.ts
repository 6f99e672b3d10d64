import { createRequire } from 'node:module';
import { askBroker, type Broker, type ResponseReader } from './broker.js';

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
  cluster: { findTopicPartitionMetadata(topic: string): PartitionMetadata[] };
  memberAssignment: Record<string, number[]>;
  resolveOffsets(): Promise<void>;
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

/**
 * kafkajs 2.2.4 takes metadata that name one partition without a leader for an error: where all replicas of one partition are away, a
 * consumer and a producer stand still for every topic that they use. With this such a partition waits alone, and its leader is looked for
 * every second. Brokers before 2.0 get the original. Idempotent.
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

  // Where nothing is committed, only a leader knows where to begin: it must not keep those from being fetched that have one.
  offsets.resolveOffsets = function (this: OffsetManager): Promise<void> {
    const led: Record<string, number[]> = {};
    let all = true;
    for (const [topic, partitions] of Object.entries(this.memberAssignment)) {
      const known = this.cluster.findTopicPartitionMetadata(topic);
      led[topic] = partitions.filter((id) => known.find(({ partitionId }) => partitionId === id)?.leader !== NO_LEADER);
      all &&= led[topic].length === partitions.length;
    }
    return resolve.call(all ? this : (Object.create(this, { memberAssignment: { value: led } }) as OffsetManager));
  };
  broker[PATCHED] = true;
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
