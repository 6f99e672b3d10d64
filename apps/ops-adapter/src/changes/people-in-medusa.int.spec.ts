import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { command, newDeal, OpsHarness, type Deal } from '../spec/ops-harness.js';

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
