import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { command, newAccount, newDeal, newLine, OpsHarness, type Deal } from '../spec/ops-harness.js';
import type { Fault } from '../spec/fault-proxy.js';

jest.setTimeout(60_000);

let ops: OpsHarness;
beforeAll(async () => {
  ops = await OpsHarness.start();
}, 120_000);
afterAll(() => ops.stop());
beforeEach(() => ops.proxy.spoil(() => undefined));

async function expectOneOrder(deal: Deal): Promise<void> {
  const { orders, drafts } = await ops.inMedusa(deal);
  expect({ orders: orders.map((order) => [order.currency, order.totalAmount, order.lifeCycle]), drafts }).toEqual({
    orders: [[deal.currency, deal.totalAmount, 'created']],
    drafts: 0,
  });
  expect(ops.sent(deal.orderId)).toEqual(['OrderCreated']);
}

async function expectNothing(deal: Deal): Promise<void> {
  const { orders, drafts } = await ops.inMedusa(deal);
  expect({ orders: orders.length, drafts }).toEqual({ orders: 0, drafts: 0 });
}

describe('exactly one order', () => {
  it('is created, with number, total and external ids', async () => {
    const deal = newDeal();
    await ops.run(command('CreateOrder', deal));
    await expectOneOrder(deal);
    const { orders, customers } = await ops.inMedusa(deal);
    expect(ops.emitted.at(-1)).toMatchObject({
      type: 'OrderCreated',
      payload: {
        orderId: deal.orderId,
        orderNumber: orders[0]!.orderNumber,
        totalAmount: deal.totalAmount,
        externalIds: [
          { system: 'medusa', tenant: 'store_spec', type: 'order', id: orders[0]!.id },
          { system: 'medusa', tenant: 'store_spec', type: 'customer', id: customers[0] },
        ],
      },
    });
  });

  it('keeps the service period with the order in Medusa, and tells it on', async () => {
    const deal = newDeal({ serviceStart: '2028-02-29', serviceEnd: '2029-02-27' });
    await ops.run(command('CreateOrder', deal));
    const period = { serviceStart: '2028-02-29', serviceEnd: '2029-02-27' };
    expect((await ops.inMedusa(deal)).orders).toMatchObject([period]);
    expect(ops.emitted.at(-1)).toMatchObject({ type: 'OrderCreated', payload: period });
    const without = newDeal({ serviceStart: null, serviceEnd: null });
    await ops.run(command('CreateOrder', without));
    expect(ops.emitted.at(-1)).toMatchObject({ payload: { serviceStart: null, serviceEnd: null } });
  });

  it.each([
    [
      'JPY',
      newDeal({
        currency: 'JPY',
        totalAmount: '120000.0000',
        lineItems: [newLine('60000.0000', { quantity: '2.0000', amount: '120000.0000' })],
      }),
    ],
    ['KWD', newDeal({ currency: 'KWD', totalAmount: '100.1250', lineItems: [newLine('100.1250')] })],
    [
      'a discounted line',
      newDeal({
        totalAmount: '2700.0000',
        lineItems: [newLine('1000.0000', { quantity: '3.0000', amount: '2700.0000' })],
      }),
    ],
    ['a rebate line', newDeal({ totalAmount: '900.0000', lineItems: [newLine('1000.0000'), newLine('-100.0000')] })],
  ])('comes to the exact total: %s', async (_, deal) => {
    await ops.run(command('CreateOrder', deal));
    await expectOneOrder(deal);
  });

  it('stands after a fault at any call', async () => {
    const sample = newDeal();
    await ops.run(command('CreateOrder', sample));
    const calls = ops.proxy.calls.length;
    expect(calls).toBeGreaterThan(5);
    for (const fault of ['drop', 'apply-then-drop', 'timeout-then-apply'] satisfies Fault[]) {
      for (let spoilt = 0; spoilt < calls; spoilt += 1) {
        const deal = newDeal();
        ops.proxy.spoil((_, index) => (index === spoilt ? fault : undefined));
        await ops.run(command('CreateOrder', deal));
        await ops.proxy.applyLate();
        await ops.poll();
        await expectOneOrder(deal);
      }
    }
  }, 600_000);

  it('answers a second command for the same order without a second order', async () => {
    const deal = newDeal();
    await ops.run(command('CreateOrder', deal));
    await ops.run(command('CreateOrder', deal));
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderCreated']);
    expect((await ops.inMedusa(deal)).orders).toHaveLength(1);
  });

  it('one customer and one product for deals of one new account at once', async () => {
    const account = newAccount();
    const line = newLine('1250.5000');
    const deals = Array.from({ length: 5 }, () => newDeal({ account, lineItems: [line] }));
    await Promise.all(deals.map((deal) => ops.run(command('CreateOrder', deal))));
    const created = (path: string) => ops.proxy.calls.filter((it) => it.method === 'POST' && it.path === path).length;
    expect([created('/admin/customers'), created('/admin/products')]).toEqual([1, 1]);
    for (const deal of deals) await expectOneOrder(deal);
  });

  it('one customer where two accounts share an email, and one variant where two products share a SKU', async () => {
    const [a, b] = [newAccount(), newAccount()];
    const [first, second] = [newLine('1250.5000'), newLine('1250.5000')];
    const deals = [
      newDeal({ account: a, lineItems: [first] }),
      newDeal({ account: { ...b, billingEmail: a.billingEmail }, lineItems: [{ ...second, sku: first.sku }] }),
    ];
    await Promise.all(deals.map((deal) => ops.run(command('CreateOrder', deal))));
    for (const deal of deals) await expectOneOrder(deal);
  });
});

