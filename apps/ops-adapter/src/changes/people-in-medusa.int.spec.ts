import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { compareMoney, sumMoney } from '@throughline/contracts';
import { command, deliver, newDeal, newLine, OpsHarness, type Deal } from '../spec/ops-harness.js';

jest.setTimeout(60_000);

let ops: OpsHarness;
beforeAll(async () => {
  ops = await OpsHarness.start();
}, 120_000);
afterAll(() => ops.stop());

async function created(): Promise<Deal> {
  const deal = newDeal();
  await ops.run(command('CreateOrder', deal));
  return deal;
}
const orderOf = async (deal: Deal) => (await ops.inMedusa(deal)).orders[0]!;
/** As Medusa's own page does it: without our reference. */
const fulfilByHand = async (deal: Deal) => {
  const order = await orderOf(deal);
  const items = order.remaining.map(({ id, quantity }) => ({ id, quantity }));
  await ops.person.createFulfilment(order.id, items);
};
const inFlight = (deal: Deal) =>
  ops.database.query(
    {
      name: 'spec-in-flight',
      text: `INSERT INTO work_key (queue, key, pending, available_at) VALUES ('medusa', $1, 1, now())`,
    },
    [deal.orderId],
  );
const ended = (deal: Deal) =>
  ops.database.query({ name: 'spec-ended', text: 'DELETE FROM work_key WHERE key = $1' }, [deal.orderId]);

describe('what people do in Medusa', () => {
  it('becomes one event each, however often it is read', async () => {
    const deal = await created();
    await fulfilByHand(deal);
    await ops.poll();
    await ops.poll();
    const order = await orderOf(deal);
    await ops.person.cancelFulfilment(order.id, order.fulfilments[0]!.id);
    await ops.poll();
    await ops.person.cancelOrder(order.id);
    await ops.poll();
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioned', 'OrderReleased', 'OrderCancelled']);
    const correlationIds = ops.emitted
      .filter((it) => (it.payload as { orderId: string }).orderId === deal.orderId)
      .map((it) => it.correlationId);
    expect(new Set(correlationIds).size).toBe(1);
  });

  it('waits while a command of the order is in flight, and is not forgotten', async () => {
    const deal = await created();
    await inFlight(deal);
    await ops.person.cancelOrder((await orderOf(deal)).id);
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated']);
    await ended(deal);
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderCancelled']);
  });

  it('is answered once where a command asks for the same', async () => {
    const deal = await created();
    await fulfilByHand(deal);
    await ops.run(command('ProvisionOrder', deal));
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioned']);
  });
});

describe('a release by hand', () => {
  /** Two lines: one that is ready at once, and one that waits for stock. */
  async function halfReady(stock: number): Promise<{ deal: Deal; short: Deal['lineItems'][0] }> {
    const short = newLine('10.0000', { lineItemId: '2', quantity: '3.0000', amount: '30.0000' });
    await ops.setStock(short.sku, stock);
    const deal = newDeal({ totalAmount: '1030.0000', lineItems: [newLine('1000.0000'), short] });
    await ops.run(command('CreateOrder', deal));
    await ops.run(command('ProvisionOrder', deal));
    return { deal, short };
  }
  const releaseByHand = async (deal: Deal): Promise<void> => {
    const { id, fulfilments } = await orderOf(deal);
    await ops.person.cancelFulfilment(id, fulfilments[0]!.id);
  };

  it.each([0, 9])('just before a line is delivered is told, and nothing leaves: %i in stock', async (stock) => {
    const { deal, short } = await halfReady(stock);
    await releaseByHand(deal);
    await ops.run(deliver(deal, short));
    expect(ops.told(deal.orderId, '2')).toEqual(['OrderLineFulfilmentRejected order-released']);
    await ops.poll();
    await ops.poll();
    expect(ops.sent(deal.orderId).slice(3)).toEqual(['OrderReleased']);
    expect(await ops.stockOf(short.sku)).toBe(stock);
  });

  it('just before stock comes in is told, too', async () => {
    const { deal, short } = await halfReady(0);
    await ops.run(deliver(deal, short));
    await ops.poll();
    await releaseByHand(deal);
    await ops.setStock(short.sku, 2);
    await ops.lookForStock();
    await ops.poll();
    await ops.poll();
    expect(ops.sent(deal.orderId).slice(3)).toEqual(['OrderReleased', 'OrderLineFulfilmentRejected']);
    expect(await ops.stockOf(short.sku)).toBe(2);
  });
});

