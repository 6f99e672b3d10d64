/**
 * The same path without our runtime: a bare loop of the same codec, SQL and broker calls, hand-written for this one case. No
 * relay, no retries, no leases, no routing, no tracing, nothing that survives a crash in order. It shows what the runtime costs.
 * Run as `node dist/bare.js <side>`; the parent talks to it over its IPC channel.
 */
import {
  canonicalId,
  catalog,
  Codec,
  opportunityCorrelationId,
  registrySchemaIds,
  toHeaders,
  type MessageType,
  type Messages,
} from '@throughline/contracts';
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type EachBatchPayload, type Producer } from 'kafkajs';
import pg from 'pg';
import { sampleOpportunity } from './sample.js';

type Any = { type: MessageType; payload: Record<string, unknown>; correlationId: string; causationId?: string };

const side = process.argv[2] as 'revenue' | 'ops' | 'finance' | 'orchestrator';
const config = JSON.parse(process.env['BARE'] ?? '{}') as {
  brokers: string[];
  registryUrl: string;
  databaseUrl: string;
  prefix: string;
};
const EFFECTS_AT_ONCE = 8;
const PER_TRANSACTION = 100;
const NOW = '2026-11-22T10:00:00.000Z';

const pool = new pg.Pool({ connectionString: config.databaseUrl, max: 10, connectionTimeoutMillis: 5_000 });
const codec = new Codec(registrySchemaIds({ url: config.registryUrl }));
const kafka = new Kafka({ brokers: config.brokers, clientId: `bare-${side}`, logLevel: logLevel.ERROR });
const producer: Producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });

/** Rows that are acknowledged and leave with the next transaction. */
let acknowledged: string[] = [];

async function commit(
  inbound: { id: string }[],
  outbound: Any[],
  more: (client: pg.PoolClient, fresh: Set<string>) => Promise<void>,
): Promise<void> {
  const client = await pool.connect();
  const leaving = acknowledged;
  acknowledged = [];
  let rows: { id: string }[] = [];
  const ids = outbound.map(() => randomUUID());
  const keys = outbound.map(({ type, payload }) => String(payload[catalog[type].keyField]));
  const bodies = outbound.map(({ type, payload }) => codec.encode(type, payload as never));
  try {
    await client.query('BEGIN');
    let fresh = new Set<string>();
    if (inbound.length > 0) {
      const inserted = await client.query<{ message_id: string }>({
        name: 'bare-inbox',
        text: `INSERT INTO inbox (consumer, message_id) SELECT 'bare', unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING message_id`,
        values: [inbound.map(({ id }) => id)],
      });
      fresh = new Set(inserted.rows.map((row) => row.message_id));
    }
    await more(client, fresh);
    if (outbound.length > 0) {
      await client.query({
        name: 'bare-outbox-key',
        text: `INSERT INTO outbox_key (key, sequence, writer) SELECT key, 1, 'bare' FROM (SELECT DISTINCT unnest($1::text[]) AS key ORDER BY 1) AS k
               ON CONFLICT (key) DO UPDATE SET sequence = outbox_key.sequence + 1`,
        values: [keys],
      });
      ({ rows } = await client.query<{ id: string }>({
        name: 'bare-outbox',
        text: `INSERT INTO outbox (message_id, topic, key, type, sequence, time, correlation_id, value)
               SELECT m, t, k, y, 1, now(), c, v FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[]) AS r (m, t, k, y, c, v) RETURNING id`,
        values: [
          ids,
          outbound.map(({ type }) => catalog[type].topic),
          keys,
          outbound.map(({ type }) => type),
          outbound.map(({ correlationId }) => correlationId),
          bodies,
        ],
      }));
    }
    if (leaving.length > 0)
      await client.query({
        name: 'bare-leave',
        text: 'DELETE FROM outbox WHERE id = ANY($1::bigint[])',
        values: [leaving],
      });
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  if (outbound.length === 0) return;
  const byTopic = new Map<string, { key: string; value: Buffer; headers: Record<string, string> }[]>();
  for (const [index, { type, correlationId, causationId }] of outbound.entries()) {
    const topic = config.prefix + catalog[type].topic;
    const headers = toHeaders({
      id: ids[index]!,
      type,
      source: side,
      subject: keys[index]!,
      time: NOW,
      sequence: 1,
      correlationId,
      ...(causationId && { causationId }),
    });
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), { key: keys[index]!, value: bodies[index]!, headers }]);
  }
  await producer.sendBatch({ acks: -1, topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })) });
  acknowledged.push(...rows.map(({ id }) => id));
}

