import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { command, newDeal, newLine, OpsHarness, type Deal } from '../spec/ops-harness.js';
import type { Fault } from '../spec/fault-proxy.js';
import { findOrder } from './store.js';

jest.setTimeout(60_000);

let ops: OpsHarness;
beforeAll(async () => {
  ops = await OpsHarness.start();
}, 120_000);
afterAll(() => ops.stop());
beforeEach(() => ops.proxy.spoil(() => undefined));

const FAULTS = ['drop', 'apply-then-drop', 'timeout-then-apply'] satisfies Fault[];

async function created(): Promise<Deal> {
  const deal = newDeal();
  await ops.run(command('CreateOrder', deal));
  return deal;
}
async function provisioned(): Promise<Deal> {
  const deal = await created();
  await ops.run(command('ProvisionOrder', deal));
  return deal;
}
const orderOf = async (deal: Deal) => (await ops.inMedusa(deal)).orders[0]!;

/** Spoils each call of a command in turn, in every way; `check` says what must hold whatever happened. */
async function withEveryFault(
  prepare: () => Promise<Deal>,
  type: 'ProvisionOrder' | 'ReleaseOrder' | 'CancelOrder',
  check: (deal: Deal) => Promise<void>,
): Promise<void> {
  const sample = await prepare();
  ops.proxy.spoil(() => undefined);
  await ops.run(command(type, sample));
  const calls = ops.proxy.calls.length;
  for (const fault of FAULTS) {
    for (let spoilt = 0; spoilt < calls; spoilt += 1) {
      ops.proxy.spoil(() => undefined);
      const deal = await prepare();
      ops.proxy.spoil((_, index) => (index === spoilt ? fault : undefined));
      await ops.run(command(type, deal));
      await ops.proxy.applyLate();
      await ops.poll();
      await check(deal);
    }
  }
}

describe('provisioning', () => {
  it('fulfils the order once, after a fault at any call', async () => {
    await withEveryFault(created, 'ProvisionOrder', async (deal) => {
      const order = await orderOf(deal);
      expect(order.fulfilment).toBe('fulfilled');
      expect(order.fulfilments.filter((it) => !it.cancelledAt)).toHaveLength(1);
      expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioned']);
    });
  }, 300_000);

  it('tells what is to be delivered as the deal counts it, also where Medusa keeps one unit at the amount', async () => {
    const lines = [
      newLine('10.0000', { lineItemId: '8', name: 'Seats', quantity: '3.0000', amount: '30.0000' }),
      newLine('100.0000', { lineItemId: '9', name: 'Setup', quantity: '4.0000', amount: '360.0000' }),
    ];
    const deal = newDeal({ totalAmount: '390.0000', lineItems: lines });
    await ops.run(command('CreateOrder', deal));
    await ops.run(command('ProvisionOrder', deal));
    expect(ops.emitted.at(-1)).toMatchObject({ type: 'OrderProvisioned' });
    expect((ops.emitted.at(-1)!.payload as { lines: unknown[] }).lines).toEqual([
      { lineItemId: '8', sku: lines[0]!.sku, name: 'Seats', quantity: '3.0000' },
      { lineItemId: '9', sku: lines[1]!.sku, name: 'Setup', quantity: '4.0000' },
    ]);
  });

  it('is refused for an order that a person cancelled', async () => {
    const deal = await created();
    await ops.person.cancelOrder((await orderOf(deal)).id);
    await ops.run(command('ProvisionOrder', deal));
    expect(ops.emitted.at(-1)).toMatchObject({
      type: 'OrderProvisioningRejected',
      payload: { reason: 'order-cancelled' },
    });
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioningRejected', 'OrderCancelled']);
  });

  it('is refused for an order that is not known', async () => {
    await ops.run(command('ProvisionOrder', newDeal()));
    expect(ops.emitted.at(-1)).toMatchObject({ payload: { reason: 'order-unknown', field: 'orderId' } });
  });
});

describe('release', () => {
  it('leaves nothing fulfilled, after a fault at any call', async () => {
    await withEveryFault(provisioned, 'ReleaseOrder', async (deal) => {
      const order = await orderOf(deal);
      expect([order.fulfilment, order.fulfilments.filter((it) => !it.cancelledAt).length]).toEqual(['open', 0]);
      expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioned', 'OrderReleased']);
    });
  }, 300_000);

  it('takes back a fulfilment of ours that was applied after the release', async () => {
    const deal = await created();
    ops.proxy.spoil((call) => (call.path.endsWith('/fulfillments') ? 'timeout-then-apply' : undefined));
    await expect(ops.attempt(command('ProvisionOrder', deal), 1)).rejects.toMatchObject({ retry: 'pause' });
    ops.proxy.spoil(() => undefined);
    await ops.run(command('ReleaseOrder', deal));
    await ops.proxy.applyLate();
    expect((await orderOf(deal)).fulfilment).toBe('fulfilled');
    await ops.poll();
    expect((await orderOf(deal)).fulfilment).toBe('open');
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderReleased']);
  });
});

describe('cancellation', () => {
  it('cancels the order once, after a fault at any call', async () => {
    await withEveryFault(created, 'CancelOrder', async (deal) => {
      expect((await orderOf(deal)).lifeCycle).toBe('cancelled');
      expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderCancelled']);
    });
  }, 300_000);

  it('is fine where a person was first, and announces it once', async () => {
    const deal = await created();
    await ops.person.cancelOrder((await orderOf(deal)).id);
    await ops.run(command('CancelOrder', deal));
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderCancelled']);
  });

  it('is refused while a fulfilment stands', async () => {
    const deal = await provisioned();
    await ops.run(command('CancelOrder', deal));
    expect(ops.emitted.at(-1)).toMatchObject({
      type: 'OrderCancellationRejected',
      payload: { reason: 'fulfilment-stands' },
    });
  });

  it('of an order that never was succeeds, and its creation is refused afterwards', async () => {
    const deal = newDeal();
    await ops.run(command('CancelOrder', deal));
    await ops.run(command('CreateOrder', deal));
    expect(ops.sent(deal.orderId)).toEqual(['OrderCancelled', 'OrderRejected']);
    expect(await findOrder(ops.database, deal.orderId)).toMatchObject({ lifeCycle: 'cancelled', medusaOrderId: null });
    expect(await ops.inMedusa(deal)).toMatchObject({ orders: [], drafts: 0 });
  });

  it.each([
    ['before its draft became an order', '/convert-to-order', 'drop' as const],
    ['after its draft became an order', '/convert-to-order', 'apply-then-drop' as const],
  ])('of an order whose creation ended %s leaves none standing', async (_, path, fault) => {
    const deal = newDeal();
    ops.proxy.spoil((call) => (call.path.endsWith(path) ? fault : undefined));
    await expect(ops.attempt(command('CreateOrder', deal), 1)).rejects.toMatchObject({ retry: 'pause' });
    ops.proxy.spoil(() => undefined);
    await ops.run(command('CancelOrder', deal));
    const { orders, drafts } = await ops.inMedusa(deal);
    expect([orders.filter((order) => order.lifeCycle !== 'cancelled').length, drafts]).toEqual([0, 0]);
    expect(ops.sent(deal.orderId)).toEqual(['OrderCancelled']);
  });
});
