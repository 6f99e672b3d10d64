import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  catalog,
  Codec,
  fromHeaders,
  sumMoney,
  toHeaders,
  type Envelope,
  type Messages,
  type MessageType,
} from '@throughline/contracts';
import { choosePort } from '@throughline/local-stack';
import { Messaging, type Routes } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, MESSAGING, ROUTES } from '@throughline/service';
import { logger } from '@throughline/telemetry';
import {
  fixedSchemaIds,
  startSandbox,
  testDatabase,
  testTopics,
  until,
  type RunningSandbox,
  type TestDatabase,
  type TestTopics,
} from '@throughline/testing';
import { createHmac, randomUUID } from 'node:crypto';
import { Stripe } from 'stripe';
import { z } from 'zod';
import { configShape } from './config.js';
import { FinanceModule } from './finance.module.js';
import { migrations } from './migrations/index.js';

jest.setTimeout(120_000);

const LOG_LEVEL = process.env['SPEC_LOG'] ?? 'silent';

@Module({})
class SpecModule {}

const codec = new Codec(fixedSchemaIds());
let test: TestDatabase;
let database: Database;
let topics: TestTopics;
let sandbox: RunningSandbox;
let sdk: Stripe;
const instances: { app: NestExpressApplication; messaging: Messaging }[] = [];
let url: string;

/** One instance as `startService` puts it together, on topics and a group of this spec's own. */
async function startInstance(port: number): Promise<void> {
  const config = z.object(configShape).parse({
    PORT: '0',
    DATABASE_URL: test.url,
    KAFKA_BROKERS: topics.kafka.brokers.join(','),
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
    STRIPE_BASE_URL: sandbox.url,
    STRIPE_SECRET_KEY: 'sk_test_spec',
    STRIPE_WEBHOOK_SECRET: 'whsec_spec',
    STRIPE_ACCOUNT_ID: 'acct_spec',
    STRIPE_TIMEOUT_MS: '2000',
    LOG_LEVEL,
    STRIPE_SWEEP_INTERVAL_MS: '500',
  });
  const messaging = {
    provide: MESSAGING,
    inject: [ROUTES],
    useFactory: (routes: Routes) =>
      new Messaging({
        service: 'finance-adapter',
        database,
        codec,
        kafka: topics.kafka,
        routes: { ...routes, group: topics.group },
        log: logger('spec', { level: LOG_LEVEL }),
      }),
  };
  const root = {
    module: SpecModule,
    global: true,
    imports: [{ module: FinanceModule, global: true, exports: [ROUTES] }],
    providers: [{ provide: DATABASE, useValue: database }, { provide: CONFIG, useValue: config }, messaging],
    exports: [DATABASE, CONFIG, MESSAGING],
  };
  const app = await NestFactory.create<NestExpressApplication>(root, { rawBody: true, logger: ['error'] });
  await app.listen(port, '127.0.0.1');
  const instance = { app, messaging: app.get<Messaging>(MESSAGING) };
  instances.push(instance);
  await instance.messaging.start();
}

beforeAll(async () => {
  await codec.prepare(Object.keys(catalog) as MessageType[]);
  [test, topics] = await Promise.all([
    testDatabase(migrations),
    testTopics([
      'IssueInvoice',
      'InvoiceIssued',
      'PaymentReceived',
      'RecordRevenueSchedule',
      'RevenueScheduleRecorded',
    ]),
  ]);
  database = await test.connect({ poolSize: 20 });
  const port = await choosePort();
  url = `http://127.0.0.1:${port}`;
  sandbox = await startSandbox({ STRIPE_WEBHOOK_URLS: `${url}/webhooks/stripe` });
  await startInstance(port);
  await startInstance(0);
  const { hostname: host, port: stripePort } = new URL(sandbox.url);
  sdk = new Stripe(sandbox.secrets.STRIPE_SECRET_KEY, {
    host,
    port: stripePort,
    protocol: 'http',
    maxNetworkRetries: 0,
  });
  await until('an instance in its group', () => instances.some(({ messaging }) => messaging.health().ready));
});
afterAll(async () => {
  for (const { app, messaging } of instances) {
    await app.close();
    await messaging.stop(3_000);
  }
  await sandbox?.stop();
  await test?.drop();
});

