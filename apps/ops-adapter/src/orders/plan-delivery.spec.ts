import { describe, expect, it } from '@jest/globals';
import type { MedusaLine, MedusaOrder, OrderFulfilment } from '@throughline/connectors/medusa';
import { medusaLine, medusaOrder } from '../spec/order-examples.js';
import { planDelivery } from './plan-delivery.js';

const shelf = (quantity: number) => ({ locationId: 'sloc_1', quantity });
const packed: OrderFulfilment = {
  id: 'ful_1',
  orderId: medusaOrder({}).orderId,
  createdAt: '2026-11-22T10:01:00.000Z',
  cancelledAt: undefined,
  requiresShipping: true,
  shippedAt: undefined,
  items: [{ itemId: 'item_1', quantity: 1 }],
};

function plan(line: Partial<MedusaLine>, quantity: number | undefined, order: Partial<MedusaOrder> = {}) {
  const stock = quantity === undefined ? undefined : shelf(quantity);
  return planDelivery(medusaOrder({ lines: [medusaLine(line)], ...order }), '1', stock);
}

describe('the delivery of a line', () => {
  it.each([
    ['takes all of what keeps no stock', { remaining: 3 }, undefined, { fulfil: { id: 'item_1', quantity: 3 } }],
    [
      'takes what is on the shelf, from where it is',
      { remaining: 3, keepsStock: true },
      2,
      { fulfil: { id: 'item_1', quantity: 2 }, locationId: 'sloc_1' },
    ],
    ['takes no more than was ordered', { remaining: 3, keepsStock: true }, 9, { fulfil: { quantity: 3 } }],
    ['waits where nothing is there', { remaining: 3, keepsStock: true }, 0, { short: true }],
    ['waits where more was taken than was there', { remaining: 3, keepsStock: true }, -1, { short: true }],
    ['waits where the variant is gone', { remaining: 3, keepsStock: true }, undefined, { short: true }],
    ['takes whole pieces of a part', { remaining: 3, keepsStock: true }, 2.5, { fulfil: { quantity: 2 } }],
    ['takes the half that an order ends in', { remaining: 0.5, keepsStock: true }, 0.5, { fulfil: { quantity: 0.5 } }],
    ['waits for the rest of a piece', { remaining: 1, keepsStock: true }, 0.5, { short: true }],
    ['is done where nothing is left', { remaining: 0 }, undefined, { done: true }],
  ])('%s', (_, line, quantity, expected) => expect(plan(line, quantity)).toMatchObject(expected));

  it('ships what is packed before it packs more', () => {
    const fulfilments = [packed];
    expect(plan({ remaining: 2 }, undefined, { fulfilments })).toEqual({ ship: packed });
    const gone = { ...packed, cancelledAt: packed.createdAt };
    const shipped = { ...packed, shippedAt: packed.createdAt };
    const ofOther = { ...packed, items: [{ itemId: 'item_2', quantity: 1 }] };
    const licence = { ...packed, requiresShipping: false };
    expect(plan({ remaining: 0 }, undefined, { fulfilments: [gone, shipped, ofOther, licence] })).toEqual({
      done: true,
    });
  });

  it('gives back what it packed where another order was faster, and leaves alone what a person packed', () => {
    const line = { remaining: 0, keepsStock: true };
    expect(plan(line, -1, { fulfilments: [packed] })).toEqual({ giveBack: packed });
    expect(plan(line, 0, { fulfilments: [packed] })).toEqual({ ship: packed });
    const byHand = { ...packed, orderId: undefined };
    expect(plan(line, -1, { fulfilments: [byHand] })).toEqual({ ship: byHand });
  });

  it('is refused for a cancelled order, and for a line that is not there', () => {
    expect(plan({}, undefined, { lifeCycle: 'cancelled' })).toMatchObject({ refused: { reason: 'order-cancelled' } });
    expect(plan({ lineItemId: '2' }, undefined)).toMatchObject({
      refused: { reason: 'line-unknown', field: 'lineItemId' },
    });
  });
});
