import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { ExpectedDeal } from '../apps/cli/src/demo/verify.js';
import { RunningPlatform, STORY_LIMIT_MS } from './platform.js';

let platform: RunningPlatform;
beforeAll(() => {
  platform = new RunningPlatform();
});

interface Instance {
  id: string;
  process: string;
  status: string;
  steps: { step: string; status: string; outcome: string | null }[];
  history: { type: string }[];
}

interface Order {
  orderId: string;
  medusaOrderId: string;
  lifeCycle: string;
  lines: { lineItemId: string; backordered: number; fulfilledAt: string | null }[];
}

/** What a person does at the sandbox's page. */
async function sandbox<T>(method: string, path: string, body: unknown = {}): Promise<T> {
  const { port } = platform.topology.instances.find(({ service }) => service === 'sandbox')!;
  const response = await fetch(`http://127.0.0.1:${port}/sandbox/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(method !== 'GET' && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`the sandbox answered ${response.status} to ${path}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Asks again until the answer is as it should become; fails with the last one. */
async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + STORY_LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(answer, undefined, 2)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function ordersOf({ opportunityId }: ExpectedDeal): Promise<Order[]> {
  return (await platform.get<{ data: Order[] }>('ops-adapter', `/v1/orders?opportunityId=${opportunityId}`)).data;
}

/** The instance of a process of this order, with what has happened to it. */
async function instanceOf(process: string, orderId: string): Promise<Instance | undefined> {
  const { instances } = await platform.get<{ instances: Instance[] }>(
    'orchestrator',
    `/v1/instances?process=${process}&key=${orderId}`,
  );
  return instances[0] && platform.get<Instance>('orchestrator', `/v1/instances/${instances[0].id}`);
}

const chairs = (sku: string, quantity: number) => ({
  currency: 'EUR',
  amount: `${quantity * 10}.0000`,
  lines: [{ name: 'Chair', sku, quantity, price: '10.00', amount: `${quantity * 10}.0000` }],
});

describe('an order line', () => {
  it(
    'that is out of stock is back-ordered, ships when stock arrives, comes back, and is credited',
    async () => {
      const sku = `CHAIR-${Date.now()}`;
      await sandbox('PUT', `stock/${sku}`, { quantity: 1 });
      const deal = await platform.openDeal(chairs(sku, 3));
      await platform.vendors.closeDeal(deal.dealId);
      const [order] = await eventually(
        () => ordersOf(deal),
        ([it]) => it?.lines[0]?.backordered === 2,
      );
      const { orderId, medusaOrderId } = order!;
      const waiting = await eventually(
        () => instanceOf('order-to-fulfilment', orderId),
        (it) => Boolean(it?.history.some(({ type }) => type === 'OrderLineBackordered')),
      );
      expect(waiting).toMatchObject({ status: 'running' });

      await sandbox('PUT', `stock/${sku}`, { quantity: 9 });
      const shipped = await eventually(
        () => instanceOf('order-to-fulfilment', orderId),
        (it) => it?.status === 'completed',
      );
      const told = shipped!.history.map(({ type }) => type).filter((type) => type.startsWith('OrderLine'));
      expect(told.sort()).toEqual([
        'OrderLineBackordered',
        'OrderLineFulfilled',
        'OrderLineShipped',
        'OrderLineShipped',
      ]);
      const stock = await sandbox<{ sku: string; stocked: number }[]>('GET', 'stock');
      expect(stock.find((row) => row.sku === sku)).toMatchObject({ stocked: 7 });

      await eventually(
        () => instanceOf('fulfilment-to-revenue', orderId),
        (it) => it!.history.filter(({ type }) => type === 'RevenueRecognitionStarted').length === 2,
      );
      await sandbox('POST', `orders/${medusaOrderId}/return`);
      const credited = await eventually(
        () => instanceOf('fulfilment-to-revenue', orderId),
        (it) => Boolean(it?.history.some(({ type }) => type === 'RevenueScheduleReduced')),
      );
      expect(credited!.history.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['OrderLineReturned', 'CreditNoteIssued']),
      );
    },
    4 * STORY_LIMIT_MS,
  );
});

describe('a won deal that is edited', () => {
  it(
    'is amended: its order is cancelled, and one of what it is now stands',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.closeDeal(deal.dealId);
      await platform.ended(deal.dealId);
      const period = { contract_start_date: '2029-01-01', contract_end_date: '2029-12-31' };
      await sandbox('PATCH', `deals/${deal.dealId}`, {
        properties: period,
        addLines: [{ name: 'Setup', price: '10' }],
      });
      const orders = await eventually(
        () => ordersOf(deal),
        (found) =>
          found.some(({ lifeCycle }) => lifeCycle === 'cancelled') &&
          found.some(({ lifeCycle, lines }) => lifeCycle === 'created' && lines.every((line) => line.fulfilledAt)),
      );
      expect(orders).toHaveLength(2);
      const { occurrences } = await platform.ended(deal.dealId);
      expect(occurrences).toMatchObject([{ occurrence: 1, status: 'completed' }]);
      const evidence = await platform.vendors.evidence([deal]);
      expect(evidence).toMatchObject({ orders: [{}], invoices: [{}], schedules: [{}] });
      const amounts = [...evidence.orders, ...evidence.invoices, ...evidence.schedules].map(({ amount }) => amount);
      expect(new Set(amounts).size).toBe(1);
      expect(Number(amounts[0])).toBe(Number(deal.amount) + 10);
    },
    3 * STORY_LIMIT_MS,
  );
});