/** Sends commands as the orchestrator does. @returns their envelopes. */
async function send<T extends MessageType>(type: T, ...payloads: Messages[T][]): Promise<Envelope[]> {
  const envelopes = payloads.map((payload, index): Envelope => {
    const subject = String((payload as unknown as Record<string, unknown>)[catalog[type].keyField]);
    return {
      id: randomUUID(),
      type,
      source: 'spec',
      subject,
      time: new Date().toISOString(),
      sequence: index + 1,
      correlationId: randomUUID(),
    };
  });
  await topics.produce(
    type,
    envelopes.map((envelope, index) => ({
      key: envelope.subject,
      value: codec.encode(type, payloads[index]!),
      headers: toHeaders(envelope),
    })),
  );
  return envelopes;
}

/** The events of one type that came from these commands or belong to these correlations. */
async function events<T extends MessageType>(type: T, belongs: (envelope: Envelope) => boolean, count = 1) {
  return until(
    `${count} ${type}`,
    async () => {
      const found: { payload: Messages[T]; envelope: Envelope }[] = [];
      for (const { headers, value } of await topics.read(type)) {
        const envelope = fromHeaders(headers);
        if (envelope.type === type && belongs(envelope))
          found.push({ envelope, payload: await codec.decode(type, value!) });
      }
      return found.length >= count ? found : undefined;
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
}
const causedBy =
  (...commands: Envelope[]) =>
  (envelope: Envelope) =>
    commands.some(({ id }) => envelope.causationId === id);

function invoice(over: Partial<Messages['IssueInvoice']> = {}): Messages['IssueInvoice'] {
  const accountId = randomUUID();
  return {
    invoiceId: randomUUID(),
    orderId: randomUUID(),
    orderNumber: '1042',
    opportunityId: randomUUID(),
    occurrence: 1,
    account: {
      accountId,
      name: 'Northwind',
      domain: null,
      billingEmail: `${accountId}@northwind.example`,
      country: 'US',
      externalIds: [],
    },
    currency: 'USD',
    totalAmount: '1250.5000',
    lineItems: [
      {
        lineItemId: '1',
        productId: randomUUID(),
        sku: 'SKU',
        name: 'Platform',
        quantity: '1.0000',
        unitAmount: '1250.5000',
        amount: '1250.5000',
      },
    ],
    ...over,
  };
}
const get = async (path: string): Promise<{ status: number; body: ReturnType<JSON['parse']> }> => {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.json() };
};
const deadLetters = async () => (await database.pool.query('SELECT type, error_code FROM dead_letter')).rows;

describe('finance-adapter, two instances', () => {
  it('takes a deal from its invoice to its payment and back', async () => {
    const command = invoice();
    const { invoiceId, orderId, opportunityId } = command;
    const [issue] = await send('IssueInvoice', command);
    const [issued] = await events('InvoiceIssued', causedBy(issue!));
    expect(issued).toMatchObject({
      envelope: { subject: invoiceId, source: 'finance-adapter', correlationId: issue!.correlationId },
      payload: { totalAmount: '1250.5000' },
    });

    const scheduleId = randomUUID();
    const [record] = await send('RecordRevenueSchedule', {
      scheduleId,
      orderId,
      invoiceId,
      opportunityId,
      occurrence: 1,
      currency: 'USD',
      totalAmount: '1250.5000',
      serviceStart: '2028-01-15',
      serviceEnd: '2028-12-31',
    });
    await events('RevenueScheduleRecorded', causedBy(record!));
    expect((await get(`/v1/revenue-schedules?orderId=${orderId}`)).body).toMatchObject({
      data: [{ scheduleId, entryCount: 12 }],
      nextCursor: null,
    });
    expect((await get(`/v1/revenue-schedules/${scheduleId}`)).body.entries).toHaveLength(12);

    const stripeId = issued!.payload.externalIds[0]!.id;
    await sdk.invoices.pay(stripeId, { paid_out_of_band: true });
    const [paid] = await events('PaymentReceived', ({ correlationId }) => correlationId === issue!.correlationId);
    expect(paid!.payload).toMatchObject({ invoiceId, orderId, amount: '1250.5000', currency: 'USD' });
    expect((await get(`/v1/invoices/${invoiceId}`)).body).toMatchObject({
      status: 'issued',
      payments: [{ amount: '1250.5000' }],
    });

    const [take] = await send('VoidInvoice', {
      invoiceId,
      orderId,
      opportunityId,
      occurrence: 1,
      reason: 'OpportunityReopened',
    });
    const [credited] = await events('InvoiceCredited', causedBy(take!));
    expect((await sdk.creditNotes.list({ invoice: stripeId })).data).toMatchObject([
      { number: credited!.payload.creditNoteNumber, amount: 125_050 },
    ]);
    const [reverse] = await send('ReverseRevenueSchedule', {
      scheduleId,
      orderId,
      opportunityId,
      occurrence: 1,
      reason: 'OpportunityReopened',
    });
    await events('RevenueScheduleReversed', causedBy(reverse!));
    expect((await get('/v1/revenue/recognised?month=2028-02')).body).toEqual({
      month: '2028-02',
      totals: [{ currency: 'USD', amount: '0.0000' }],
    });
    expect(await deadLetters()).toEqual([]);
  });

  it('follows a shipment, a return and a credit note of a person into the subledger', async () => {
    const command = invoice({
      totalAmount: '1200.0000',
      lineItems: [{ ...invoice().lineItems[0]!, unitAmount: '1200.0000', amount: '1200.0000' }],
    });
    const { invoiceId, orderId, opportunityId } = command;
    const scheduleId = randomUUID();
    const deal = { orderId, opportunityId, occurrence: 1 };
    const [issue] = await send('IssueInvoice', command);
    const [issued] = await events('InvoiceIssued', causedBy(issue!));
    const period = { serviceStart: '2028-01-01', serviceEnd: '2028-12-31' };
    const [record] = await send('RecordRevenueSchedule', {
      ...{ scheduleId, invoiceId, ...deal, ...period },
      currency: 'USD',
      totalAmount: '1200.0000',
    });
    await events('RevenueScheduleRecorded', causedBy(record!));

    const shippedAt = '2028-07-01T09:00:00.000Z';
    const [start] = await send('StartRevenueRecognition', {
      scheduleId,
      ...deal,
      fulfilmentId: randomUUID(),
      shippedAt,
    });
    const [started] = await events('RevenueRecognitionStarted', causedBy(start!));
    expect(started).toMatchObject({
      envelope: { subject: scheduleId },
      payload: { recognisedFrom: '2028-07-01', planVersion: 2 },
    });

    const returnId = randomUUID();
    const [give] = await send('IssueCreditNote', { invoiceId, ...deal, returnId, amount: '300.0000', currency: 'USD' });
    const [returned] = await events('CreditNoteIssued', causedBy(give!));
    expect(returned).toMatchObject({ envelope: { subject: invoiceId }, payload: { returnId, amount: '300.0000' } });
    await sandbox.control('POST', `/sandbox/invoices/${issued!.payload.externalIds[0]!.id}/credit`, { amount: 10_000 });
    const [own] = await events(
      'CreditNoteIssued',
      ({ correlationId, causationId }) => correlationId === issue!.correlationId && !causationId,
    );
    expect(own!.payload).toMatchObject({ returnId: null, amount: '100.0000', invoiceId });
    expect(await events('CreditNoteIssued', ({ subject }) => subject === invoiceId)).toHaveLength(2);

    const reductions = [returned!, own!].map(({ payload: { creditNoteId, currency, amount, issuedAt } }) => ({
      ...{ scheduleId, ...deal, creditNoteId },
      ...{ currency, amount, issuedAt },
    }));
    const reduce = await send('ReduceRevenueSchedule', ...reductions);
    await events('RevenueScheduleReduced', causedBy(...reduce), 2);
    const { body } = await get(`/v1/revenue-schedules/${scheduleId}`);
    expect(body).toMatchObject({
      totalAmount: '1200.0000',
      remainingAmount: '800.0000',
      recognisedFrom: '2028-07-01',
      planVersion: 4,
      plan: { length: 6 },
      changes: [{ kind: 'shipment' }, { kind: 'credit-note' }, { kind: 'credit-note', remainingAmount: '800.0000' }],
    });
    const sum = (entries: { amount: string }[]) => sumMoney(entries.map(({ amount }) => amount));
    expect([sum(body.plan), sum(body.entries)]).toEqual(['800.0000', '800.0000']);
    expect((await get(`/v1/invoices/${invoiceId}`)).body.creditNotes).toMatchObject([{ returnId }, { returnId: null }]);
    expect(await deadLetters()).toEqual([]);
  });

  it('makes one customer and one product of two deals that close at once, whichever instance takes them', async () => {
    const { account, lineItems } = invoice();
    const commands = await send('IssueInvoice', ...Array.from({ length: 6 }, () => invoice({ account, lineItems })));
    await events('InvoiceIssued', causedBy(...commands), 6);
    const customers = (await sdk.customers.list({ email: account.billingEmail! })).data;
    expect(customers).toHaveLength(1);
    expect(
      (await sdk.invoices.list({ customer: customers[0]!.id, limit: 100 })).data.map(({ status }) => status),
    ).toEqual(Array(6).fill('open'));
  });

  it('waits while Stripe is away, without a dead letter, and goes on', async () => {
    await sandbox.faults({ kind: 'drop', vendor: 'stripe', count: 12 });
    const commands = await send('IssueInvoice', invoice(), invoice(), invoice());
    const issued = await events('InvoiceIssued', causedBy(...commands), 3);
    expect(issued).toHaveLength(3);
    expect(await deadLetters()).toEqual([]);
  });

  it('issues once when the record is delivered twice', async () => {
    const command = invoice();
    const envelope: Envelope = {
      id: randomUUID(),
      type: 'IssueInvoice',
      source: 'spec',
      subject: command.invoiceId,
      time: new Date().toISOString(),
      sequence: 1,
      correlationId: randomUUID(),
    };
    const bytes = {
      key: command.invoiceId,
      value: codec.encode('IssueInvoice', command),
      headers: toHeaders(envelope),
    };
    await topics.produce('IssueInvoice', [bytes, bytes]);
    await topics.produce('IssueInvoice', [bytes]);
    const [later] = await send('IssueInvoice', invoice());
    await events('InvoiceIssued', causedBy(later!));
    expect(await events('InvoiceIssued', causedBy(envelope))).toHaveLength(1);
  });

  it('finds by its sweep the payment whose webhook never came', async () => {
    const [issue] = await send('IssueInvoice', invoice());
    const [issued] = await events('InvoiceIssued', causedBy(issue!));
    await sandbox.faults({ kind: 'webhook-drop', vendor: 'stripe' });
    await sdk.invoices.pay(issued!.payload.externalIds[0]!.id, { paid_out_of_band: true });
    const paid = await events('PaymentReceived', ({ correlationId }) => correlationId === issue!.correlationId);
    expect(paid).toHaveLength(1);
    await sandbox.faults();
  });
});

describe('POST /webhooks/stripe', () => {
  const body = JSON.stringify({
    id: `evt_${randomUUID()}`,
    object: 'event',
    type: 'invoice.paid',
    created: 1,
    data: { object: { id: 'in_x', object: 'invoice', metadata: {} } },
  });
  const sign = (payload: string, offsetSeconds = 0, secret = 'whsec_spec') => {
    const time = Math.floor(Date.now() / 1000) + offsetSeconds;
    return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${payload}`).digest('hex')}`;
  };
  const post = async (payload: string, signature?: string) => {
    const response = await fetch(`${url}/webhooks/stripe`, {
      method: 'POST',
      body: payload,
      headers: { 'content-type': 'application/json', ...(signature ? { 'stripe-signature': signature } : {}) },
    });
    return response.status;
  };
  const stored = async () => Number((await database.pool.query('SELECT count(*) FROM stripe_event')).rows[0].count);

  it('refuses what is not signed, signed wrongly, stale or from the future, and stores nothing', async () => {
    const before = await stored();
    expect([
      await post(body),
      await post(body, sign(body, 0, 'whsec_other')),
      await post(body, sign(body, -301)),
      await post(body, sign(body, 301)),
      await post(body, sign(`${body} `)),
    ]).toEqual([401, 401, 401, 401, 401]);
    expect([await post('{', sign('{')), await post('{"object":"list"}', sign('{"object":"list"}'))]).toEqual([
      400, 400,
    ]);
    expect(await stored()).toBe(before);
  });

  it('stores an event once', async () => {
    const before = await stored();
    expect([await post(body, sign(body)), await post(body, sign(body))]).toEqual([200, 200]);
    expect(await stored()).toBe(before + 1);
  });
});

describe('the API', () => {
  it.each([
    ['/v1/invoices/x', 400],
    [`/v1/invoices/${randomUUID()}`, 404],
    ['/v1/revenue-schedules?orderId=x', 400],
    ['/v1/revenue-schedules?colour=red', 400],
    [`/v1/revenue-schedules/${randomUUID()}`, 404],
    ['/v1/revenue/recognised?month=2028-13', 400],
  ])('%s answers %d and says why', async (path, status) => {
    const { status: answered, body } = await get(path);
    expect({ answered, code: typeof body.code }).toEqual({ answered: status, code: 'string' });
  });
});
