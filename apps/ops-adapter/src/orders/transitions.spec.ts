import { describe, expect, it } from '@jest/globals';
import type { MedusaOrder } from '@throughline/connectors/medusa';
import { medusaOrder, salesOrder } from '../spec/order-examples.js';
import { planCancellation, planProvisioning, planRelease, withFulfilment } from './transitions.js';

const standing = {
  id: 'ful_1',
  orderId: undefined,
  createdAt: '2026-11-22T10:01:00.000Z',
  cancelledAt: undefined,
  requiresShipping: false,
  shippedAt: undefined,
  items: [],
};
const left = (...ids: string[]): MedusaOrder['remaining'] =>
  ids.map((id) => ({ id, quantity: 1, requiresShipping: id.startsWith('parcel'), keepsStock: false }));

describe('provisioning', () => {
  it('fulfils what is left, parcels apart from what does not ship', () => {
    const remaining = left('licence_1', 'parcel_1', 'licence_2');
    expect(planProvisioning(medusaOrder({ remaining }))).toEqual({
      fulfil: [
        { id: 'licence_1', quantity: 1 },
        { id: 'licence_2', quantity: 1 },
      ],
    });
  });

  it('is done where nothing is left', () => {
    expect(planProvisioning(medusaOrder({ remaining: [] }))).toEqual({ done: true });
  });

  it('is refused for a cancelled order', () => {
    expect(planProvisioning(medusaOrder({ lifeCycle: 'cancelled', remaining: left('a') }))).toMatchObject({
      refused: { reason: 'order-cancelled', field: 'orderId' },
    });
  });
});

describe('release', () => {
  it('cancels what stands and nothing else', () => {
    const gone = { ...standing, id: 'ful_0', cancelledAt: '2026-11-22T10:02:00.000Z' };
    expect(planRelease(medusaOrder({ fulfilments: [gone, standing] }))).toEqual({ cancel: [standing] });
    expect(planRelease(medusaOrder({ fulfilments: [gone] }))).toEqual({ done: true });
  });

  it('touches nothing where anything was shipped', () => {
    const shipped = { ...standing, id: 'ful_2', shippedAt: '2026-11-22T10:03:00.000Z' };
    expect(planRelease(medusaOrder({ fulfilments: [standing, shipped] }))).toMatchObject({
      refused: { reason: 'already-shipped' },
    });
  });
});

describe('cancellation', () => {
  it.each([
    ['cancels an order', medusaOrder({}), { cancel: true }],
    ['is done for a cancelled one', medusaOrder({ lifeCycle: 'cancelled' }), { done: true }],
    [
      'is refused for a completed one',
      medusaOrder({ lifeCycle: 'completed' }),
      { refused: { reason: 'order-completed' } },
    ],
    [
      'is refused while a fulfilment stands',
      medusaOrder({ fulfilments: [standing] }),
      { refused: { reason: 'fulfilment-stands' } },
    ],
  ])('%s', (_, order, plan) => expect(planCancellation(order)).toMatchObject(plan));
});

describe('the fulfilment axis', () => {
  const now = '2026-11-22T11:00:00.000Z';

  it('takes the times from Medusa', () => {
    const fulfilled = withFulfilment(
      salesOrder({}),
      medusaOrder({ fulfilment: 'fulfilled', fulfilments: [standing] }),
      now,
    );
    expect(fulfilled).toMatchObject({
      fulfilment: 'fulfilled',
      provisionedAt: standing.createdAt,
      medusaFulfilmentIds: ['ful_1'],
    });
    const cancelledAt = '2026-11-22T10:05:00.000Z';
    const released = withFulfilment(fulfilled, medusaOrder({ fulfilments: [{ ...standing, cancelledAt }] }), now);
    expect(released).toMatchObject({
      fulfilment: 'open',
      provisionedAt: null,
      releasedAt: cancelledAt,
      medusaFulfilmentIds: [],
    });
  });

  it('stays provisioned while only a part is taken back', () => {
    const known = salesOrder({ fulfilment: 'fulfilled', provisionedAt: standing.createdAt });
    const part = withFulfilment(known, medusaOrder({ fulfilment: 'partial', fulfilments: [standing] }), now);
    expect(part).toMatchObject({ fulfilment: 'partial', provisionedAt: standing.createdAt });
  });
});
