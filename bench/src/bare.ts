/**
 * The same path without our runtime: a bare loop of the same SQL, codec and broker calls, hand-written for this one case, batched
 * from the start. No retries, no leases that anybody looks at, no bisection, no routing, no relay that could be followed by another,
 * no tracing, nothing that survives a crash in order. It shows what the runtime costs.
 * Run as `node dist/bare.js <side>`; the parent talks to it over its IPC channel.
 */
import {
  canonicalId,
  catalog,
  Codec,
  fromHeaders,
  newMessageId,
  opportunityCorrelationId,
  registrySchemaIds,
  toHeaders,
  type Envelope,
  type MessageType,
} from '@throughline/contracts';
import { Database, type Tx } from '@throughline/postgres';
import { compileDefinition, parseDefinition, type ProcessEvent } from '@throughline/process';
import { ProcessRunner } from '@throughline/process/postgres';
import { logger } from '@throughline/telemetry';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import { parse } from 'yaml';
import { loadParts } from './bare-parts.js';
import { atPace } from './pace.js';
import type { Stamp } from './path.js';
import { sampleOpportunity } from './sample.js';
import { insertEffect, type EffectKind } from './vendor.js';

const SIDES = {
  revenue: [],
  ops: ['CreateOrder', 'ProvisionOrder'],
  finance: ['IssueInvoice', 'RecordRevenueSchedule'],
  orchestrator: [
    'OpportunityClosedWon',
    'OrderCreated',
    'OrderProvisioned',
    'InvoiceIssued',
    'RevenueScheduleRecorded',
  ],
} satisfies Record<string, MessageType[]>;

interface Inbound {
  envelope: Envelope;
  payload: Record<string, unknown>;
  key: string;
  record: KafkaMessage;
  topic: string;
  partition: number;
}
interface Outbound {
  type: MessageType;
  payload: Record<string, unknown>;
  correlationId: string;
  causationId?: string;
}
/** What the parent asks for: deals to close, at a pace or as fast as it goes. */
export interface Closing {
  run: string;
  count: number;
  perSecond?: number | undefined;
}
interface Stored extends Outbound {
  id: string;
  messageId: string;
  sequence: string;
  key: string;
  value: Buffer;
}

const side = process.argv[2] as keyof typeof SIDES;
const config = JSON.parse(process.env['BARE']!) as {
  brokers: string[];
  registryUrl: string;
  databaseUrl: string;
  prefix: string;
};

/** As shipped: rows of a transaction, rows of a send, effects at once. */
const BATCH = 500;
const SEND_ROWS = 1_000;
const EFFECTS_AT_ONCE = 32;
const PER_TRANSACTION = 100;
const QUEUE = 'bench-vendor';
const LEASE_MS = 45_000;
const CONSUMER = `bare-${side}`;
const NOW = '2026-11-22T10:00:00.000Z';

const parts = await loadParts();
const database = await Database.connect({ url: config.databaseUrl, applicationName: `bare-${side}` });
const codec = new Codec(registrySchemaIds({ url: config.registryUrl }));
const kafka = parts.kafkaClient(
  { brokers: config.brokers, clientId: `bare-${side}` },
  logger(`bare-${side}`, { level: 'warn' }),
);
const publisher = parts.kafkaPublisher(kafka);

/** Nothing is tried again here: a loop that failed would only be waited for. */
function giveUp(error: unknown): never {
  process.stderr.write(`the bare loop of ${side} failed: ${String((error as Error | null)?.stack ?? error)}\n`);
  process.exit(1);
}

/** One flush at a time; what arrives meanwhile goes into the next. */
function gather<T>(flush: (items: T[]) => Promise<void>, atMost: number): (items: T[]) => Promise<void> {
  let waiting: T[] = [];
  let next: Promise<void> | undefined;
  let running = Promise.resolve();
  return (items) => {
    waiting.push(...items);
    next ??= running = running
      .then(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        next = undefined;
        const all = waiting;
        waiting = [];
        for (let from = 0; from < all.length; from += atMost) await flush(all.slice(from, from + atMost));
      })
      .catch(giveUp);
    return next;
  };
}

let acknowledged: string[] = [];

const publish = gather<Stored>(async (rows) => {
  const byTopic = Map.groupBy(rows, ({ type }) => config.prefix + catalog[type].topic);
  const topicMessages = [...byTopic].map(([topic, group]) => ({
    topic,
    messages: group.map(({ type, key, value, messageId, sequence, correlationId, causationId }) => ({
      key,
      value,
      headers: toHeaders({
        id: messageId,
        type,
        source: side,
        subject: key,
        time: NOW,
        sequence: Number(sequence),
        correlationId,
        ...(causationId && { causationId }),
      }),
    })),
  }));
  await publisher.send(topicMessages);
  acknowledged.push(...rows.map(({ id }) => id));
}, SEND_ROWS);

