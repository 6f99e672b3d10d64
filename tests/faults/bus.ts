import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { topics } from '@throughline/contracts';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { POISON_HEADER } from './poison.js';
import type { Poison } from './schedule.js';

/** A record as any subscriber sees it: the CloudEvents headers, and what it says. */
export interface BusRecord {
  topic: string;
  partition: number;
  offset: string;
  id: string;
  type: string;
  source: string;
  subject: string;
  sequence: number;
  correlationId: string;
  causationId: string | undefined;
  /** As the registry's schema decodes it; empty for poison. */
  body: Record<string, unknown>;
  /** Set on what our own poisoner wrote. */
  poison: { kind: Poison; consumer: string } | undefined;
}

const READ_LIMIT_MS = 60_000;

/** Everything on every topic, from the beginning, by a client of its own. Records without the headers come with empty ones. */
export async function readBus(addresses: { kafkaBrokers: string[]; registryUrl: string }): Promise<BusRecord[]> {
  const kafka = new Kafka({ brokers: addresses.kafkaBrokers, clientId: 'checker', logLevel: logLevel.NOTHING });
  const open = new Map<string, bigint>();
  const admin = kafka.admin();
  await admin.connect();
  for (const { name } of topics) {
    for (const { partition, high } of await admin.fetchTopicOffsets(name))
      if (high !== '0') open.set(`${name} ${partition}`, BigInt(high));
  }
  await admin.disconnect();
  const found: { topic: string; partition: number; message: KafkaMessage }[] = [];
  if (open.size === 0) return [];
  const consumer = kafka.consumer({ groupId: `checker-${randomUUID()}`, maxWaitTimeInMs: 200 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: topics.map(({ name }) => name), fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      setTimeout(
        () => reject(new Error(`The topics could not be read to their ends: ${[...open.keys()].join(', ')} are left.`)),
        READ_LIMIT_MS,
      ).unref();
      consumer
        .run({
          autoCommit: false,
          eachMessage: async ({ topic, partition, message }) => {
            found.push({ topic, partition, message });
            const end = open.get(`${topic} ${partition}`);
            if (end !== undefined && BigInt(message.offset) >= end - 1n) open.delete(`${topic} ${partition}`);
            if (open.size === 0) resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  // The registry may still find connections broken by the last kill of PostgreSQL, one question after the other.
  const registry = new SchemaRegistry({ host: addresses.registryUrl, retry: { retries: 20 } });
  const records: BusRecord[] = [];
  for (const { topic, partition, message } of found) {
    const record = toBusRecord(topic, partition, message);
    const body = record.poison ? {} : ((await registry.decode(message.value!)) as BusRecord['body']);
    records.push({ ...record, body });
  }
  return records;
}

function toBusRecord(topic: string, partition: number, { offset, headers }: KafkaMessage): Omit<BusRecord, 'body'> {
  const read = (name: string): string => String(headers?.[name] ?? '');
  const [consumer, kind] = read(POISON_HEADER).split(' ');
  return {
    topic,
    partition,
    offset,
    id: read('ce_id'),
    type: read('ce_type').split('.').at(-1)!,
    source: read('ce_source'),
    subject: read('ce_subject'),
    sequence: Number(read('ce_sequence')),
    correlationId: read('ce_correlationid'),
    causationId: read('ce_causationid') || undefined,
    poison: consumer && kind ? { kind: kind as Poison, consumer } : undefined,
  };
}
