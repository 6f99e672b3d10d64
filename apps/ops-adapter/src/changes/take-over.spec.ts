import { describe, expect, it } from '@jest/globals';
import { medusaLine, medusaOrder, orderLine, salesOrder } from '../spec/order-examples.js';
import { withDelivery } from '../orders/transitions.js';
import { takeOver } from './take-over.js';

const now = '2026-11-22T11:00:00.000Z';
const at = { now, storeId: 'store_1' };
const later = '2@2026-11-22T10:01:00.000Z';
const fulfilment = {
  id: 'ful_1',
  orderId: undefined,
  createdAt: '2026-11-22T10:01:00.000Z',
  cancelledAt: undefined,
  requiresShipping: false,
  shippedAt: undefined,
  items: [],
};
const ours = { ...fulfilment, orderId: salesOrder({}).orderId };

describe('what people do in Medusa', () => {
  it('becomes an event once: cancelled', () => {
    const seen = medusaOrder({ lifeCycle: 'cancelled', cancelledAt: '2026-11-22T10:01:00.000Z', sourceVersion: later });
    const first = takeOver(salesOrder({}), seen, [], at);
    expect(first).toMatchObject({
      events: ['OrderCancelled'],
      row: { lifeCycle: 'cancelled', cancelledAt: seen.cancelledAt },
    });
    expect(takeOver(first.row!, seen, [], at)).toEqual({ events: [], lineEvents: [], strays: [] });
  });

  it('becomes an event once: fulfilled, then taken back', () => {
    const seen = medusaOrder({ fulfilment: 'fulfilled', fulfilments: [fulfilment], sourceVersion: later });
    const provisioned = takeOver(salesOrder({}), seen, [], at);
    expect(provisioned.events).toEqual(['OrderProvisioned']);
    expect(takeOver(provisioned.row!, seen, [], at).events).toEqual([]);
    const back = medusaOrder({ fulfilments: [{ ...fulfilment, cancelledAt: now }], sourceVersion: later });
    const released = takeOver(provisioned.row!, back, [], at);
    expect(released).toMatchObject({ events: ['OrderReleased'], row: { releasedAt: now } });
    expect(takeOver(released.row!, back, [], at).events).toEqual([]);
  });

  it('in one go is announced in order', () => {
    const known = salesOrder({
      fulfilment: 'fulfilled',
      provisionedAt: fulfilment.createdAt,
      medusaFulfilmentIds: ['ful_1'],
    });
    const seen = medusaOrder({
      lifeCycle: 'cancelled',
      fulfilments: [{ ...fulfilment, cancelledAt: now }],
      sourceVersion: later,
    });
    expect(takeOver(known, seen, [], at).events).toEqual(['OrderReleased', 'OrderCancelled']);
  });

  it('ends, once, the wait for each line that was asked for and has no answer', () => {
    const lines = [
      orderLine({ requested: true, backordered: 1 }),
      orderLine({ lineItemId: '2', requested: true, fulfilledAt: now }),
      orderLine({ lineItemId: '3' }),
    ];
    const known = salesOrder({ lines, provisionedAt: fulfilment.createdAt, medusaFulfilmentIds: ['ful_1'] });
    const read = {
      lines: ['1', '2', '3'].map((lineItemId) => medusaLine({ lineItemId, itemId: `item_${lineItemId}` })),
      fulfilments: [{ ...fulfilment, cancelledAt: now }],
      sourceVersion: later,
    };
    const told = (reason: string) => [
      { type: 'OrderLineFulfilmentRejected', payload: { lineItemId: '1', occurrence: 1, reason } },
    ];
    const released = takeOver(known, medusaOrder(read), [], at);
    expect(released).toMatchObject({ events: ['OrderReleased'], lineEvents: told('order-released') });
    const cancelled = medusaOrder({ ...read, lifeCycle: 'cancelled', cancelledAt: now });
    expect(takeOver(known, cancelled, [], at)).toMatchObject({
      events: ['OrderReleased', 'OrderCancelled'],
      lineEvents: told('order-cancelled'),
    });
    expect(takeOver(released.row!, cancelled, [], at)).toMatchObject({ events: ['OrderCancelled'], lineEvents: [] });
  });

  it('while we delivered a line is left to the next reading, which tells it', () => {
    const lines = [orderLine({ requested: true, backordered: 1 })];
    const known = salesOrder({ lines, provisionedAt: fulfilment.createdAt, medusaFulfilmentIds: ['ful_1'] });
    const remaining = [{ id: 'item_2', quantity: 1, requiresShipping: false, keepsStock: false }];
    const read = { lines: [medusaLine({})], remaining, fulfilments: [{ ...fulfilment, cancelledAt: now }] };
    const seen = medusaOrder({ ...read, sourceVersion: later });
    const delivered = withDelivery(known, seen, now);
    expect(delivered).toMatchObject({ provisionedAt: known.provisionedAt, lines: [{ requested: true }] });
    expect(takeOver(delivered, seen, [], at)).toMatchObject({
      events: ['OrderReleased'],
      lineEvents: [{ type: 'OrderLineFulfilmentRejected', payload: { reason: 'order-released' } }],
    });
  });

  it('in part changes the row and announces nothing', () => {
    const seen = medusaOrder({ fulfilment: 'partial', fulfilments: [fulfilment], sourceVersion: later });
    expect(takeOver(salesOrder({}), seen, [], at)).toMatchObject({ events: [], row: { fulfilment: 'partial' } });
  });
});

describe('what we did ourselves', () => {
  it('ends here when it comes back', () => {
    const known = salesOrder({
      fulfilment: 'fulfilled',
      provisionedAt: ours.createdAt,
      medusaFulfilmentIds: ['ful_1'],
    });
    const echo = medusaOrder({ fulfilment: 'fulfilled', fulfilments: [ours] });
    expect(takeOver(known, echo, [], at)).toEqual({ events: [], lineEvents: [], strays: [] });
  });

  it('is taken back where a lost call was applied when nobody waited for it any more', () => {
    const known = salesOrder({ releasedAt: '2026-11-22T10:02:00.000Z' });
    const seen = medusaOrder({ fulfilment: 'fulfilled', fulfilments: [ours], sourceVersion: later });
    expect(takeOver(known, seen, [], at)).toEqual({ events: [], lineEvents: [], strays: [ours] });
  });
});

describe('a reading that is no news', () => {
  it.each([
    ['an older one', salesOrder({ sourceVersion: later }), medusaOrder({ lifeCycle: 'cancelled' })],
    ['of another order with our reference', salesOrder({}), medusaOrder({ id: 'order_2', lifeCycle: 'cancelled' })],
    ['of an order that we refused', salesOrder({ lifeCycle: 'rejected' }), medusaOrder({ lifeCycle: 'cancelled' })],
  ])('changes nothing: %s', (_, known, seen) =>
    expect(takeOver(known, seen, [], at)).toEqual({ events: [], lineEvents: [], strays: [] }),
  );
});
