import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromStripeAmount, toStripeAmount } from './amounts.js';

describe('amounts', () => {
  it.each([
    ['1250.5000', 'USD', 125_050],
    ['1250.0000', 'JPY', 1250],
    ['1.2340', 'BHD', undefined],
    ['1.2300', 'KWD', 1230],
    ['1.2350', 'KWD', undefined],
    ['0.0010', 'USD', undefined],
    ['12.5000', 'JPY', undefined],
    ['700.0000', 'ISK', 70_000],
    ['700.5000', 'ISK', undefined],
    ['10.0000', 'MGA', 10],
    ['10.2000', 'MGA', undefined],
    ['-5.0000', 'EUR', -500],
    ['999999999999999.9900', 'USD', undefined],
    ['1.0000', 'XXX', undefined],
  ])('%s %s is %s at Stripe', (amount, currency, minor) => {
    const result = toStripeAmount(amount, currency);
    expect(result.ok ? result.minor : undefined).toBe(minor);
    if (result.ok) expect(fromStripeAmount(result.minor, currency.toLowerCase())).toBe(amount);
  });

  it('reads back what it wrote, for every amount a currency can express', () => {
    const currencies: [string, number][] = [
      ['USD', 1],
      ['JPY', 1],
      ['KWD', 10],
      ['ISK', 100],
      ['UGX', 100],
      ['MGA', 1],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...currencies), fc.integer({ min: -1e12, max: 1e12 }), ([currency, step], count) => {
        expect(toStripeAmount(fromStripeAmount(count * step, currency), currency)).toEqual({
          ok: true,
          minor: count * step,
        });
      }),
    );
  });
});
