import { randomBytes } from 'node:crypto';
import { catalog, topics as allTopics, type MessageType, type SchemaIds } from '@throughline/contracts';
import { ensureTopics, type KafkaOptions } from '@throughline/messaging';
import { Kafka, logLevel, type Admin, type KafkaMessage } from 'kafkajs';
import { runNamespace, stackAddress } from './stack.js';

const GROUP = 'spec';

export interface TestTopics {
  /** For the `kafka` option of Messaging: the topics of this spec alone. */
  kafka: KafkaOptions;
  /** A consumer group of this spec alone. */
  group: string;
  /** The topic's name on the broker. */
  nameOf(type: MessageType): string;
  /** Everything on the type's topic so far, in the order of its partitions. */
  read(type: MessageType): Promise<(KafkaMessage & { partition: number })[]>;
  /** Where each partition of each topic of the spec ends: whoever published nothing leaves them as they are. */
  ends(): Promise<Record<string, string>>;
  /** What the group has committed, by partition as in `ends`; `-1` where nothing. */
  committed(): Promise<Record<string, string>>;
  /** Writes records as a foreign producer would, for example unreadable ones. */
  produce(
    type: MessageType,
    messages: { key?: string | Buffer; value: Buffer | null; headers?: Record<string, string | Buffer> }[],
  ): Promise<void>;
}

/** Fresh topics for these message types, with a random prefix, and a random consumer group. */
export async function testTopics(types: MessageType[], options: { partitions?: number } = {}): Promise<TestTopics> {
  const id = randomBytes(6).toString('hex');
  const kafkaOptions: KafkaOptions = {
    brokers: stackAddress('kafkaBrokers'),
    clientId: `spec-${id}`,
    topicPrefix: `${runNamespace}.${id}.`,
  };
  const wanted = new Set(types.map((type) => catalog[type].topic));
  const topics = allTopics.filter(({ name }) => wanted.has(name));
  await ensureTopics(
    kafkaOptions,
    topics.map((topic) => ({ ...topic, partitions: options.partitions ?? 3 })),
    { replicationFactor: 1 },
  );
  const kafka = new Kafka({ brokers: kafkaOptions.brokers, clientId: `reader-${id}`, logLevel: logLevel.NOTHING });
  const nameOf = (type: MessageType): string => kafkaOptions.topicPrefix! + catalog[type].topic;

  async function byPartition(
    read: (admin: Admin, topic: string) => Promise<{ partition: number; offset: string }[]>,
  ): Promise<Record<string, string>> {
    const admin = kafka.admin();
    await admin.connect();
    const found = await Promise.all(
      topics.map(async ({ name }) => {
        const topic = kafkaOptions.topicPrefix! + name;
        return (await read(admin, topic)).map(({ partition, offset }) => [`${topic} ${partition}`, offset] as const);
      }),
    );
    await admin.disconnect();
    return Object.fromEntries(found.flat());
  }

  return {
    kafka: kafkaOptions,
    group: GROUP,
    nameOf,
    ends: () =>
      byPartition(async (admin, topic) =>
        (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, offset: high })),
      ),
    committed: () =>
      byPartition(async (admin, topic) => {
        const [found] = await admin.fetchOffsets({ groupId: `${kafkaOptions.topicPrefix!}${GROUP}`, topics: [topic] });
        return found!.partitions;
      }),
    async produce(type, messages) {
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({ topic: nameOf(type), messages: messages.map((message) => ({ key: null, ...message })) });
      await producer.disconnect();
    },
    async read(type) {
      const topic = nameOf(type);
      const admin = kafka.admin();
      await admin.connect();
      const offsets = await admin.fetchTopicOffsets(topic);
      await admin.disconnect();
      return readUpTo(kafka, topic, new Map(offsets.map(({ partition, high }) => [partition, Number(high)])));
    },
  };
}

async function readUpTo(
  kafka: Kafka,
  topic: string,
  ends: Map<number, number>,
): Promise<(KafkaMessage & { partition: number })[]> {
  const open = new Map([...ends].filter(([, end]) => end > 0));
  if (open.size === 0) return [];
  const found: (KafkaMessage & { partition: number })[] = [];
  const consumer = kafka.consumer({ groupId: `read-${randomBytes(6).toString('hex')}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachMessage: ({ partition, message }) => {
          if (Number(message.offset) < (ends.get(partition) ?? 0)) found.push({ ...message, partition });
          if (Number(message.offset) >= (open.get(partition) ?? 0) - 1) open.delete(partition);
          if (open.size === 0) resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return found.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

/** Schema ids without a registry: the same in every process of one build, for specs that are not about the registry. */
export function fixedSchemaIds(): SchemaIds {
  const types = Object.values(catalog);
  return {
    idOf: (subject) => Promise.resolve(1_000 + types.findIndex((entry) => entry.subject === subject)),
    schemaOf: (id) => {
      const entry = types[id - 1_000];
      return entry
        ? Promise.resolve(JSON.stringify(entry.schema))
        : Promise.reject(
            Object.assign(new Error(`No schema ${id}`), { code: 'CONTRACT_SCHEMA_UNKNOWN', retry: 'never' }),
          );
    },
  };
}