describe('goods that have left', () => {
  /** A deal whose two chairs have left the house, with its order, invoice and schedule. */
  async function delivered() {
    const sku = `CHAIR-${randomUUID()}`;
    await sandbox('PUT', `stock/${sku}`, { quantity: 5 });
    const deal = await platform.openDeal(chairs(sku, 2));
    await platform.vendors.closeDeal(deal.dealId);
    await platform.until(deal.dealId, 1, ({ status }) => status === 'completed');
    await eventually(
      () => ordersOf(deal),
      ([order]) => Boolean(order?.lines.every((line) => line.fulfilledAt)),
    );
    return { deal, sku };
  }

  const stocked = async (sku: string): Promise<number | undefined> =>
    (await sandbox<{ sku: string; stocked: number }[]>('GET', 'stock')).find((row) => row.sku === sku)?.stocked;

  /** The instance stands still before anything was taken back. */
  async function stopped(deal: ExpectedDeal): Promise<Instance> {
    await platform.until(deal.dealId, 1, ({ status }) => status === 'stopped');
    expect(await platform.vendors.evidence([deal])).toMatchObject({ orders: [{}], invoices: [{}], schedules: [{}] });
    const instance = await instanceOf('lead-to-cash', deal.opportunityId);
    expect(instance).toMatchObject({
      attention: [{ code: 'not-undone', message: expect.stringContaining('handle it as a return in Medusa') }],
    });
    return instance!;
  }

  async function act(action: 'keep' | 'skip', { id }: Instance): Promise<void> {
    const [url] = platform.urls('orchestrator');
    const response = await fetch(`${url}/v1/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-actor': 'olga@acme.example' },
      body: JSON.stringify({ action, ids: [id], reason: 'spoke to the customer' }),
      signal: AbortSignal.timeout(10_000),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"done"')]);
  }

  it(
    'stop a reopened deal before its invoice is touched; a person lets them stand, and only the rest is undone',
    async () => {
      const { deal, sku } = await delivered();
      await platform.vendors.setStage(deal.dealId, 'contractsent');
      const instance = await stopped(deal);
      await act('skip', instance);
      const undone = await platform.until(deal.dealId, 1, ({ status }) => status === 'compensated');
      expect(undone.steps.map(({ step, status }) => [step, status])).toEqual(
        expect.arrayContaining([
          ['order', 'kept'],
          ['provisioning', 'kept'],
          ['billing', 'compensated'],
          ['revenue', 'compensated'],
        ]),
      );
      const evidence = await platform.vendors.evidence([deal]);
      expect(evidence).toMatchObject({ orders: [{}], invoices: [], schedules: [] });
      expect(await stocked(sku)).toBe(3);
    },
    3 * STORY_LIMIT_MS,
  );

  it(
    'are neither shipped nor billed a second time when the deal is edited: a person keeps it as it was',
    async () => {
      const { deal, sku } = await delivered();
      await sandbox('PATCH', `deals/${deal.dealId}`, { addLines: [{ name: 'Setup', price: '10' }] });
      await act('keep', await stopped(deal));
      await platform.until(deal.dealId, 1, ({ status }) => status === 'completed');
      const { orders, invoices, schedules } = await platform.vendors.evidence([deal]);
      const amounts = [...orders, ...invoices, ...schedules].map(({ amount }) => Number(amount));
      expect(amounts).toEqual([20, 20, 20]);
      expect(await stocked(sku)).toBe(3);
    },
    3 * STORY_LIMIT_MS,
  );
});
