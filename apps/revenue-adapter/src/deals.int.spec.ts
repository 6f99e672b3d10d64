import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { opportunityIdOf } from '@throughline/connectors/hubspot';
import { opportunityCorrelationId, sumMoney } from '@throughline/contracts';
import { choosePort } from '@throughline/local-stack';
import type { Message } from '@throughline/messaging';
import {
  startSandbox,
  testDatabase,
  until as eventually,
  type RunningSandbox,
  type TestDatabase,
} from '@throughline/testing';
import { randomUUID } from 'node:crypto';
import { findLastWriteBack } from './deal-store.js';
import { CrmPerson } from './spec/crm.js';
import {
  adapterMigrations,
  createBus,
  startAdapter,
  startDownstream,
  type Downstream,
  type RunningAdapter,
} from './spec/start-revenue.js';

jest.setTimeout(60_000);

const portalId = '4711001';
let test: TestDatabase;
let sandbox: RunningSandbox;
let person: CrmPerson;
let downstream: Downstream;
const adapters: RunningAdapter[] = [];

/** Two instances of the service, the sandbox as a process, a real broker, database and registry. */
beforeAll(async () => {
  const ports = [await choosePort(), await choosePort()];
  const urls = ports.map((port) => `http://127.0.0.1:${port}/webhooks/hubspot`).join(',');
  const env = {
    HUBSPOT_WEBHOOK_URLS: urls,
    HUBSPOT_PORTAL_ID: portalId,
    SEARCH_LAG_MS: '500',
    WEBHOOK_RETRY_MS: '100',
  };
  const [bus, started, database] = await Promise.all([createBus(), startSandbox(env), testDatabase(adapterMigrations)]);
  [sandbox, test] = [started, database];
  person = new CrmPerson(sandbox);
  downstream = await startDownstream(bus);
  const hubspot = {
    HUBSPOT_BASE_URL: sandbox.url,
    HUBSPOT_ACCESS_TOKEN: sandbox.secrets.HUBSPOT_ACCESS_TOKEN,
    HUBSPOT_CLIENT_SECRET: sandbox.secrets.HUBSPOT_CLIENT_SECRET,
    HUBSPOT_PORTAL_ID: portalId,
  };
  for (const port of ports)
    adapters.push(await startAdapter(bus, test.url, () => test.connect(), { ...hubspot, PORT: String(port) }));
}, 120_000);

afterEach(() => sandbox?.faults());
afterAll(async () => {
  await Promise.all([...adapters.map((adapter) => adapter.stop()), downstream?.stop()]);
  await sandbox?.stop();
  await test?.drop();
}, 60_000);

/** What was received about a deal, as `Type(occurrence)`. */
function about(dealId: string, received: Message[] = downstream.received): string[] {
  return messages(dealId, received).map(({ type, payload }) => `${type}(${payload.occurrence})`);
}

type DealMessage = Message<
  | 'OpportunityClosedWon'
  | 'OpportunityAmended'
  | 'OpportunityAmendmentRejected'
  | 'OpportunityRejected'
  | 'OpportunityReopened'
  | 'OpportunityUpdated'
  | 'OpportunityUpdateRejected'
>;

function messages(dealId: string, received: Message[] = downstream.received): DealMessage[] {
  return received.filter(({ envelope }) => envelope.subject === opportunityIdOf(portalId, dealId)) as DealMessage[];
}

const until = (dealId: string, ...expected: string[]): Promise<void> =>
  downstream
    .until((received) => about(dealId, received).length >= expected.length)
    .then(() => expect(about(dealId)).toEqual(expected));

interface DealView {
  modifiedAt: string;
  isEditedAfterClose: boolean;
  occurrences: Record<string, unknown>[];
}

async function view(dealId: string): Promise<DealView> {
  return (await fetch(`${adapters[0]!.url}/v1/deals/${dealId}`)).json() as Promise<DealView>;
}

