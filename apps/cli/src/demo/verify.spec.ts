import { describe, expect, it } from '@jest/globals';
import { percentile, verify, type Evidence, type ExpectedDeal } from './verify.js';
import { planDeals } from './plan.js';
import { compareMoney, isExpressible, sumMoney } from '@throughline/contracts';

const deal: ExpectedDeal = { dealId: '1', opportunityId: 'o-1', currency: 'EUR', amount: '100.0000' };
const found = { opportunityId: 'o-1', currency: 'EUR', amount: '100.0000' };
const lines = [
  { name: 'Seat', ordered: 3, fulfilled: 3 },
  { name: 'Support', ordered: 1, fulfilled: 1 },
];
const recognised = { planned: '100.0000', recognisedFrom: '2027-01-01' };
const whole: Evidence = {
  orders: [{ ...found, number: '7', lines }],
  invoices: [{ ...found, number: 'INV-1' }],
  schedules: [{ ...found, ...recognised, number: 's-1' }],
  writeBacks: [{ dealId: '1', orderNumber: '7', invoiceNumber: 'INV-1' }],
  customers: [{ system: 'stripe', account: 'Acme' }],
};

describe('verify', () => {
  it('is content with exactly one of each and equal amounts', () => {
    expect(verify([deal], whole)).toEqual({
      orders: 1,
      invoices: 1,
      schedules: 1,
      writtenBack: 1,
      duplicates: 0,
      lost: 0,
      problems: [],
    });
  });

  it.each<[string, Partial<Evidence>, Partial<ReturnType<typeof verify>>]>([
    ['a missing order', { orders: [] }, { lost: 1, writtenBack: 0 }],
    [
      'a second invoice',
      { invoices: [...whole.invoices, { ...found, number: 'INV-2' }] },
      { duplicates: 1, invoices: 2 },
    ],
    ['a missing write-back', { writeBacks: [] }, { lost: 1, writtenBack: 0 }],
    [
      'another deal’s order number',
      { writeBacks: [{ dealId: '1', orderNumber: '8', invoiceNumber: 'INV-1' }] },
      { writtenBack: 0 },
    ],
    [
      'a schedule of another amount',
      { schedules: [{ ...found, ...recognised, amount: '99.9900', number: 's-1' }] },
      { lost: 0, duplicates: 0 },
    ],
    ['an order in another currency', { orders: [{ ...found, currency: 'USD', number: '7', lines }] }, { lost: 0 }],
    ...[0, 2, 4].map((fulfilled): [string, Partial<Evidence>, object] => [
      `a line of three that is fulfilled ${fulfilled} times`,
      { orders: [{ ...found, number: '7', lines: [{ name: 'Seat', ordered: 3, fulfilled }] }] },
      { problems: [`of order 7, ${fulfilled} of 3 Seat are fulfilled`] },
    ]),
    ['an order without lines', { orders: [{ ...found, number: '7', lines: [] }] }, {}],
    [
      'revenue of which recognition never began',
      { schedules: [{ ...found, ...recognised, recognisedFrom: null, number: 's-1' }] },
      { problems: ['revenue schedule s-1 has not begun: no shipment reached it'] },
    ],
    [
      'entries that do not come to the amount',
      { schedules: [{ ...found, ...recognised, planned: '99.9999', number: 's-1' }] },
      { problems: ['the entries of revenue schedule s-1 come to 99.9999, not to 100.0000'] },
    ],
    ['a customer created twice', { customers: [...whole.customers, ...whole.customers] }, { duplicates: 1 }],
  ])('finds %s', (_, change, expected) => {
    const verdict = verify([deal], { ...whole, ...change });
    expect(verdict).toMatchObject(expected);
    expect(verdict.problems).not.toEqual([]);
  });
});

describe('percentile', () => {
  it('is the nearest rank', () => {
    expect(percentile([30, 10, 20], 0.5)).toBe(20);
    expect(percentile([1, 2, 3, 4], 0.99)).toBe(4);
    expect(percentile([], 0.5)).toBe(0);
  });
});

describe('planDeals', () => {
  it('reproduces itself, adds up, and uses several currencies and shared accounts', () => {
    const plan = planDeals(50, 7, 'x');
    expect(planDeals(50, 7, 'x')).toEqual(plan);
    expect(new Set(plan.deals.map(({ currency }) => currency)).size).toBeGreaterThan(3);
    expect(plan.companies.length).toBeLessThan(plan.deals.length);
    for (const { amount, currency, lines } of plan.deals) {
      expect(compareMoney(amount, sumMoney(lines.map((line) => line.amount)))).toBe(0);
      expect(isExpressible(amount, currency)).toBe(true);
    }
  });
});