interface Inbound {
  id: string;
  type: MessageType;
  correlationId: string;
  payload: Record<string, unknown>;
}

const typeBySubject = new Map(Object.values(catalog).map((entry) => [entry.subject, entry.type]));

async function read({ batch }: EachBatchPayload): Promise<Inbound[]> {
  return Promise.all(
    batch.messages.map(async ({ headers, value }) => {
      const type = typeBySubject.get(String(headers?.['ce_type']))!;
      const payload = (codec.decodeNow(type, value!) ?? (await codec.decode(type, value!))) as unknown as Record<
        string,
        unknown
      >;
      return { id: String(headers?.['ce_id']), type, correlationId: String(headers?.['ce_correlationid']), payload };
    }),
  );
}

/** Effects with a commit of their own, a few at once. */
async function effects(inbound: Inbound[]): Promise<void> {
  const queue = [...inbound];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      await pool.query({
        name: 'bare-effect',
        text: `INSERT INTO vendor_effect (idempotency_key, correlation_id, kind, committed_at) VALUES ($1, $2, $3, clock_timestamp()) ON CONFLICT (idempotency_key) DO NOTHING`,
        values: [
          `${next.id}:effect`,
          next.correlationId,
          next.type === 'RecordRevenueSchedule' ? 'schedule' : next.type,
        ],
      });
    }
  };
  await Promise.all(Array.from({ length: EFFECTS_AT_ONCE }, worker));
}

function resultOf({ type, payload, correlationId, id }: Inbound): Any {
  const { orderId, opportunityId, occurrence, currency, totalAmount, invoiceId } =
    payload as unknown as Messages['IssueInvoice'];
  const base = { orderId, opportunityId, occurrence, externalIds: [] };
  const reply = (resultType: MessageType, result: object): Any => ({
    type: resultType,
    payload: result as Record<string, unknown>,
    correlationId,
    causationId: id,
  });
  switch (type) {
    case 'CreateOrder':
      return reply('OrderCreated', {
        ...base,
        currency,
        totalAmount,
        orderNumber: orderId.slice(0, 8),
        createdAt: NOW,
      });
    case 'ProvisionOrder':
      return reply('OrderProvisioned', { ...base, provisionedAt: NOW });
    case 'IssueInvoice':
      return reply('InvoiceIssued', {
        ...base,
        currency,
        totalAmount,
        invoiceId,
        invoiceNumber: invoiceId.slice(0, 8),
        issuedAt: NOW,
      });
    default:
      return reply('RevenueScheduleRecorded', { ...payload, entryCount: 12, recordedAt: NOW, externalIds: [] });
  }
}

async function adapterBatch(payload: EachBatchPayload): Promise<void> {
  const inbound = await read(payload);
  let workIds: string[] = [];
  await commit(inbound, [], async (client) => {
    const { rows } = await client.query<{ id: string }>({
      name: 'bare-work',
      text: `INSERT INTO work (queue, key, kind, type, message_id, value) SELECT 'bare', c, 'effect', t, m, v
             FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[]) AS r (c, t, m, v) RETURNING id`,
      values: [
        inbound.map((m) => m.correlationId),
        inbound.map((m) => m.type),
        inbound.map((m) => m.id),
        payload.batch.messages.map(({ value }) => value),
      ],
    });
    workIds = rows.map(({ id }) => id);
  });
  await effects(inbound);
  await commit([], inbound.map(resultOf), async (client) => {
    await client.query({
      name: 'bare-work-done',
      text: 'DELETE FROM work WHERE id = ANY($1::bigint[])',
      values: [workIds],
    });
  });
}

