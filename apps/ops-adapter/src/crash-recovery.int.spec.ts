import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { MedusaClient, type MedusaOrder } from '@throughline/connectors/medusa';
import { Codec, fromHeaders, opportunityCorrelationId, type Messages, type MessageType } from '@throughline/contracts';
import { defineRoutes, Messaging, type OutgoingMessage } from '@throughline/messaging';
import { logger } from '@throughline/telemetry';
import type { Database } from '@throughline/postgres';
import {
  fixedSchemaIds,
  testDatabase,
  testTopics,
  until,
  type TestDatabase,
  type TestTopics,
} from '@throughline/testing';
import { migrations } from './migrations/index.js';
import { OrderPlaces } from './orders/order-place.js';
import { opsRoutes } from './routes.js';
import { FaultProxy } from './spec/fault-proxy.js';
import { deliver, newAccount, newDeal, newLine, startMedusa, type Deal } from './spec/ops-harness.js';

jest.setTimeout(120_000);

const TYPES: MessageType[] = ['CreateOrder', 'ProvisionOrder', 'FulfilOrderLine', 'OrderCreated', 'OrderProvisioned'];
const COMMANDS = ['CreateOrder', 'ProvisionOrder', 'FulfilOrderLine'] as const;
const OUTCOMES: MessageType[] = [
  'OrderRejected',
  'OrderProvisioningRejected',
  'OrderLineShipped',
  'OrderLineFulfilled',
  'OrderLineFulfilmentRejected',
];
const codec = new Codec(fixedSchemaIds());
const running: Messaging[] = [];
let topics: TestTopics;
let vendor: Awaited<ReturnType<typeof startMedusa>>;
let proxy: FaultProxy;
let auditor: MedusaClient;
let databases: TestDatabase[];
let ops: Database;
let orchestrator: Messaging;

beforeAll(async () => {
  [topics, vendor, databases] = await Promise.all([
    testTopics(TYPES),
    startMedusa(),
    Promise.all([testDatabase(migrations), testDatabase(migrations)]),
  ]);
  proxy = await FaultProxy.start(vendor.url);
  auditor = new MedusaClient({ baseUrl: vendor.url, apiKey: vendor.apiKey, timeoutMs: 20_000 });
  await codec.prepare([...TYPES, ...OUTCOMES]);
  ops = await databases[0]!.connect();
  const own = await databases[1]!.connect();
  const routes = defineRoutes({ group: `orchestrator-${topics.group}`, emits: [...COMMANDS] });
  orchestrator = new Messaging({ service: 'orchestrator', database: own, codec, kafka: topics.kafka, routes });
  await orchestrator.start();
});
afterEach(() => Promise.all(running.splice(0).map((instance) => instance.stop(5_000))));
afterAll(async () => {
  await orchestrator.stop(5_000);
  await proxy.stop();
  await Promise.all(databases.map((database) => database.drop()));
  await vendor.stop();
});

/** One more instance of ops-adapter, on the database that all of them share. */
async function startInstance(timeoutMs = 10_000): Promise<Messaging> {
  const medusa = new MedusaClient({ baseUrl: proxy.url, apiKey: vendor.apiKey, timeoutMs });
  const routes = opsRoutes({
    medusa,
    database: ops,
    places: new OrderPlaces(medusa, {}),
    storeId: 'store_spec',
    now: () => new Date(),
  });
  const instance = new Messaging({
    service: 'ops-adapter',
    database: ops,
    codec,
    kafka: topics.kafka,
    routes: { ...routes, group: topics.group },
    log: logger('spec', { level: process.env['SPEC_LOG'] ?? 'silent' }),
    limits: { aliveEveryMs: 200, aliveForMs: 1_000, workPollMs: 200, sessionTimeoutMs: 6_000 },
  });
  running.push(instance);
  await instance.start();
  return instance;
}

async function send(type: (typeof COMMANDS)[number], deals: Deal[]): Promise<void> {
  await orchestrator.transaction(async (tx) =>
    tx.emit(
      deals.map((deal): OutgoingMessage => {
        const { orderId, opportunityId, occurrence } = deal;
        const keys = { orderId, opportunityId, occurrence };
        const payload = { CreateOrder: deal, ProvisionOrder: keys, FulfilOrderLine: deliver(deal).payload }[type];
        return { type, payload, correlationId: opportunityCorrelationId(opportunityId, occurrence) } as OutgoingMessage;
      }),
    ),
  );
}

