import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { command, deliver, newDeal, newLine, OpsHarness, type Deal } from '../spec/ops-harness.js';
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
const orderOf = async (deal: Deal) => (await ops.inMedusa(deal)).orders[0]!;
const standing = async (deal: Deal) => (await orderOf(deal)).fulfilments.filter((it) => !it.cancelledAt);
const toldOf = (deal: Deal, line = deal.lineItems[0]!) => ops.told(deal.orderId, line.lineItemId);

/** A deal of so many pieces of something that stock is kept of, created and provisioned. */
async function provisioned(quantity: number, stock: number): Promise<Deal> {
  const line = newLine('10.0000', { quantity: `${quantity}.0000`, amount: `${quantity * 10}.0000` });
  await ops.setStock(line.sku, stock);
  return provision(newDeal({ totalAmount: line.amount, lineItems: [line] }));
}
async function provision(deal: Deal): Promise<Deal> {
  await ops.run(command('CreateOrder', deal));
  await ops.run(command('ProvisionOrder', deal));
  expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioned']);
  return deal;
}
const skuOf = (deal: Deal) => deal.lineItems[0]!.sku;

describe('a line that needs no shipping', () => {
  it('is delivered by the fulfilment that provisioning made: nothing more is written', async () => {
    const deal = await provision(newDeal());
    ops.proxy.spoil(() => undefined);
    for (const line of deal.lineItems) await ops.run(deliver(deal, line));
    expect(deal.lineItems.map((line) => toldOf(deal, line))).toEqual([
      ['OrderLineShipped 1', 'OrderLineFulfilled 1'],
      ['OrderLineShipped 2.5', 'OrderLineFulfilled 2.5'],
    ]);
    expect(ops.proxy.calls.filter(({ method }) => method !== 'GET')).toEqual([]);
    await ops.poll();
    expect(ops.sent(deal.orderId)).toHaveLength(2 + 4);
  });

  it('can be taken back after it was delivered', async () => {
    const deal = await provision(newDeal());
    for (const line of deal.lineItems) await ops.run(deliver(deal, line));
    await ops.run(command('ReleaseOrder', deal));
    await ops.run(command('CancelOrder', deal));
    expect(ops.sent(deal.orderId).slice(-2)).toEqual(['OrderReleased', 'OrderCancelled']);
    expect(await findOrder(ops.database, deal.orderId)).toMatchObject({
      lines: [{ requested: false, fulfilledAt: null }, { requested: false }],
    });
  });
});

describe('a line that is in stock', () => {
  it('is packed and shipped, once, and taken off the shelf', async () => {
    const deal = await provisioned(3, 10);
    expect(await standing(deal)).toEqual([]);
    await ops.run(deliver(deal));
    expect(toldOf(deal)).toEqual(['OrderLineShipped 3', 'OrderLineFulfilled 3']);
    const [shipment, ...others] = await standing(deal);
    expect([shipment, others]).toMatchObject([{ shippedAt: expect.any(String), orderId: deal.orderId }, []]);
    expect(ops.emitted.at(-2)!.payload).toMatchObject({
      shippedAt: shipment!.shippedAt,
      externalIds: [{ type: 'order' }, { type: 'customer' }, { type: 'fulfillment', id: shipment!.id }],
    });
    expect(await ops.stockOf(skuOf(deal))).toBe(7);
    await ops.poll();
    await ops.run(deliver(deal));
    expect(toldOf(deal)).toEqual(['OrderLineShipped 3', 'OrderLineFulfilled 3', 'OrderLineFulfilled 3']);
    expect(await ops.stockOf(skuOf(deal))).toBe(7);
  });

  it('cannot be released once it was shipped', async () => {
    const deal = await provisioned(1, 1);
    await ops.run(deliver(deal));
    await ops.run(command('ReleaseOrder', deal));
    expect(ops.emitted.at(-1)).toMatchObject({ type: 'OrderReleaseRejected', payload: { reason: 'already-shipped' } });
  });

  it('is not taken for released while it waits on the shelf', async () => {
    const deal = await provisioned(3, 10);
    await ops.poll();
    expect(ops.sent(deal.orderId)).toEqual(['OrderCreated', 'OrderProvisioned']);
    await ops.run(command('ReleaseOrder', deal));
    await ops.run(command('CancelOrder', deal));
    expect(ops.sent(deal.orderId).slice(2)).toEqual(['OrderReleased', 'OrderCancelled']);
  });
});

