import { Codec, catalog, opportunityCorrelationId, registrySchemaIds, topics } from '@throughline/contracts';
import { ensureTopics } from '@throughline/messaging';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { sampleOpportunity } from './sample.js';

/** What the parts can do on this machine by themselves, per second: nothing of ours can be faster. */
export interface Limits {
  /** Encodings and decodings of the largest message, one core. */
  codec: number;
  /** Single-row inserts with a commit each over 8 connections, fsync on. */
  commits: number;
  /** Messages of 700 bytes, in requests of 100, acks from all, idempotent. */
  produce: number;
  /** The same messages read back, by batches. */
  consume: number;
}

const SECONDS = 3;
const BATCH = 100;
const CONNECTIONS = 8;

export async function measureLimits(options: {
  registryUrl: string;
  brokers: string[];
  databaseUrl: string;
}): Promise<Limits> {
  const codec = new Codec(registrySchemaIds({ url: options.registryUrl }));
  await codec.prepare(['OpportunityClosedWon']);
  const body = codec.encode('OpportunityClosedWon', sampleOpportunity('limits', 1));
  await codec.decode('OpportunityClosedWon', body);
  return {
    codec: measureCodec(codec, body),
    commits: await measureCommits(options.databaseUrl),
    ...(await measureBroker(options.brokers, body)),
  };
}

function measureCodec(codec: Codec, body: Buffer): number {
  const payload = sampleOpportunity('limits', 1);
  return rateOf(() => {
    for (let index = 0; index < 200; index += 1) {
      codec.encode('OpportunityClosedWon', payload);
      codec.decodeNow('OpportunityClosedWon', body);
    }
    return 200;
  });
}

async function measureCommits(databaseUrl: string): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS, connectionTimeoutMillis: 5_000 });
  try {
    await pool.query(
      'CREATE TABLE IF NOT EXISTS limit_commit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value text)',
    );
    const end = performance.now() + SECONDS * 1_000;
    const start = performance.now();
    let count = 0;
    const connection = async (): Promise<void> => {
      while (performance.now() < end) {
        await pool.query({ name: 'limit-commit', text: 'INSERT INTO limit_commit (value) VALUES ($1)', values: ['x'] });
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
    return perSecond(count, performance.now() - start);
  } finally {
    await pool.end();
  }
}

async function measureBroker(brokers: string[], value: Buffer): Promise<{ produce: number; consume: number }> {
  const topicPrefix = 'limits.';
  const topic = topicPrefix + catalog.OpportunityClosedWon.topic;
  await ensureTopics({ brokers, clientId: 'bench-limits', topicPrefix }, topics, { replicationFactor: 1 });
  const kafka = new Kafka({ brokers, clientId: 'bench-limits', logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  const headers = {
    ce_type: catalog.OpportunityClosedWon.subject,
    ce_correlationid: opportunityCorrelationId('limits', 1),
  };
  const messages = Array.from({ length: BATCH }, (_, index) => ({ key: String(index), value, headers }));
  let produced = 0;
  const start = performance.now();
  while (performance.now() - start < SECONDS * 1_000) {
    await producer.send({ topic, messages, acks: -1 });
    produced += BATCH;
  }
  const produce = perSecond(produced, performance.now() - start);
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: `bench-limits-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let consumed = 0;
  let first = 0;
  const done = Promise.withResolvers<void>();
  await consumer.run({
    eachBatch: ({ batch }) => {
      first ||= performance.now();
      consumed += batch.messages.length;
      if (consumed >= produced) done.resolve();
      return Promise.resolve();
    },
  });
  await Promise.race([done.promise, new Promise((resolve) => setTimeout(resolve, 30_000))]);
  const consume = perSecond(consumed, performance.now() - first);
  await consumer.disconnect();
  return { produce, consume };
}

function rateOf(burst: () => number): number {
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < SECONDS * 1_000) count += burst();
  return perSecond(count, performance.now() - start);
}

function perSecond(count: number, ms: number): number {
  return Math.round((count * 1_000) / ms);
}