/** One transaction with what it sends; publishing goes on by itself, as the relay does. */
async function commit(fn: (tx: Tx) => Promise<Outbound[]>): Promise<void> {
  const leaving = acknowledged;
  acknowledged = [];
  const stored = await database.transaction(async (tx) => {
    const outbound = (await fn(tx)).map((message) => ({
      ...message,
      messageId: newMessageId(Date.now()),
      key: String(message.payload[catalog[message.type].keyField]),
      value: codec.encode(message.type, message.payload as never),
    }));
    if (leaving.length > 0) void tx.query(parts.deleteOutbox, [leaving]);
    if (outbound.length === 0) return [];
    const rows = tx.query<{ id: string; message_id: string; sequence: string }>(parts.insertOutbox, [
      CONSUMER,
      outbound.map(({ messageId }) => messageId),
      outbound.map(({ type }) => config.prefix + catalog[type].topic),
      outbound.map(({ key }) => key),
      outbound.map(({ type }) => type),
      outbound.map(() => NOW),
      outbound.map(({ correlationId }) => correlationId),
      outbound.map(({ causationId }) => causationId ?? null),
      outbound.map(() => null),
      outbound.map(({ value }) => value),
    ]);
    return [{ outbound, rows }];
  });
  for (const { outbound, rows } of stored) {
    const byId = new Map((await rows).map((row) => [row.message_id, row]));
    void publish(
      outbound.map((message) => {
        const { id, sequence } = byId.get(message.messageId)!;
        return { ...message, id, sequence };
      }),
    );
  }
}

interface Effect {
  inbound: Inbound;
  workId: string;
  lease: string;
}

const effects: Effect[] = [];
let running = 0;
/** Schedules still to be recorded before the parent is told, and those that have been. */
let watched = 0;
let recorded: Stamp[] = [];

const storeCommands = gather<Inbound>(async (inbound) => {
  const lease = randomUUID();
  const work = inbound.map(({ envelope, key, record, topic, partition }) => ({
    queue: QUEUE,
    key,
    kind: 'effect',
    type: envelope.type,
    messageId: envelope.id,
    topic,
    partition,
    offset: record.offset,
    headers: Object.fromEntries(Object.entries(record.headers ?? {}).map(([name, value]) => [name, String(value)])),
    value: record.value,
    recordKey: null,
    job: null,
    traceparent: null,
    attempts: 0,
    lastError: null,
    delayMs: 0,
    consumer: CONSUMER,
  }));
  let rows: { id: string; message_id: string }[] = [];
  await commit(async (tx) => {
    rows = await tx.query(parts.insertWork, [
      lease,
      CONSUMER,
      CONSUMER,
      ...parts.workColumns(work, () => LEASE_MS),
      null,
    ]);
    return [];
  });
  const workIds = new Map(rows.map(({ id, message_id }) => [message_id, id]));
  effects.push(...inbound.map((each) => ({ inbound: each, workId: workIds.get(each.envelope.id)!, lease })));
  for (; running < EFFECTS_AT_ONCE && effects.length > 0; running += 1) void workOff();
}, BATCH);

async function workOff(): Promise<void> {
  for (let effect = effects.shift(); effect; effect = effects.shift()) {
    const { envelope } = effect.inbound;
    const kind = KINDS[envelope.type as keyof typeof KINDS];
    await database.query(insertEffect, [`${envelope.id}:${kind}`, envelope.correlationId, kind]);
    if (kind === 'schedule') recorded.push(stamp(envelope.correlationId));
    if (kind === 'schedule' && --watched === 0) process.send!(recorded);
    void settle([effect]);
  }
  running -= 1;
}

const settle = gather<Effect>(async (done) => {
  const keys = done.map(({ inbound }) => inbound.key);
  const queues = keys.map(() => QUEUE);
  await commit(async (tx) => {
    await tx.query(parts.lockLeasedKeys, [queues, keys, done.map(({ lease }) => lease)]);
    void tx.query(parts.deleteWork, [done.map(({ workId }) => workId)]);
    void tx.query(parts.deleteKeys, [queues, keys]);
    return done.map(({ inbound }) => answerTo(inbound));
  });
}, BATCH);

const KINDS = {
  CreateOrder: 'order',
  ProvisionOrder: 'fulfilment',
  IssueInvoice: 'invoice',
  RecordRevenueSchedule: 'schedule',
} satisfies Partial<Record<MessageType, EffectKind>>;

