import {
  canonicalId,
  catalog,
  Codec,
  opportunityCorrelationId,
  registrySchemaIds,
  toHeaders,
} from '@throughline/contracts';
import { Kafka, logLevel, type Message } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './median.js';
import { withPath, type Ground, type Path } from './path.js';
import { rssMegabytes } from './proc.js';
import { sampleOpportunity } from './sample.js';

export interface DrainFigures {
  messages: number;
  instances: number;
  perSecond: number;
  /** Messages per second in each tenth of the backlog; the first one is the cold start. */
  perSecondByDecile: number[];
  /** Of the tenths after the cold start, the slowest against the median one. */
  slowestToMedian: number;
  /** Memory of the hungriest instance: median of its samples in each tenth. */
  rssMegabytesByDecile: number[];
  /** The last tenth against the median one: what grows with the backlog grows to the end. */
  rssGrowth: number;
  /** What each instance took of it. */
  shares: number[];
  /** Effects that did not happen exactly once. */
  doubled: number;
  missing: number;
}

/** Requests of this size keep the producer's memory small and the broker busy. */
const SEND = 500;
const SAMPLE_MS = 200;
const LIMIT_MS = 600_000;

/** Commands that piled up while the order side was away: it starts, alone or with a second instance, and drains them. */
export async function measureBacklog(ground: Ground, messages: number, instances: number): Promise<DrainFigures> {
  const name = `backlog-${instances}`;
  const { result } = await withPath(ground, { sides: ['ops'], instances: 0 }, async (path) => {
    ground.say(`backlog: writing ${messages} commands for ${instances} instance(s)`);
    await produce(ground, name, messages);
    ground.say('backlog: draining');
    await path.add('ops', instances);
    return drain(path, messages, instances);
  });
  return result;
}

async function produce(ground: Ground, run: string, count: number): Promise<void> {
  const { addresses } = ground;
  const codec = new Codec(registrySchemaIds({ url: addresses.registryUrl }));
  await codec.prepare(['CreateOrder']);
  const kafka = new Kafka({ brokers: addresses.kafkaBrokers, clientId: 'bench-backlog', logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  try {
    for (let from = 0; from < count; from += SEND) {
      const size = Math.min(SEND, count - from);
      const messages = Array.from({ length: size }, (_, offset) => toRecord(codec, run, from + offset));
      await producer.send({ topic: catalog.CreateOrder.topic, acks: -1, messages });
    }
  } finally {
    await producer.disconnect();
  }
}

/** As the orchestrator would have sent it, of a trace that nobody records. */
function toRecord(codec: Codec, run: string, index: number): Message {
  const { opportunityId, occurrence, account, currency, totalAmount, serviceStart, serviceEnd, lineItems } =
    sampleOpportunity(run, index);
  const orderId = canonicalId('bench', run, 'order', String(index));
  const traceId = orderId.replaceAll('-', '');
  return {
    key: orderId,
    value: codec.encode('CreateOrder', {
      orderId,
      opportunityId,
      occurrence,
      account,
      currency,
      totalAmount,
      lineItems,
      serviceStart,
      serviceEnd,
    }),
    headers: toHeaders({
      id: canonicalId('bench', run, 'message', String(index)),
      type: 'CreateOrder',
      source: 'orchestrator',
      subject: orderId,
      time: '2026-11-22T10:00:00.000Z',
      sequence: 1,
      correlationId: opportunityCorrelationId(opportunityId, occurrence),
      traceparent: `00-${traceId}-${traceId.slice(0, 16)}-00`,
    }),
  };
}

interface Sample {
  counts: number[];
  megabytes: number[];
}

async function drain(path: Path, messages: number, instances: number): Promise<DrainFigures> {
  const samples: Sample[] = [];
  for (const deadline = Date.now() + LIMIT_MS; ; await sleep(SAMPLE_MS)) {
    const counts = await path.effectCounts('ops', 'order');
    samples.push({ counts, megabytes: path.pids('ops').map(({ pid }) => rssMegabytes(pid)) });
    if (sum(counts) >= messages) break;
    if (Date.now() > deadline) throw new Error(`only ${sum(counts)} of ${messages} messages were handled`);
  }
  const [effects] = await path.query<{ rows: number; calls: number; seconds: number }>(
    'ops',
    `SELECT count(*)::int AS rows, sum(calls)::int AS calls,
            extract(epoch FROM max(committed_at) - min(committed_at))::float8 AS seconds
       FROM vendor_effect`,
  );
  const deciles = await path.query<{ seconds: number; rows: number }>(
    'ops',
    `SELECT count(*)::int AS rows,
            extract(epoch FROM max(committed_at) - min(previous))::float8 AS seconds
       FROM (SELECT committed_at, lag(committed_at, 1, committed_at) OVER (ORDER BY committed_at) AS previous,
                    ntile(10) OVER (ORDER BY committed_at) AS decile
               FROM vendor_effect) AS effect
      GROUP BY decile ORDER BY decile`,
  );
  const rates = deciles.map(({ rows, seconds }) => rows / seconds);
  const warm = rates.slice(1);
  const megabytes = rates.map((_, decile) =>
    hungriest(samples, (messages * decile) / 10, (messages * (decile + 1)) / 10),
  );
  return {
    messages,
    instances,
    perSecond: messages / effects!.seconds,
    perSecondByDecile: rates.map(Math.round),
    slowestToMedian: Math.min(...warm) / median(warm),
    rssMegabytesByDecile: megabytes.map(Math.round),
    rssGrowth: megabytes.at(-1)! / median(megabytes),
    shares: samples.at(-1)!.counts.map((count) => count / messages),
    doubled: effects!.calls - effects!.rows,
    missing: messages - effects!.rows,
  };
}

/** Median memory of the instance that needed most of it, while so much of the backlog was done. */
function hungriest(samples: Sample[], from: number, to: number): number {
  const during = samples.filter(({ counts }) => sum(counts) >= from && sum(counts) <= to);
  const instances = during[0]?.megabytes.keys() ?? [];
  return Math.max(...[...instances].map((index) => median(during.map(({ megabytes }) => megabytes[index]!))));
}

function sum(list: readonly number[]): number {
  return list.reduce((total, value) => total + value, 0);
}
