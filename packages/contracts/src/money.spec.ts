import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addMoney,
  compareMoney,
  formatMoney,
  fromMinorUnits,
  isExpressible,
  minorUnitDigits,
  shareOf,
  spreadOver,
  subtractMoney,
  sumMoney,
  toDecimal,
  toMinorUnits,
} from './money.js';

const amount = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }).map((units) => fromMinorUnits(units, 'EUR'));

describe('money', () => {
  it('adds exactly where doubles do not', () => {
    expect(addMoney('0.1000', '0.2000')).toBe('0.3000');
    expect(sumMoney(Array.from({ length: 1000 }, () => '0.0001'))).toBe('0.1000');
  });

  it('subtraction undoes addition, and comparison agrees with it', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        expect(subtractMoney(addMoney(a, b), b)).toBe(a);
        expect(compareMoney(a, b)).toBe(Math.sign(Number(subtractMoney(a, b))));
      }),
    );
  });

  it('cuts shares off, so that differences of cumulated ones add up to the amount', () => {
    expect(['1', '2', '3'].map((part) => shareOf('100.0000', part, '3', 2))).toEqual([
      '33.3300',
      '66.6600',
      '100.0000',
    ]);
    expect(shareOf('-100.0000', '1', '3', 2)).toBe('-33.3300');
    expect(shareOf('999999999999999.9999', '0.9999', '1')).toBe('999899999999999.9999');
    fc.assert(
      fc.property(amount, fc.integer({ min: 1, max: 20 }), (total, of) => {
        const cumulated = Array.from({ length: of + 1 }, (_, part) => shareOf(total, String(part), String(of), 2));
        const shares = cumulated.slice(1).map((upTo, part) => subtractMoney(upTo, cumulated[part]!));
        expect(sumMoney(shares)).toBe(total);
        expect(shares.every((share) => compareMoney(share, '0') !== -compareMoney(total, '0') || total === share)).toBe(
          true,
        );
      }),
    );
  });

  it('spreads an amount over others by their size, to the last unit', () => {
    expect(spreadOver('10.0000', ['30.0000', '30.0000', '30.0000'], 2)).toEqual(['3.3400', '3.3300', '3.3300']);
    expect(spreadOver('1.0000', ['1.0000', '0.0000', '2.0000'], 0)).toEqual(['0.0000', '0.0000', '1.0000']);
    expect(spreadOver('0.0000', ['0.0000'], 2)).toEqual(['0.0000']);
    const sizes = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.constantFrom('JPY', 'EUR', 'KWD'),
        sizes,
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        (code, units, part) => {
          const over = units.map((each) => fromMinorUnits(each, code));
          const whole = units.reduce((sum, each) => sum + each, 0n);
          const amount = fromMinorUnits(whole === 0n ? 0n : part % (whole + 1n), code);
          const parts = spreadOver(amount, over, minorUnitDigits(code));
          expect(sumMoney(parts)).toBe(amount);
          parts.forEach((each, place) => {
            expect(isExpressible(each, code)).toBe(true);
            expect(compareMoney(each, '0')).not.toBe(-1);
            expect(compareMoney(each, over[place]!)).not.toBe(1);
            // No further from its exact share than one unit.
            const [units_, of] = [toMinorUnits(each, code) * whole, toMinorUnits(amount, code) * units[place]!];
            const off = units_ > of ? units_ - of : of - units_;
            expect(whole === 0n || off < whole).toBe(true);
          });
        },
      ),
    );
  });

  it.each([
    ['JPY', '1200.0000', 1200n],
    ['USD', '12.3400', 1234n],
    ['KWD', '1.2340', 1234n],
  ])('%s %s is %s minor units and back', (currency, text, units) => {
    expect(toMinorUnits(text, currency)).toBe(units);
    expect(fromMinorUnits(units, currency)).toBe(text);
  });

  it('refuses what a currency cannot express, with the field named', () => {
    expect(isExpressible('0.5000', 'JPY')).toBe(false);
    expect(() => toMinorUnits('0.5000', 'JPY', 'lineItems.0.amount')).toThrow(
      expect.objectContaining({
        code: 'CONTRACT_AMOUNT_NOT_EXPRESSIBLE',
        field: 'lineItems.0.amount',
        retry: 'never',
      }),
    );
    expect(() => toMinorUnits('1.0000', 'XXX')).toThrow(expect.objectContaining({ code: 'CONTRACT_CURRENCY_UNKNOWN' }));
    expect(minorUnitDigits('usd')).toBeUndefined();
  });

  it('takes numerals as sources write them, and refuses the rest', () => {
    expect(toDecimal('1e3')).toBe('1000.0000');
    expect(toDecimal(' 12.5 ')).toBe('12.5000');
    expect(toDecimal('-0')).toBe('0.0000');
    for (const bad of ['', 'NaN', '1.00001', '1,000', '1e16', 'Infinity'])
      expect(() => toDecimal(bad)).toThrow(expect.objectContaining({ code: 'CONTRACT_AMOUNT_INVALID' }));
  });

  it('is readable', () => {
    expect(formatMoney('1234567.5000', 'EUR')).toBe('1,234,567.50 EUR');
    expect(formatMoney('-1200.0000', 'JPY')).toBe('-1,200 JPY');
  });
});