describe('a line that is not in stock', () => {
  it('ships what is there, and the rest as stock arrives, without another command', async () => {
    const deal = await provisioned(5, 2);
    await ops.run(deliver(deal));
    expect(toldOf(deal)).toEqual(['OrderLineShipped 2', 'OrderLineBackordered 3']);
    await ops.poll();
    expect(toldOf(deal)).toHaveLength(2);
    await ops.setStock(skuOf(deal), 1);
    await ops.poll();
    await ops.poll();
    expect(toldOf(deal).slice(2)).toEqual(['OrderLineShipped 1']);
    expect(ops.emitted.at(-1)).toMatchObject({ payload: { outstandingQuantity: '2.0000' } });
    await ops.setStock(skuOf(deal), 9);
    await ops.poll();
    await ops.poll();
    expect(toldOf(deal).slice(3)).toEqual(['OrderLineShipped 2', 'OrderLineFulfilled 5']);
    expect(await ops.stockOf(skuOf(deal))).toBe(7);
    expect(await standing(deal)).toHaveLength(3);
    const ids = ops.emitted
      .filter(
        ({ type, payload }) => type === 'OrderLineShipped' && (payload as { orderId: string }).orderId === deal.orderId,
      )
      .map(({ payload }) => (payload as { fulfilmentId: string }).fulfilmentId);
    expect(new Set(ids).size).toBe(3);
  });

  it('does not follow what has left once the order was to be released', async () => {
    const deal = await provisioned(5, 2);
    await ops.run(deliver(deal));
    const release = command('ReleaseOrder', deal);
    await ops.run(release);
    const causationId = release.envelope.id;
    const stillHere = expect.stringMatching(
      /^Fulfilment .+ was shipped: handle it as a return in Medusa\. Still here: 3\.0000 of 5\.0000 of line 1 \(.+\), waited for no more\. If the order stands, /,
    );
    expect(ops.emitted.slice(-2)).toMatchObject([
      { type: 'OrderReleaseRejected', payload: { reason: 'already-shipped', message: stillHere } },
      {
        type: 'OrderLineFulfilmentRejected',
        payload: { lineItemId: '1', occurrence: 1, message: expect.stringContaining('2.0000 of 5.0000 were shipped') },
        causationId,
      },
    ]);
    await ops.setStock(skuOf(deal), 9);
    await ops.poll();
    await ops.run(command('ReleaseOrder', deal));
    // Also who asks once more is told of it.
    expect(ops.emitted.at(-1)).toMatchObject({ type: 'OrderReleaseRejected', payload: { message: stillHere } });
    expect(toldOf(deal)).toEqual([
      'OrderLineShipped 2',
      'OrderLineBackordered 3',
      'OrderLineFulfilmentRejected order-released',
    ]);
    expect(await ops.stockOf(skuOf(deal))).toBe(9);
  });

  it.each([
    ['released', ['ReleaseOrder', 'CancelOrder'], ['OrderReleased', 'order-released', 'OrderCancelled']],
    ['cancelled', ['CancelOrder', 'CancelOrder'], ['OrderCancelled', 'order-cancelled', 'OrderCancelled']],
  ] as const)('is answered, once, when its order is %s', async (_, commands, answers) => {
    const deal = await provisioned(5, 0);
    await ops.run(deliver(deal));
    for (const type of commands) await ops.run(command(type, deal));
    await ops.poll();
    const sent = ops.emitted.filter(({ payload }) => (payload as { orderId: string }).orderId === deal.orderId);
    expect(sent.slice(3).map(({ type, payload }) => (payload as { reason?: string }).reason ?? type)).toEqual(answers);
    expect(toldOf(deal)).toEqual(['OrderLineBackordered 5', `OrderLineFulfilmentRejected ${answers[1]}`]);
  });

  it('asks nobody for stock while nobody waits, and goes to who waits longest first', async () => {
    const first = await provisioned(1, 0);
    const second = await provision({ ...newDeal({ totalAmount: '10.0000' }), lineItems: first.lineItems });
    await ops.run(deliver(second));
    await ops.run(deliver(first));
    await ops.setStock(skuOf(first), 1);
    await ops.poll();
    expect([toldOf(first), toldOf(second)]).toEqual([
      ['OrderLineBackordered 1', 'OrderLineShipped 1', 'OrderLineFulfilled 1'],
      ['OrderLineBackordered 1'],
    ]);
    await ops.run(command('ReleaseOrder', second));
    await ops.run(command('CancelOrder', second));
    ops.proxy.spoil(() => undefined);
    await ops.poll();
    expect(ops.proxy.calls.filter(({ path }) => path === '/admin/product-variants')).toEqual([]);
  });

  it('never ships what two orders take at once, and never sells it twice', async () => {
    for (let n = 0; n < 5; n += 1) {
      const first = await provisioned(1, 1);
      const second = await provision({ ...newDeal({ totalAmount: '10.0000' }), lineItems: first.lineItems });
      await Promise.all([ops.run(deliver(first)), ops.run(deliver(second))]);
      for (let polls = 0; polls < 3; polls += 1) await ops.poll();
      const shipped = (await Promise.all([standing(first), standing(second)])).flat();
      expect(shipped).toMatchObject([{ shippedAt: expect.any(String) }]);
      expect(await ops.stockOf(skuOf(first))).toBe(0);
      expect([...toldOf(first), ...toldOf(second)].filter((it) => it === 'OrderLineShipped 1')).toHaveLength(1);
    }
  });
});