/** Events of these deals on Kafka, as a foreign consumer reads them. */
async function events<T extends MessageType>(type: T, deals: Deal[]): Promise<Messages[T][]> {
  const ids = new Set(deals.map((deal) => deal.orderId));
  const records = (await topics.read(type)).filter((it) => it.value && fromHeaders(it.headers as never).type === type);
  const payloads = await Promise.all(records.map((it) => codec.decode<T>(type, it.value!)));
  return payloads.filter((payload) => ids.has((payload as { orderId: string }).orderId));
}

async function answered<T extends MessageType>(type: T, deals: Deal[]): Promise<Messages[T][]> {
  return until(
    `${deals.length} x ${type}`,
    async () => {
      const found = await events(type, deals);
      return found.length >= deals.length ? found : undefined;
    },
    { timeoutMs: 90_000, everyMs: 250 },
  );
}

async function inMedusa(deal: Deal): Promise<{ orders: MedusaOrder[]; drafts: number }> {
  const customerId = await auditor.findCustomer(deal.account.billingEmail!);
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const found = customerId ? await auditor.findByReference(deal.orderId, customerId, since) : [];
  const orders = found.filter((it): it is MedusaOrder => 'isDraft' in it);
  return { orders, drafts: found.length - orders.length };
}

describe('two instances', () => {
  it('make one customer, one product and one order each for deals of one new account at once', async () => {
    proxy.spoil(() => undefined);
    await Promise.all([startInstance(), startInstance()]);
    const account = newAccount();
    const line = newLine('1250.5000');
    const deals = Array.from({ length: 8 }, () => newDeal({ account, lineItems: [line] }));
    await send('CreateOrder', deals);
    const created = await answered('OrderCreated', deals);
    expect(new Set(created.map((it) => it.orderNumber)).size).toBe(deals.length);
    const posts = (path: string) => proxy.calls.filter((it) => it.method === 'POST' && it.path === path).length;
    expect([posts('/admin/customers'), posts('/admin/products')]).toEqual([1, 1]);
    for (const deal of deals)
      expect(await inMedusa(deal)).toMatchObject({ orders: [{ totalAmount: '1250.5000' }], drafts: 0 });
  });

  it.each([
    ['the customer', '/admin/customers'],
    ['the product', '/admin/products'],
    ['the draft', '/admin/draft-orders'],
    ['the order', '/convert-to-order'],
    ['the fulfilment', '/fulfillments'],
  ])('take over from one that was stopped after %s was made and before it knew', async (_, path) => {
    let once = true;
    proxy.spoil((call) =>
      once && call.method === 'POST' && call.path.endsWith(path) ? ((once = false), 'apply-then-hang') : undefined,
    );
    const first = await startInstance();
    const deal = newDeal();
    const applied = proxy.hangs();
    await send('CreateOrder', [deal]);
    await send('ProvisionOrder', [deal]);
    await applied;
    await first.stop(2_500);
    await startInstance();
    expect(await answered('OrderProvisioned', [deal])).toHaveLength(1);
    expect(await events('OrderCreated', [deal])).toHaveLength(1);
    const { orders, drafts } = await inMedusa(deal);
    expect(orders).toMatchObject([{ totalAmount: deal.totalAmount, fulfilment: 'fulfilled' }]);
    expect(orders[0]!.fulfilments.filter((it) => !it.cancelledAt)).toHaveLength(1);
    expect(drafts).toBe(0);
  });

  it.each([
    ['what is in stock was packed', '/fulfillments'],
    ['it was shipped', '/shipments'],
  ])('ship once where one was stopped after %s and before it knew', async (_, path) => {
    const line = newLine('10.0000', { quantity: '2.0000', amount: '20.0000' });
    const deal = newDeal({ totalAmount: '20.0000', lineItems: [line] });
    const body = JSON.stringify({ quantity: 2 });
    const headers = { 'content-type': 'application/json' };
    await fetch(new URL(`/sandbox/stock/${line.sku}`, vendor.url), { method: 'PUT', headers, body });
    let once = true;
    proxy.spoil((call) =>
      once && call.method === 'POST' && call.path.endsWith(path) ? ((once = false), 'apply-then-hang') : undefined,
    );
    const first = await startInstance();
    const applied = proxy.hangs();
    for (const type of COMMANDS) await send(type, [deal]);
    await applied;
    await first.stop(2_500);
    await startInstance();
    expect(await answered('OrderLineFulfilled', [deal])).toMatchObject([{ lineItemId: '1', quantity: '2.0000' }]);
    expect(await events('OrderLineShipped', [deal])).toMatchObject([
      { quantity: '2.0000', outstandingQuantity: '0.0000' },
    ]);
    const [order] = (await inMedusa(deal)).orders;
    expect(order!.fulfilments).toMatchObject([{ shippedAt: expect.any(String), items: [{ quantity: 2 }] }]);
  });
});