const states = new Map<string, Record<string, unknown>>();

function decide(message: Inbound): Any[] {
  const { type, payload, correlationId, id } = message;
  const state = { ...states.get(correlationId), ...payload, [type]: true } as Record<string, unknown>;
  states.set(correlationId, state);
  const command = (commandType: MessageType, fields: object = {}): Any => {
    const all = { ...state, ...fields } as Record<string, unknown>;
    return {
      type: commandType,
      payload: Object.fromEntries(catalog[commandType].fields.map((field) => [field, all[field]])),
      correlationId,
      causationId: id,
    };
  };
  const assign = (field: string) => ({ [field]: canonicalId(correlationId, field) });
  switch (type) {
    case 'OpportunityClosedWon':
      return [command('CreateOrder', assign('orderId'))];
    case 'OrderCreated':
      return [command('ProvisionOrder'), command('IssueInvoice', assign('invoiceId'))];
    case 'OrderProvisioned':
    case 'InvoiceIssued':
      return state['OrderProvisioned'] && state['InvoiceIssued']
        ? [command('RecordRevenueSchedule', assign('scheduleId'))]
        : [];
    default:
      return [];
  }
}

async function orchestratorBatch(payload: EachBatchPayload): Promise<void> {
  const inbound = await read(payload);
  const outbound = inbound.flatMap(decide);
  await commit(inbound, outbound, async (client) => {
    const ids = [...new Set(inbound.map(({ correlationId }) => correlationId))].sort();
    await client.query({
      name: 'bare-lock',
      text: 'SELECT id FROM bare_instance WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE',
      values: [ids],
    });
    await client.query({
      name: 'bare-instance',
      text: `INSERT INTO bare_instance (id, state) SELECT * FROM unnest($1::uuid[], $2::jsonb[]) ON CONFLICT (id) DO UPDATE SET state = excluded.state`,
      values: [ids, ids.map((id) => JSON.stringify(states.get(id)))],
    });
  });
}

async function emit(run: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += PER_TRANSACTION) {
    const opportunities = Array.from({ length: Math.min(PER_TRANSACTION, count - index) }, (_, offset) =>
      sampleOpportunity(run, index + offset),
    );
    const outbound = opportunities.map((payload): Any => ({
      type: 'OpportunityClosedWon',
      payload: payload as unknown as Record<string, unknown>,
      correlationId: opportunityCorrelationId(payload.opportunityId, 1),
    }));
    await commit([], outbound, () => Promise.resolve());
  }
}

const TOPICS = {
  revenue: [],
  orchestrator: ['OpportunityClosedWon', 'OrderCreated', 'InvoiceIssued', 'RevenueScheduleRecorded'],
  ops: ['CreateOrder'],
  finance: ['IssueInvoice', 'RecordRevenueSchedule'],
} satisfies Record<typeof side, MessageType[]>;

await codec.prepare(Object.keys(catalog) as MessageType[]);
await producer.connect();
const topics = (TOPICS[side] as MessageType[]).map((type) => config.prefix + catalog[type].topic);
const consumer = topics.length > 0 ? kafka.consumer({ groupId: `bare-${side}-${config.prefix}` }) : undefined;
if (consumer) {
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const handle = side === 'orchestrator' ? orchestratorBatch : adapterBatch;
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  await consumer.run({ eachBatch: handle, partitionsConsumedConcurrently: 6, autoCommitInterval: 1_000 });
  await joined;
}
process.on(
  'message',
  (message: { emit: { run: string; count: number } }) => void emit(message.emit.run, message.emit.count),
);
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
