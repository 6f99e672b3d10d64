import { beforeAll, describe, expect, it } from '@jest/globals';
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