describe('a refused order', () => {
  it('whose total Medusa computes otherwise leaves nothing behind', async () => {
    const deal = newDeal({ totalAmount: '1250.4900' });
    await ops.run(command('CreateOrder', deal));
    expect(ops.emitted.at(-1)).toMatchObject({
      type: 'OrderRejected',
      payload: { reason: 'total-mismatch', field: 'totalAmount' },
    });
    await expectNothing(deal);
  });

  it('leaves nothing behind after a fault at any call', async () => {
    const sample = newDeal({ totalAmount: '1.0000' });
    await ops.run(command('CreateOrder', sample));
    const calls = ops.proxy.calls.length;
    for (const fault of ['apply-then-drop', 'timeout-then-apply'] satisfies Fault[]) {
      for (let spoilt = 0; spoilt < calls; spoilt += 1) {
        const deal = newDeal({ totalAmount: '1.0000' });
        ops.proxy.spoil((_, index) => (index === spoilt ? fault : undefined));
        await ops.run(command('CreateOrder', deal));
        await ops.proxy.applyLate();
        await ops.poll();
        expect(ops.sent(deal.orderId)).toEqual(['OrderRejected']);
        await expectNothing(deal);
      }
    }
  }, 600_000);

  it('names the currency that the shop does not sell in', async () => {
    const deal = newDeal({ currency: 'XAF', totalAmount: '1000.0000', lineItems: [newLine('1000.0000')] });
    await ops.run(command('CreateOrder', deal));
    expect(ops.emitted.at(-1)).toMatchObject({
      type: 'OrderRejected',
      payload: { reason: 'currency-not-sold', field: 'currency' },
    });
  });

  it('names the field of an amount that Medusa cannot take', async () => {
    const deal = newDeal({ totalAmount: '99999999999999.9999', lineItems: [newLine('99999999999999.9999')] });
    await ops.run(command('CreateOrder', deal));
    expect(ops.emitted.at(-1)).toMatchObject({ type: 'OrderRejected', payload: { field: 'lineItems[0].unitAmount' } });
    await expectNothing(deal);
  });
});
