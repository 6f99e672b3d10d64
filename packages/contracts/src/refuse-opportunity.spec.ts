import { describe, expect, it } from '@jest/globals';
import { refusalsOf, type OpportunityDraft } from './refuse-opportunity.js';

const sound: OpportunityDraft = {
  name: 'Ten chairs',
  account: { name: 'Ada' },
  currency: 'EUR',
  totalAmount: '100',
  serviceStart: '2026-12-01',
  serviceEnd: '2026-12-01',
  lineItems: [{ quantity: '10', unitAmount: '10' }],
};
const found = (change: Partial<OpportunityDraft>) =>
  refusalsOf({ ...sound, ...change }, 'the CRM').map(({ reason, field }) => `${field}: ${reason}`);

describe('a deal that cannot become an order', () => {
  it('is told apart from a sound one', () => {
    expect(found({})).toEqual([]);
    expect(found({ totalAmount: '0', lineItems: [{ unitAmount: '0' }] })).toEqual([]);
    expect(found({ totalAmount: '95', lineItems: [{ quantity: '10', unitAmount: '10', amount: '95' }] })).toEqual([]);
  });

  it.each<[Partial<OpportunityDraft>, string]>([
    [{ account: null }, 'account: unknown-account'],
    [{ account: { name: ' ' } }, 'account.name: unknown-account'],
    [{ lineItems: [] }, 'lineItems: no-line-items'],
    [{ currency: 'XAU' }, 'currency: currency-without-minor-unit'],
    [{ currency: null }, 'currency: currency-without-minor-unit'],
    [{ totalAmount: '-1', lineItems: [{ unitAmount: '-1' }] }, 'totalAmount: negative-total'],
    [{ totalAmount: '100.01' }, 'totalAmount: total-mismatch'],
    [{ totalAmount: undefined }, 'totalAmount: total-mismatch'],
    [
      { totalAmount: '0.3001', lineItems: [{ unitAmount: '0.1' }, { unitAmount: '0.2001' }] },
      'lineItems[1].amount: amount-not-expressible',
    ],
    [
      { lineItems: [{ quantity: 'ten', unitAmount: '10', amount: '100' }] },
      'lineItems[0].quantity: amount-not-expressible',
    ],
    [{ serviceStart: '' }, 'serviceStart: invalid-service-period'],
    [{ serviceEnd: '2026-11-30' }, 'serviceEnd: invalid-service-period'],
  ])('says which field keeps it from that: %j', (change, refusal) => {
    expect(found(change)[0]).toBe(refusal);
  });

  it('is told with everything that is wrong, and where to correct it', () => {
    const refusals = refusalsOf({ ...sound, account: null, lineItems: [], totalAmount: 'much' }, 'the CRM');
    expect(refusals.map(({ reason }) => reason)).toEqual([
      'unknown-account',
      'no-line-items',
      'amount-not-expressible',
    ]);
    expect(refusals[0]!.message).toBe(
      'The deal has no company. Associate the company that buys with the deal in the CRM.',
    );
  });
});