describe('a fault at any call', () => {
  /** Spoils each call in turn, in every way; `act` is what is spoilt. */
  async function withEveryFault(
    prepare: () => Promise<Deal>,
    act: (deal: Deal) => Promise<unknown>,
    check: (deal: Deal) => Promise<void>,
  ): Promise<void> {
    const sample = await prepare();
    ops.proxy.spoil(() => undefined);
    await act(sample);
    const calls = [...ops.proxy.calls];
    expect(calls.length).toBeGreaterThan(4);
    for (const fault of FAULTS) {
      for (const [spoilt, { method }] of calls.entries()) {
        // Whether a question reached Medusa makes no difference.
        if (method === 'GET' && fault !== 'drop') continue;
        ops.proxy.spoil(() => undefined);
        const deal = await prepare();
        ops.proxy.spoil((_, index) => (index === spoilt ? fault : undefined));
        await act(deal);
        await ops.proxy.applyLate();
        for (let polls = 0; polls < 2; polls += 1) await ops.poll();
        await check(deal);
      }
    }
  }

  it('of a delivery ships what is in stock once, and back-orders the rest once', async () => {
    await withEveryFault(
      () => provisioned(5, 2),
      (deal) => ops.run(deliver(deal)),
      async (deal) => {
        expect(toldOf(deal)).toEqual(['OrderLineShipped 2', 'OrderLineBackordered 3']);
        expect(await standing(deal)).toMatchObject([{ shippedAt: expect.any(String), items: [{ quantity: 2 }] }]);
        expect(await ops.stockOf(skuOf(deal))).toBe(0);
      },
    );
  }, 300_000);

  it('of what ships when stock arrives ships it once', async () => {
    const backordered = async () => {
      const deal = await provisioned(3, 0);
      await ops.run(deliver(deal));
      await ops.setStock(skuOf(deal), 8);
      return deal;
    };
    await withEveryFault(
      backordered,
      async () => {
        // A poll that fails is followed by the next one.
        for (let polls = 0; polls < 3; polls += 1) await ops.poll().catch(() => undefined);
      },
      async (deal) => {
        expect(toldOf(deal)).toEqual(['OrderLineBackordered 3', 'OrderLineShipped 3', 'OrderLineFulfilled 3']);
        expect(await standing(deal)).toHaveLength(1);
        expect(await ops.stockOf(skuOf(deal))).toBe(5);
      },
    );
  }, 300_000);
});

describe('a delivery is refused', () => {
  const refusal = () => ops.emitted.at(-1);

  it('of an order that is not known, and of a line that it does not have', async () => {
    await ops.run(deliver(newDeal()));
    expect(refusal()).toMatchObject({ type: 'OrderLineFulfilmentRejected', payload: { reason: 'order-unknown' } });
    const deal = await provision(newDeal());
    await ops.run(deliver(deal, newLine('1.0000', { lineItemId: '99' })));
    expect(refusal()).toMatchObject({
      type: 'OrderLineFulfilmentRejected',
      payload: { lineItemId: '99', reason: 'line-unknown', field: 'lineItemId' },
    });
  });

  it('of another quantity than was ordered', async () => {
    const deal = await provision(newDeal());
    await ops.run(deliver(deal, { ...deal.lineItems[0]!, quantity: '2.0000' }));
    expect(refusal()).toMatchObject({ payload: { reason: 'quantity-mismatch', field: 'quantity' } });
  });

  it('of an order that was cancelled, by command or by a person', async () => {
    const cancelled = newDeal();
    await ops.run(command('CreateOrder', cancelled));
    await ops.run(command('CancelOrder', cancelled));
    await ops.run(deliver(cancelled));
    expect(refusal()).toMatchObject({ payload: { lineItemId: '1', reason: 'order-cancelled' } });
    const deal = await provisioned(1, 1);
    await ops.person.cancelOrder((await orderOf(deal)).id);
    await ops.run(deliver(deal));
    expect(refusal()).toMatchObject({ payload: { lineItemId: '1', reason: 'order-cancelled' } });
  });

  it('of an order that was released meanwhile, which can then be cancelled, or provisioned and delivered again', async () => {
    const deal = await provision(newDeal());
    const overtaken = deliver(deal);
    await ops.run(command('ReleaseOrder', deal));
    await ops.run(overtaken);
    expect(refusal()).toMatchObject({ type: 'OrderLineFulfilmentRejected', payload: { reason: 'order-released' } });
    expect(await standing(deal)).toEqual([]);
    await ops.run(command('ProvisionOrder', deal));
    await ops.run(deliver(deal));
    expect(refusal()).toMatchObject({ type: 'OrderLineFulfilled' });
  });

  it('while an order that waits for stock is cancelled, nothing ships any more', async () => {
    const deal = await provisioned(1, 0);
    await ops.run(deliver(deal));
    await ops.person.cancelOrder((await orderOf(deal)).id);
    await ops.setStock(skuOf(deal), 5);
    for (let polls = 0; polls < 2; polls += 1) await ops.poll();
    expect(ops.sent(deal.orderId).slice(2)).toEqual([
      'OrderLineBackordered',
      'OrderCancelled',
      'OrderLineFulfilmentRejected',
    ]);
    expect(refusal()).toMatchObject({ payload: { lineItemId: '1', reason: 'order-cancelled' } });
    expect(await ops.stockOf(skuOf(deal))).toBe(5);
  });
});