function answerTo({ envelope: { type, correlationId, id }, payload }: Inbound): Outbound {
  const { orderId, opportunityId, occurrence, currency, totalAmount, invoiceId } = payload;
  const base = { orderId, opportunityId, occurrence, externalIds: [] };
  const answer = (resultType: MessageType, result: Record<string, unknown>): Outbound => ({
    type: resultType,
    payload: result,
    correlationId,
    causationId: id,
  });
  switch (type) {
    case 'CreateOrder':
      return answer('OrderCreated', {
        ...base,
        currency,
        totalAmount,
        orderNumber: String(orderId).slice(0, 8),
        createdAt: NOW,
      });
    case 'ProvisionOrder':
      return answer('OrderProvisioned', { ...base, provisionedAt: NOW });
    case 'IssueInvoice':
      return answer('InvoiceIssued', {
        ...base,
        currency,
        totalAmount,
        invoiceId,
        invoiceNumber: String(invoiceId).slice(0, 8),
        issuedAt: NOW,
      });
    default:
      return answer('RevenueScheduleRecorded', { ...payload, entryCount: 12, recordedAt: NOW, externalIds: [] });
  }
}

/** The engine and its SQL are what the path is for, not the runtime: they are the product's own. */
const runner = new ProcessRunner(
  [
    compileDefinition(
      parseDefinition(parse(readFileSync(new URL('../processes/four-steps.yaml', import.meta.url), 'utf8'))),
      { messages: catalog, assignId: (correlationId, field) => canonicalId(correlationId, field) },
    ),
  ],
  () => {
    throw new Error('the bare loop knows one definition');
  },
);

const decideEvents = gather<Inbound>(async (inbound) => {
  let committed: (() => void) | undefined;
  await commit(async (tx) => {
    const ids = inbound.map(({ envelope }) => envelope.id).sort();
    await Promise.all([
      tx.query(parts.insertInbox, [CONSUMER, ids, null]),
      tx.query(parts.lockParkedKeys, [inbound.map(({ key }) => key)]),
    ]);
    const events = inbound.map(({ envelope: { id, type, source, time, correlationId }, payload }): ProcessEvent => ({
      messageId: id,
      type,
      payload,
      source,
      time,
      correlationId,
    }));
    let commands: Outbound[] = [];
    const result = await runner.runBatch(tx, events, new Date(), (emitted) => (commands = emitted as Outbound[]));
    committed = result.committed;
    return commands;
  });
  committed?.();
}, BATCH);

async function eachBatch({ batch: { topic, partition, messages } }: EachBatchPayload): Promise<void> {
  const wanted = SIDES[side] as MessageType[];
  const inbound: Inbound[] = [];
  for (const record of messages) {
    const envelope = fromHeaders(record.headers);
    if (!wanted.includes(envelope.type)) continue;
    const payload = codec.decodeNow(envelope.type, record.value!) ?? (await codec.decode(envelope.type, record.value!));
    inbound.push({
      envelope,
      payload: payload as unknown as Record<string, unknown>,
      key: String(record.key),
      record,
      topic,
      partition,
    });
  }
  if (inbound.length > 0) await (side === 'orchestrator' ? decideEvents : storeCommands)(inbound);
}

/** As fast as the outbox takes them, or at a steady pace, one transaction each; tells the parent when each was committed. */
async function close({ run, count, perSecond }: Closing): Promise<void> {
  const commits: Stamp[] = [];
  const closeSome = async (from: number, size: number): Promise<void> => {
    const outbound = Array.from({ length: size }, (_, offset): Outbound => {
      const payload = sampleOpportunity(run, from + offset);
      return {
        type: 'OpportunityClosedWon',
        payload: payload as unknown as Record<string, unknown>,
        correlationId: opportunityCorrelationId(payload.opportunityId, 1),
      };
    });
    await commit(() => Promise.resolve(outbound));
    commits.push(...outbound.map(({ correlationId }) => stamp(correlationId)));
  };
  if (perSecond) await atPace(count, perSecond, (index) => closeSome(index, 1));
  else
    for (let from = 0; from < count; from += PER_TRANSACTION)
      await closeSome(from, Math.min(PER_TRANSACTION, count - from));
  process.send!(commits);
}

function stamp(correlationId: string): Stamp {
  return { correlationId, atMs: performance.timeOrigin + performance.now() };
}

await codec.prepare(Object.keys(catalog) as MessageType[]);
if (side === 'orchestrator') await runner.storeDefinitions(database);
const topics = [...new Set(SIDES[side].map((type) => config.prefix + catalog[type].topic))];
if (topics.length > 0) {
  const consumer = kafka.consumer({
    groupId: `${config.prefix}${side}`,
    minBytes: 1,
    maxWaitTimeInMs: 1_000,
    maxBytesPerPartition: 1_048_576,
  });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  consumer.on(consumer.events.CRASH, ({ payload }) => giveUp(payload.error));
  await consumer.run({ eachBatch, partitionsConsumedConcurrently: 256, autoCommitInterval: 1_000 });
  await joined;
}
process.on('message', (message: { close?: Closing; watch?: number }) => {
  if (message.watch) [watched, recorded] = [message.watch, []];
  if (message.close) void close(message.close).catch(giveUp);
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
