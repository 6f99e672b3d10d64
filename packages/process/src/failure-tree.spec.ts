import { describe, expect, it } from '@jest/globals';
import { sale } from '../fixtures/sale.js';
import { shop } from '../fixtures/shop.js';
import { failureTree } from './index.js';

describe('the tree of failures', () => {
  it('tells for each step what one failure leads to', () => {
    const branches = failureTree(sale);
    const billing = branches.filter(({ step }) => step === 'billing');
    expect(billing.map(({ failure, end }) => [failure, end])).toEqual([
      ['is refused', 'refused'],
      ['is late', 'completed'],
      ['is answered twice', 'completed'],
      ['is under way when the instance is cancelled', 'compensated'],
      ['is done when the instance is cancelled', 'compensated'],
    ]);
    expect(billing[0]?.path).toEqual([
      'InvoiceRejected',
      'OrderPacked -> UnpackOrder',
      'OrderUnpacked -> CancelOrder',
      'OrderCancelled',
    ]);
  });

  it('reaches people, lines, and steps that an event begins', () => {
    const ends = failureTree(shop).map(({ step, failure, end }) => `${step} ${failure}: ${end}`);
    expect(ends).toEqual(
      expect.arrayContaining([
        'approval is rejected: refused',
        'order is refused, and asked for again: completed',
        'parcel is refused: refused',
        'parcel is under way when the instance is amended: completed',
        'refund is refused: stopped',
        'refund is late: completed',
      ]),
    );
  });
});
