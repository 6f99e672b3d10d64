import { describe, expect, it } from '@jest/globals';
import { compareMoney, fromMinorUnits, isExpressible, sumMoney } from '@throughline/contracts';
import fc from 'fast-check';
import { planStraightLine, type PlannedEntry, type ServicePeriod } from './plan-straight-line.js';

const plan = (totalAmount: string, currency: string, serviceStart: string, serviceEnd: string) => {
  const result = planStraightLine({ totalAmount, currency, serviceStart, serviceEnd });
  if (!Array.isArray(result)) throw new Error(result.reason);
  return result;
};
const amounts = (entries: PlannedEntry[]) => entries.map((entry) => `${entry.recognisedOn} ${entry.amount}`);

describe('planStraightLine', () => {
  it('starts in mid-month and counts the leap day', () => {
    // 15 January to 14 March 2028: 17 + 29 + 14 = 60 days.
    expect(plan('6000.0000', 'USD', '2028-01-15', '2028-03-14')).toEqual([
      {
        sequence: 1,
        periodStart: '2028-01-15',
        periodEnd: '2028-01-31',
        recognisedOn: '2028-01-31',
        amount: '1700.0000',
      },
      {
        sequence: 2,
        periodStart: '2028-02-01',
        periodEnd: '2028-02-29',
        recognisedOn: '2028-02-29',
        amount: '2900.0000',
      },
      {
        sequence: 3,
        periodStart: '2028-03-01',
        periodEnd: '2028-03-14',
        recognisedOn: '2028-03-14',
        amount: '1400.0000',
      },
    ]);
    expect(amounts(plan('5900.0000', 'USD', '2027-01-15', '2027-03-14'))).toEqual([
      '2027-01-31 1700.0000',
      '2027-02-28 2800.0000',
      '2027-03-14 1400.0000',
    ]);
  });

  it('recognises at once where the service is one day', () => {
    expect(amounts(plan('1250.5000', 'EUR', '2026-11-22', '2026-11-22'))).toEqual(['2026-11-22 1250.5000']);
  });

  it('gives yen in whole yen and fils in fils', () => {
    expect(amounts(plan('100.0000', 'JPY', '2026-01-01', '2026-03-31'))).toEqual([
      '2026-01-31 34.0000',
      '2026-02-28 32.0000',
      '2026-03-31 34.0000',
    ]);
    expect(amounts(plan('0.0010', 'KWD', '2026-01-01', '2026-02-28'))).toEqual([
      '2026-01-31 0.0010',
      '2026-02-28 0.0000',
    ]);
  });

  it.each([
    ['1.0000', 'XBT', '2026-01-01', '2026-01-31', 'currency-without-minor-unit', 'currency'],
    ['0.5000', 'JPY', '2026-01-01', '2026-01-31', 'amount-not-expressible', 'totalAmount'],
    ['-1.0000', 'USD', '2026-01-01', '2026-01-31', 'negative-total', 'totalAmount'],
    ['1.0000', 'USD', '2026-01-02', '2026-01-01', 'service-period-inverted', 'serviceEnd'],
    ['1.0000', 'USD', '2026-01-01', '2926-01-01', 'service-period-too-long', 'serviceEnd'],
  ])('refuses %s %s from %s to %s', (totalAmount, currency, serviceStart, serviceEnd, reason, field) => {
    expect(planStraightLine({ totalAmount, currency, serviceStart, serviceEnd })).toMatchObject({ reason, field });
  });

  const day = fc.integer({ min: Date.UTC(1999, 0, 1) / 86_400_000, max: Date.UTC(2100, 0, 1) / 86_400_000 });
  const toDay = (days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10);
  const contract: fc.Arbitrary<ServicePeriod> = fc
    .tuple(
      fc.constantFrom('USD', 'JPY', 'KWD', 'EUR'),
      fc.bigInt({ min: 0n, max: 10n ** 14n }),
      day,
      fc.integer({ min: 0, max: 4000 }),
    )
    .map(([currency, minor, first, length]) => ({
      totalAmount: fromMinorUnits(minor, currency),
      currency,
      serviceStart: toDay(first),
      serviceEnd: toDay(first + length),
    }));
  const property = (holds: (entries: PlannedEntry[], period: ServicePeriod) => void) =>
    fc.assert(
      fc.property(contract, (period) =>
        holds(plan(period.totalAmount, period.currency, period.serviceStart, period.serviceEnd), period),
      ),
      { numRuns: 300 },
    );

  it('sums exactly to the total', () => {
    property((entries, { totalAmount }) => expect(sumMoney(entries.map((entry) => entry.amount))).toBe(totalAmount));
  });

  it('has no negative amount and none that the currency cannot express', () => {
    property((entries, { currency }) => {
      for (const { amount } of entries)
        expect([compareMoney(amount, '0') >= 0, isExpressible(amount, currency)]).toEqual([true, true]);
    });
  });

  it('covers the period without gap or overlap, one calendar month at a time', () => {
    property((entries, { serviceStart, serviceEnd }) => {
      expect([entries[0]!.periodStart, entries.at(-1)!.periodEnd]).toEqual([serviceStart, serviceEnd]);
      for (const [index, entry] of entries.entries()) {
        expect(entry.periodStart.slice(0, 7)).toBe(entry.periodEnd.slice(0, 7));
        const next = entries[index + 1];
        if (next) expect(Date.parse(next.periodStart)).toBe(Date.parse(entry.periodEnd) + 86_400_000);
      }
    });
  });
});