describe('what people ship in Medusa', () => {
  it('in one piece or in several becomes one event per shipment, and one when all of the line has left', async () => {
    const line = newLine('10.0000', { quantity: '3.0000', amount: '30.0000' });
    const deal = newDeal({ totalAmount: '30.0000', lineItems: [line] });
    await ops.run(command('CreateOrder', deal));
    const ship = async (quantity: number) => {
      const { id, lines } = await orderOf(deal);
      await ops.person.createFulfilment(id, [{ id: lines[0]!.itemId, quantity }]);
      await ops.poll();
      const packed = (await orderOf(deal)).fulfilments.find((it) => !it.shippedAt)!;
      await ops.person.createShipment(id, packed);
      await ops.poll();
      await ops.poll();
    };
    await ship(1);
    expect(ops.told(deal.orderId, '1')).toEqual(['OrderLineShipped 1']);
    await ship(2);
    expect(ops.sent(deal.orderId)).toEqual([
      'OrderCreated',
      'OrderLineShipped',
      'OrderProvisioned',
      'OrderLineShipped',
      'OrderLineFulfilled',
    ]);
    await ops.run(deliver(deal));
    expect(ops.told(deal.orderId, '1').slice(1)).toEqual([
      'OrderLineShipped 2',
      'OrderLineFulfilled 3',
      'OrderLineFulfilled 3',
    ]);
  });

  it('of what waits for stock is told, and waits no more', async () => {
    const line = newLine('10.0000');
    await ops.setStock(line.sku, 0);
    const deal = newDeal({ totalAmount: '10.0000', lineItems: [line] });
    await ops.run(command('CreateOrder', deal));
    await ops.run(command('ProvisionOrder', deal));
    await ops.run(deliver(deal));
    await fulfilByHand(deal);
    const { id, fulfilments } = await orderOf(deal);
    await ops.person.createShipment(id, fulfilments[0]!);
    await ops.poll();
    await ops.setStock(line.sku, 5);
    await ops.poll();
    expect(ops.told(deal.orderId, '1')).toEqual([
      'OrderLineBackordered 1',
      'OrderLineShipped 1',
      'OrderLineFulfilled 1',
    ]);
    expect(await ops.stockOf(line.sku)).toBe(5);
  });
});

describe('what comes back', () => {
  it('is told once per return, with its exact share of the amount', async () => {
    const line = newLine('33.3333', { quantity: '3.0000', amount: '100.0000' });
    const other = newLine('7.0000', { lineItemId: '2', quantity: '3.0000', amount: '21.0000' });
    const deal = newDeal({ totalAmount: '121.0000', lineItems: [line, other] });
    await ops.run(command('CreateOrder', deal));
    await ops.run(command('ProvisionOrder', deal));
    for (const each of deal.lineItems) await ops.run(deliver(deal, each));
    const { id, lines } = await orderOf(deal);
    await ops.receiveReturn(id, { id: lines[1]!.itemId, quantity: 1 });
    await ops.poll();
    await ops.poll();
    expect(ops.told(deal.orderId, '2').slice(2)).toEqual(['OrderLineReturned 1']);
    expect(ops.emitted.at(-1)).toMatchObject({
      payload: { orderId: deal.orderId, amount: '7.0000', currency: 'USD', externalIds: [{}, {}, { type: 'return' }] },
    });
    await ops.receiveReturn(id);
    await ops.poll();
    await ops.poll();
    expect([ops.told(deal.orderId, '1').slice(2), ops.told(deal.orderId, '2').slice(2)]).toEqual([
      ['OrderLineReturned 3'],
      ['OrderLineReturned 1', 'OrderLineReturned 2'],
    ]);
    const amounts = ops.emitted
      .filter(
        ({ type, payload }) =>
          type === 'OrderLineReturned' && (payload as { orderId: string }).orderId === deal.orderId,
      )
      .map(({ payload }) => (payload as { amount: string }).amount);
    expect(compareMoney(sumMoney(amounts), deal.totalAmount)).toBe(0);
  });
});

describe('our own writing', () => {
  it('comes back and ends here', async () => {
    const deal = await created();
    await ops.poll();
    await ops.run(command('ProvisionOrder', deal));
    await ops.poll();
    await ops.run(command('ReleaseOrder', deal));
    await ops.poll();
    await ops.run(command('CancelOrder', deal));
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioned', 'OrderReleased', 'OrderCancelled']);
  });
});
