import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { canonicalId, opportunityCorrelationId } from '@throughline/contracts';
import { ProcessRunner, type EmittedCommand } from '@throughline/process/postgres';
import type { Database } from '@throughline/postgres';
import { DATABASE } from '@throughline/service';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { DealsController } from './deals.controller.js';
import { InstancesController } from './instances.controller.js';
import { loadRules } from './load-rules.js';
import { migrations } from './migrations.js';
import { StatisticsController } from './statistics.controller.js';

/** Parts of the API's answers that these specs look at. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
type Json = any;

const opportunityId = canonicalId('hubspot', '42', 'deal', '4711');
const externalIds = (system: string, type: string, id: string) => [{ system, tenant: '42', type, id }];
const refusal = {
  reason: 'no-such-product',
  field: 'lineItems.0',
  message: 'Add the product, then close the deal again.',
};
const deal = {
  name: 'Ten chairs',
  account: {
    accountId: canonicalId('a'),
    name: 'Ada',
    domain: null,
    billingEmail: null,
    country: null,
    externalIds: [],
  },
  currency: 'EUR',
  totalAmount: '100.0000',
  closedAt: '2026-11-22T09:59:00.000Z',
  serviceStart: '2026-12-01',
  serviceEnd: '2027-11-30',
  lineItems: [],
  externalIds: externalIds('hubspot', 'deal', '4711'),
  sourceVersion: '1',
};

describe('the HTTP API', () => {
  let test: TestDatabase;
  let database: Database;
  let app: INestApplication;
  let runner: ProcessRunner;
  let clock = Date.parse('2026-11-22T10:00:00.000Z');

  /** An event of deal 4711, one second after the one before. */
  async function take(type: string, payload: object = {}, occurrence = 1): Promise<EmittedCommand[]> {
    clock += 1_000;
    const now = new Date(clock);
    const event = {
      messageId: canonicalId('message', type, String(clock)),
      type,
      payload: { opportunityId, orderId: canonicalId('order', String(occurrence)), occurrence, ...payload },
      source: type.startsWith('Invoice') || type.startsWith('Payment') ? 'finance-adapter' : 'ops-adapter',
      time: now.toISOString(),
      correlationId: opportunityCorrelationId(opportunityId, occurrence),
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    };
    const sent: EmittedCommand[] = [];
    await database.transaction((tx) => runner.runBatch(tx, [event], now, (commands) => sent.push(...commands)));
    return sent;
  }
  async function get(path: string): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${await app.getUrl()}${path}`);
    return { status: response.status, body: await response.json() };
  }

  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect();
    const { processes, compile } = loadRules();
    runner = new ProcessRunner(processes, compile);
    await runner.storeDefinitions(database);
    @Module({
      controllers: [InstancesController, DealsController, StatisticsController],
      providers: [
        { provide: DATABASE, useValue: database },
        { provide: ProcessRunner, useValue: runner },
      ],
    })
    class ApiModule {}
    app = await NestFactory.create(ApiModule, { logger: false });
    await app.listen(0, '127.0.0.1');

    await take('OpportunityRejected', { name: deal.name, ...refusal, externalIds: deal.externalIds });
    await take('OpportunityReopened', { externalIds: deal.externalIds });
    await take('OpportunityClosedWon', deal, 2);
    await take(
      'PaymentReceived',
      { paymentId: canonicalId('p'), amount: '100.0000', currency: 'EUR', receivedAt: 'x', externalIds: [] },
      2,
    );
    await take('OrderCreated', { orderNumber: '1001', externalIds: externalIds('medusa', 'order', 'order_01') }, 2);
    await take('InvoiceIssued', { invoiceNumber: 'IN-1', externalIds: externalIds('stripe', 'invoice', 'in_1') }, 2);
  }, 60_000);
  afterAll(async () => {
    await app.close();
    await test.drop();
  });

  it('answers where a deal stands, by our id and by that of the CRM, with every occurrence', async () => {
    const byOurs = await get(`/v1/deals/${opportunityId}`);
    const byTheirs = await get('/v1/deals/4711');
    expect(byOurs.body).toEqual(byTheirs.body);
    expect(byOurs.body).toMatchObject({
      opportunityId,
      occurrences: [
        { occurrence: 1, status: 'rejected', cause: refusal, attributes: { name: 'Ten chairs' } },
        { occurrence: 2, status: 'running', traceId: '4bf92f3577b34da6a3ce929d0e0e4736', cause: null },
      ],
    });
  });

  it('tells each step, its vendor objects and durations, what is waited for, and the payments', async () => {
    const { body } = await get('/v1/deals/4711');
    const [, running] = body.occurrences;
    expect(running.steps.map(({ step, status }: Json) => [step, status])).toEqual([
      ['credit-approval', 'not-needed'],
      ['contract-exception', 'not-needed'],
      ['compliance-review', 'not-needed'],
      ['order', 'done'],
      ['provisioning', 'commanded'],
      ['billing', 'done'],
      ['revenue', 'waiting'],
      ['write-back', 'waiting'],
    ]);
    expect(running.steps.find(({ step }: Json) => step === 'billing')).toMatchObject({
      owner: 'billing',
      command: 'IssueInvoice',
      service: 'finance-adapter',
      outcome: 'InvoiceIssued',
      durationMs: 1_000,
      attempts: 1,
      externalIds: externalIds('stripe', 'invoice', 'in_1'),
    });
    expect(running.waitingFor).toEqual([
      {
        step: 'provisioning',
        owner: 'fulfilment',
        command: 'ProvisionOrder',
        events: ['OrderProvisioned', 'OrderProvisioningRejected'],
        since: '2026-11-22T10:00:05.000Z',
        dueAt: '2026-11-23T10:00:05.000Z',
        isOverdue: false,
        needsPerson: false,
      },
    ]);
    expect(running.payments).toEqual([expect.objectContaining({ amount: '100.0000', currency: 'EUR' })]);
    expect(running.history.map(({ type, effect }: Json) => [type, effect])).toEqual([
      ['OpportunityClosedWon', 'started'],
      ['PaymentReceived', 'recorded'],
      ['OrderCreated', 'step-done'],
      ['InvoiceIssued', 'step-done'],
    ]);
  });

  it('finds instances by key, external id and status, page by page, and one by its id', async () => {
    const byInvoice = await get('/v1/instances?externalId=in_1&process=lead-to-cash');
    expect(byInvoice.body.instances).toHaveLength(1);
    const { id } = byInvoice.body.instances[0];
    expect((await get(`/v1/instances/${id}`)).body).toMatchObject({ id, occurrence: 2 });
    expect((await get('/v1/instances?status=rejected')).body.instances).toHaveLength(1);
    const first = await get(`/v1/instances?key=${opportunityId}&limit=1`);
    expect(first.body).toMatchObject({ instances: [{ occurrence: 2 }], next: id });
    const second = await get(`/v1/instances?key=${opportunityId}&limit=1&before=${id}`);
    expect(second.body).toMatchObject({ instances: [{ occurrence: 1 }], next: null });
  });

  it('finds instances by business field, amount, step, owner and age, sorted', async () => {
    const occurrences = async (query: string) =>
      (await get(`/v1/instances?${query}`)).body.instances?.map(({ occurrence }: Json) => occurrence);
    expect(await occurrences('where=name=Ten%20chairs')).toEqual([2, 1]);
    expect(await occurrences('where=name=Ten%20chairs&where=totalAmount>=100.0001')).toEqual([]);
    expect(await occurrences('where=totalAmount<=100&step=provisioning&status=running,overdue')).toEqual([2]);
    expect(await occurrences('owner=fulfilment&process=lead-to-cash')).toEqual([2]);
    expect(await occurrences('owner=billing')).toEqual([]);
    expect(await occurrences('process=lead-to-cash&version=3&sort=oldest')).toEqual([1, 2]);
    expect(await occurrences('currency=EUR&amountMin=100&process=lead-to-cash')).toEqual([2]);
    expect(await occurrences('attention=true')).toEqual([]);
    expect(await occurrences('startedFor=1 minute&sort=age&status=running&process=lead-to-cash')).toEqual([2]);
    expect(await occurrences('startedFor=10000 days')).toEqual([]);
    const [listed] = (await get('/v1/instances?step=provisioning')).body.instances;
    expect(listed.waitingFor).toEqual([expect.objectContaining({ step: 'provisioning', owner: 'fulfilment' })]);
  });

  it('names the instances of the other processes that a deal set off', async () => {
    const { linked, occurrences } = (await get('/v1/deals/4711')).body;
    expect(linked).toMatchObject([{ process: 'fulfilment-to-revenue', correlationId: occurrences[1].correlationId }]);
  });

  it('counts by status', async () => {
    const { body } = await get('/v1/statistics');
    expect(body).toMatchObject({ counts: { rejected: 1, running: 2 }, completed: { count: 0, p50Ms: null } });
    const billing = { step: 'billing', direction: 'forward', count: 1, p50Ms: 1_000, p99Ms: 1_000 };
    expect(body.steps).toContainEqual(billing);
    const ofOne = (await get('/v1/statistics?process=lead-to-cash')).body;
    expect(ofOne.counts).toMatchObject({ rejected: 1 });
    expect(ofOne.steps).toContainEqual(billing);
    expect((await get('/v1/statistics?process=another')).body).toMatchObject({ counts: {}, completed: { count: 0 }, steps: [] }); // prettier-ignore
  });

  it('refuses what it does not understand, and names the field', async () => {
    for (const [path, field] of [
      ['/v1/instances?status=lost', 'status'],
      ['/v1/instances?limit=0', 'limit'],
      ['/v1/instances?where=totalAmount>lots', 'where'],
      ['/v1/instances?inStatusFor=soon', 'inStatusFor'],
      ['/v1/instances/abc', 'number of an instance'],
      ['/v1/statistics?since=yesterday', 'since'],
    ] as const) {
      const { status, body } = await get(path);
      expect([path, status, body.code]).toEqual([path, 400, 'REQUEST_INVALID']);
      expect(body.message).toContain(field);
    }
  });

  it('refuses to compare amounts of different currencies, and a place that is of no such list', async () => {
    for (const query of ['amountMin=5', 'sort=amount', 'sort=age&before=12']) {
      const answer = await get(`/v1/instances?${query}`);
      expect([query, answer]).toMatchObject([query, { status: 400, body: { code: 'PROCESS_SEARCH_INVALID' } }]);
    }
  });

  it('says what is unknown', async () => {
    expect(await get('/v1/deals/nothing')).toMatchObject({ status: 404, body: { code: 'DEAL_UNKNOWN' } });
    expect(await get('/v1/instances/999999')).toMatchObject({ status: 404, body: { code: 'INSTANCE_UNKNOWN' } });
  });

  it('shows why it needs a person', async () => {
    await take('OpportunityReopened', {}, 2);
    await take('OrderProvisioningRejected', refusal, 2);
    await take('InvoiceVoidRejected', refusal, 2);
    const { body } = await get('/v1/instances?status=stopped');
    const stopped = (await get(`/v1/instances/${body.instances[0].id}`)).body;
    expect(stopped.waitingFor).toEqual([
      expect.objectContaining({
        step: 'billing',
        command: 'VoidInvoice',
        needsPerson: true,
        events: ['InvoiceVoided', 'InvoiceCredited'],
      }),
    ]);
    expect(stopped.steps.find(({ step }: Json) => step === 'billing').compensation).toMatchObject(refusal);
    expect(stopped.cause).toMatchObject({ type: 'OpportunityReopened', step: null });
  });
});
