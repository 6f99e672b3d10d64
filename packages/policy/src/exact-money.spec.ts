import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Exact } from './exact.js';
import { ExpressionScope } from './expression.js';
import { Limits, Money } from './money.js';

const scope = new ExpressionScope([
  ['a', { kind: 'decimal' }],
  ['b', { kind: 'decimal' }],
  ['quantity', { kind: 'decimal' }],
  ['euros', { kind: 'money' }],
  ['dollars', { kind: 'money' }],
  ['limit', { kind: 'value', type: 'limits' }],
]);
const values = {
  a: Exact.parse('0.1'),
  b: Exact.parse('0.2'),
  quantity: Exact.parse('3.0000'),
  euros: Money.parse('100 EUR'),
  dollars: Money.parse('100 USD'),
  limit: Limits.parse(['100 EUR', '11 000 JPY']),
};

function evaluate(text: string, more: Record<string, unknown> = {}): unknown {
  const compiled = scope.compile(text);
  if ('problems' in compiled) throw new Error(compiled.problems.join('\n'));
  return compiled.expression.evaluate({ ...values, ...more });
}
const problems = (text: string): string[] => {
  const compiled = scope.compile(text);
  return 'problems' in compiled ? compiled.problems : [];
};

describe('money in expressions', () => {
  it.each([
    'a + b == 0.3',
    'a + b == decimal("0.3")',
    '0.1 + 0.2 == 0.3',
    'decimal("9007199254740993.0001") - decimal("9007199254740992") == 1.0001',
    'decimal("9007199254740993") > 9007199254740992',
    'money("9 007 199 254 740.93 EUR") > money("9 007 199 254 740.92 EUR")',
    'percent(7, money("1.10 EUR")) == money(0.077, "EUR")',
    'percent(2.5, money("33 JPY")) == money(0.825, "JPY")',
    'money(1, "KWD") / 3 * 3 == money("1.000 KWD")',
    'money("1 EUR") / money("3 EUR") * 3 == 1',
    'sum([money("0.10 EUR"), money("0.20 EUR")]) == money("0.30 EUR")',
    'min(money("1 EUR"), money("2 EUR")) == money("1 EUR")',
    'max([money("1 EUR"), money("3 EUR"), money("2 EUR")]) == money("3 EUR")',
    'round(money("10 EUR") / 3, 2) == money("3.33 EUR")',
    'round(decimal("-0.125"), 2) == decimal("-0.13")',
    'money(quantity * a, "EUR") == money("0.30 EUR")',
    'money("16 000 000 JPY") >= money(16000000, "JPY")',
    '2 * euros == money("200 EUR") && euros * 1.5 == money("150 EUR")',
    'euros - 2 * euros == money(-100, "EUR")',
  ])('is exact where doubles are not: %s', (text) => {
    expect(evaluate(text)).toBe(true);
  });

  it('adds, multiplies and compares as whole numbers of the smallest unit do', () => {
    const cents = fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n });
    const text = (units: bigint): string => {
      const digits = (units < 0n ? -units : units).toString().padStart(5, '0');
      return `${units < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
    };
    fc.assert(
      fc.property(cents, cents, (a, b) => {
        const [x, y] = [Exact.parse(text(a)), Exact.parse(text(b))];
        expect(x.plus(y).toDecimal()).toBe(text(a + b));
        expect(Math.sign(x.compare(y))).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(x.times(y).compare(Exact.parse(text(a * b)).dividedBy(Exact.of(10_000n)))).toBe(0);
        if (b !== 0n) expect(x.dividedBy(y).times(y).compare(x)).toBe(0);
      }),
    );
  });

  it('never meets money of another currency', () => {
    for (const text of [
      'euros < dollars',
      'euros == dollars',
      'euros + dollars == euros',
      'max(euros, dollars) == euros',
    ])
      expect(() => evaluate(text)).toThrow(
        expect.objectContaining({
          code: 'POLICY_CURRENCY_MISMATCH',
          message: expect.stringMatching(/EUR against USD/),
        }),
      );
  });

  it('is compared with the limit in its own currency, and one that has none is an error that names those that do', () => {
    expect(evaluate('euros <= limit && euros >= limit && !(euros < limit)')).toBe(true);
    expect(evaluate('2 * euros <= limit * 2 && percent(50, limit) < euros')).toBe(true);
    expect(evaluate('"USD" in limit || "EUR" in limit')).toBe(true);
    expect(() => evaluate('dollars > limit')).toThrow(
      expect.objectContaining({
        code: 'POLICY_LIMIT_MISSING',
        message: expect.stringMatching(/no limit for USD, only for EUR, JPY/),
      }),
    );
  });

  it.each([
    ['double(a) > 1.0', /double is not exact; use decimal/],
    ['double(1) > 0.5', /double is not exact; use decimal/],
    ['euros > 100', /money > int has no meaning; a number has no currency/],
    ['euros + a == euros', /money \+ decimal has no meaning/],
    ['money(a) > euros', /money\(decimal\) has no meaning; there is money\(decimal, string\)/],
    ['euros == "100 EUR"', /money == string has no meaning/],
    ['string(a) == "0.1"', /string\(decimal\) has no meaning/],
    ['int(a) == 0', /int\(decimal\) has no meaning/],
    ['a > "0.1"', /decimal > string has no meaning/],
  ])('has no way to a double, a text or a bare number: %s', (text, problem) => {
    expect(problems(text)).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    ['money("1,000 EUR") == euros', /"1,000" is not a number; set thousands apart by spaces/],
    ['money("1.5 JPY") > money("1 JPY")', /more decimals than JPY \(0\)/],
    ['money("1 XAU") > euros', /currency without a minor-unit rule/],
    ['a > 1e3', /"1e3" is not a number/],
    ['date("2027-02-29") == date("2027-03-01")', /"2027-02-29" is not a day/],
    ['date("2027-13-01") == date("2027-03-01")', /"2027-13-01" is not a day/],
  ])('is read when it is checked, where it is written out: %s', (text, problem) => {
    expect(problems(text)).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    ['a / (b - 0.2) > 1', 'POLICY_DIVISION_BY_ZERO'],
    ['10 / (3 - 3) > 1', 'POLICY_DIVISION_BY_ZERO'],
    ['sum([euros].filter(one, one > money("1 000 EUR"))) == euros', 'POLICY_VALUE_EMPTY'],
  ])('fails with a code and the next step: %s', (text, code) => {
    expect(() => evaluate(text)).toThrow(expect.objectContaining({ code, retry: 'never' }));
  });
});