/** Waits until the adapter has read the deal as it is now, however it learnt of it. */
async function untilRead(dealId: string): Promise<void> {
  const { hs_lastmodifieddate: modified } = await person.properties(dealId, 'hs_lastmodifieddate');
  const end = Date.now() + 30_000;
  while ((await view(dealId)).modifiedAt < modified!) {
    if (Date.now() > end) throw new Error(`deal ${dealId} was not read again`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const close = async (dealId: string): Promise<void> => person.move(dealId, 'closedwon');

describe('a deal', () => {
  it('that is closed becomes one event, readable by anybody', async () => {
    const dealId = await person.createDeal({ name: 'Tokyo', amount: '120000', currency: 'JPY' });
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    const [message] = messages(dealId);
    const opportunityId = opportunityIdOf(portalId, dealId);
    expect(message).toMatchObject({
      payload: {
        opportunityId,
        name: 'Tokyo',
        currency: 'JPY',
        totalAmount: '120000.0000',
        serviceStart: '2026-11-22',
        serviceEnd: '2026-11-22',
      },
      envelope: { source: 'revenue-adapter', sequence: 1, correlationId: opportunityCorrelationId(opportunityId, 1) },
    });
    expect((await view(opportunityId)).occurrences).toMatchObject([{ occurrence: 1, status: 'won' }]);
  });

  it('gives one event whose webhooks come twice and in any order', async () => {
    await sandbox.faults(
      { kind: 'webhook-duplicate', vendor: 'hubspot' },
      { kind: 'webhook-disorder', vendor: 'hubspot', delayMs: 1_000 },
    );
    const dealIds = await Promise.all(Array.from({ length: 10 }, (_, n) => person.createDeal({ name: `Deal ${n}` })));
    await Promise.all(dealIds.map(close));
    await Promise.all(dealIds.map((dealId) => person.edit(dealId, { dealname: 'Renamed' })));
    await downstream.until((received) => dealIds.every((dealId) => about(dealId, received).length > 0));
    await Promise.all(dealIds.map(untilRead));
    // Read before or after it was renamed: either way the last word is the deal as it stands.
    const isRenamed = (received: Message[]) => (dealId: string) =>
      (messages(dealId, received).at(-1)?.payload as { name?: string }).name === 'Renamed';
    await downstream.until((received) => dealIds.every(isRenamed(received)));
    const closings = dealIds.map((dealId) => about(dealId).filter((it) => it !== 'OpportunityAmended(1)'));
    expect(closings).toEqual(dealIds.map(() => ['OpportunityClosedWon(1)']));
  });

  it('is found by the sweep where no webhook ever comes', async () => {
    await sandbox.faults({ kind: 'webhook-drop', vendor: 'hubspot' });
    const dealIds = await Promise.all([
      person.createDeal({ stage: 'closedwon' }),
      person.createDeal({ stage: 'closedwon' }),
    ]);
    await Promise.all(dealIds.map((dealId) => until(dealId, 'OpportunityClosedWon(1)')));
    await person.move(dealIds[0], 'contractsent');
    await until(dealIds[0], 'OpportunityClosedWon(1)', 'OpportunityReopened(1)');
  });

  it('edited between webhook and reading is taken as one consistent snapshot', async () => {
    const dealIds = await Promise.all(Array.from({ length: 8 }, () => person.createDeal({ amount: '100' })));
    await Promise.all(
      dealIds.map(async (dealId) => {
        await close(dealId);
        await person.edit(dealId, { amount: '130' });
        await person.addLine(dealId, '30');
      }),
    );
    const isWon = (received: Message[]) => (dealId: string) =>
      about(dealId, received).includes('OpportunityClosedWon(1)');
    await downstream.until((received) => dealIds.every(isWon(received)));
    for (const dealId of dealIds) {
      for (const { type, payload } of messages(dealId)) {
        if (type === 'OpportunityClosedWon' || type === 'OpportunityAmended')
          expect(sumMoney(payload.lineItems.map(({ amount }) => amount))).toBe(payload.totalAmount);
        else expect(payload).toMatchObject({ reason: 'total-mismatch' });
      }
    }
  });

  it('edited after it was won is amended by webhook or sweep, once, and refused where it cannot become an order', async () => {
    const dealId = await person.createDeal({ amount: '100' });
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    const edit = { contract_start_date: '2027-01-01', contract_end_date: '2027-12-31' };
    await person.edit(dealId, edit);
    await until(dealId, 'OpportunityClosedWon(1)', 'OpportunityAmended(1)');
    expect(messages(dealId)[1]).toMatchObject({
      payload: { totalAmount: '100.0000', serviceStart: '2027-01-01', serviceEnd: '2027-12-31' },
      envelope: { sequence: 2, correlationId: messages(dealId)[0]!.envelope.correlationId },
    });
    await person.edit(dealId, { amount: '130' });
    const refused = ['OpportunityClosedWon(1)', 'OpportunityAmended(1)', 'OpportunityAmendmentRejected(1)'];
    await until(dealId, ...refused);
    expect(await view(dealId)).toMatchObject({
      isEditedAfterClose: true,
      occurrences: [{ status: 'won', amendmentRejection: { reason: 'total-mismatch', field: 'amount' } }],
    });
    await person.addLine(dealId, '30');
    await until(dealId, ...refused, 'OpportunityAmended(1)');
    expect(messages(dealId).at(-1)?.payload).toMatchObject({ totalAmount: '130.0000', lineItems: [{}, {}] });
    expect(await view(dealId)).toMatchObject({
      isEditedAfterClose: false,
      occurrences: [{ amendmentRejection: null }],
    });
  });

  it('that is reopened and closed again tells so in order', async () => {
    const dealId = await person.createDeal();
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    await person.move(dealId, 'contractsent');
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)', 'OpportunityReopened(1)', 'OpportunityClosedWon(2)');
    expect(messages(dealId).map(({ envelope }) => envelope.sequence)).toEqual([1, 2, 3]);
  });

  it('that cannot become an order says why, and is taken once corrected', async () => {
    const dealId = await person.createDeal({
      amount: '90',
      lines: [{ name: 'Platform', quantity: '1', price: '100' }],
    });
    await close(dealId);
    await until(dealId, 'OpportunityRejected(1)');
    expect((await view(dealId)).occurrences).toMatchObject([
      { status: 'rejected', rejection: { reason: 'total-mismatch', field: 'amount' } },
    ]);
    await person.edit(dealId, { amount: '100' });
    await until(dealId, 'OpportunityRejected(1)', 'OpportunityClosedWon(1)');
  });

  it('that had no company, or one without a name, is taken once it has, though HubSpot tells nobody', async () => {
    const dealId = await person.createDeal({ company: null, stage: 'closedwon' });
    await until(dealId, 'OpportunityRejected(1)');
    const { modifiedAt } = await view(dealId);
    const companyId = await person.createCompany('');
    await person.associateCompany(dealId, companyId);
    await until(dealId, 'OpportunityRejected(1)', 'OpportunityRejected(1)');
    await person.nameCompany(companyId, 'Acme');
    await until(dealId, 'OpportunityRejected(1)', 'OpportunityRejected(1)', 'OpportunityClosedWon(1)');
    expect(await view(dealId)).toMatchObject({ modifiedAt, isEditedAfterClose: false });
    expect(messages(dealId).map(({ payload }) => ('field' in payload ? payload.field : null))).toEqual([
      'company',
      'company.name',
      null,
    ]);
  });

  it('waits while HubSpot fails, and loses nothing', async () => {
    const dealId = await person.createDeal();
    await sandbox.faults(
      { kind: 'answer-500', vendor: 'hubspot', method: 'GET', count: 2 },
      { kind: 'answer-429', vendor: 'hubspot', method: 'GET', count: 2 },
      { kind: 'drop', vendor: 'hubspot', method: 'GET', count: 3 },
      { kind: 'timeout-then-apply', vendor: 'hubspot', path: 'batch/read', holdMs: 4_000, count: 1 },
    );
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    const [dead] = await adapters[0]!.database.query<{ count: string }>({
      name: 'spec-dead',
      text: 'SELECT count(*) FROM dead_letter',
    });
    expect(dead?.count).toBe('0');
  });
});

describe('the write-back', () => {
  const command = (dealId: string, orderNumber: string, occurrence = 1) => {
    const opportunityId = opportunityIdOf(portalId, dealId);
    const payload = {
      opportunityId,
      occurrence,
      orderId: randomUUID(),
      orderNumber,
      invoiceId: randomUUID(),
      invoiceNumber: `I-${orderNumber}`,
    };
    const correlationId = opportunityCorrelationId(opportunityId, occurrence);
    return { type: 'UpdateOpportunity' as const, payload, correlationId };
  };

  it('reaches the deal, and its echo ends with us', async () => {
    const dealId = await person.createDeal();
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    await downstream.send(command(dealId, 'SO-1'));
    await until(dealId, 'OpportunityClosedWon(1)', 'OpportunityUpdated(1)');
    expect(await person.properties(dealId, 'throughline_order_number', 'throughline_invoice_number')).toMatchObject({
      throughline_order_number: 'SO-1',
      throughline_invoice_number: 'I-SO-1',
    });
    await untilRead(dealId);
    expect(await view(dealId)).toMatchObject({
      isEditedAfterClose: false,
      occurrences: [{ orderNumber: 'SO-1', invoiceNumber: 'I-SO-1' }],
    });
    // Another deal's event, sent later on the same way, has come: an event for the echo would have come before it.
    const later = await person.createDeal({ stage: 'closedwon' });
    await until(later, 'OpportunityClosedWon(1)');
    expect(about(dealId)).toEqual(['OpportunityClosedWon(1)', 'OpportunityUpdated(1)']);
  });

  it('is written once where HubSpot applies it and drops the connection', async () => {
    const dealId = await person.createDeal();
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    await sandbox.faults({ kind: 'apply-then-drop', vendor: 'hubspot', method: 'PATCH', count: 1 });
    await downstream.send(command(dealId, 'SO-2'));
    await until(dealId, 'OpportunityClosedWon(1)', 'OpportunityUpdated(1)');
  });

  it('of an earlier closing that HubSpot applies late does not stand: the last one is written again, once', async () => {
    const dealId = await person.createDeal();
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    const late = { kind: 'timeout-then-apply', vendor: 'hubspot', method: 'PATCH', applyAfterMs: 8_000, count: 1 };
    await sandbox.faults({ ...late, path: `deals/${dealId}` });
    await downstream.send(command(dealId, 'SO-OLD'));
    await until(dealId, 'OpportunityClosedWon(1)', 'OpportunityUpdated(1)');
    await person.move(dealId, 'contractsent');
    await close(dealId);
    const closedAgain = ['OpportunityClosedWon(1)', 'OpportunityUpdated(1)', 'OpportunityReopened(1)'];
    await until(dealId, ...closedAgain, 'OpportunityClosedWon(2)');
    await downstream.send(command(dealId, 'SO-NEW', 2));
    await until(dealId, ...closedAgain, 'OpportunityClosedWon(2)', 'OpportunityUpdated(2)');
    await untilRepaired(dealId, 1);
    expect(await person.properties(dealId, 'throughline_order_number', 'throughline_invoice_number')).toMatchObject({
      throughline_order_number: 'SO-NEW',
      throughline_invoice_number: 'I-SO-NEW',
    });
    await untilRead(dealId);
    expect(await repairs(dealId)).toBe(1);
    expect(about(dealId)).toEqual([...closedAgain, 'OpportunityClosedWon(2)', 'OpportunityUpdated(2)']);
  });

  it('is not fought over for ever with somebody who writes into its fields', async () => {
    const dealId = await person.createDeal();
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    await downstream.send(command(dealId, 'SO-4'));
    await until(dealId, 'OpportunityClosedWon(1)', 'OpportunityUpdated(1)');
    for (let n = 1; n <= 10; n++) {
      await person.edit(dealId, { throughline_order_number: `mine ${n}` });
      await untilRepaired(dealId, n);
    }
    await person.edit(dealId, { throughline_order_number: 'mine' });
    await untilRead(dealId);
    await person.edit(dealId, { dealname: 'Read again' });
    await untilRead(dealId);
    await untilNothingIsAtWork();
    expect(await repairs(dealId)).toBe(10);
    expect(await person.properties(dealId, 'throughline_order_number')).toMatchObject({
      throughline_order_number: 'mine',
    });
  });

  it('to a deal that was deleted is refused, visibly', async () => {
    const dealId = await person.createDeal();
    await close(dealId);
    await until(dealId, 'OpportunityClosedWon(1)');
    await person.archive(dealId);
    await downstream.send(command(dealId, 'SO-3'));
    await until(dealId, 'OpportunityClosedWon(1)', 'OpportunityUpdateRejected(1)');
    expect(messages(dealId)[1]?.payload).toMatchObject({ reason: 'deal-not-found' });
  });
});

/** How often the numbers of its last closing were written again. */
async function repairs(dealId: string): Promise<number> {
  return (await findLastWriteBack(adapters[0]!.database, opportunityIdOf(portalId, dealId)))?.repairs ?? 0;
}

const untilRepaired = (dealId: string, times: number): Promise<unknown> =>
  eventually(`${times} repairs`, async () => (await repairs(dealId)) >= times);

const untilNothingIsAtWork = (): Promise<unknown> => {
  const atWork = { name: 'spec-at-work', text: 'SELECT 1 FROM work_key' };
  return eventually('nothing is at work', async () => (await adapters[0]!.database.query(atWork)).length === 0);
};
