import { Environment } from '@marcbachmann/cel-js';
import { Day } from './day.js';
import { PolicyError } from './errors.js';
import { Exact } from './exact.js';
import { Limits, Money } from './money.js';

/** What a function of ours is for, in the words of the documentation; `signature` is CEL's. */
interface LanguageFunction {
  signature: string;
  does: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the checker has made sure of the types before it calls
  call: (...values: any[]) => unknown;
}

/** Every function that expressions have beside those of CEL. */
const languageFunctions: readonly LanguageFunction[] = [
  {
    signature: 'money(decimal, string): money',
    does: 'an amount in its currency, as in money(totalAmount, currency)',
    call: (amount: Exact, currency: string) => new Money(amount, currency),
  },
  {
    signature: 'money(int, string): money',
    does: 'a whole amount in its currency, as in money(0, currency)',
    call: (amount: bigint, currency: string) => new Money(Exact.of(amount), currency),
  },
  {
    signature: 'money(string): money',
    does: 'an amount as it is written, as in money("250 000 EUR")',
    call: (text: string) => Money.parse(text),
  },
  { signature: 'decimal(string): decimal', does: 'an exact number', call: (text: string) => Exact.parse(text) },
  { signature: 'decimal(int): decimal', does: 'an exact number', call: (whole: bigint) => Exact.of(whole) },
  {
    signature: 'sum(list<decimal>): decimal',
    does: 'the sum of exact numbers, 0 for none',
    call: (values: Exact[]) => values.reduce((sum, value) => sum.plus(value), Exact.zero),
  },
  {
    signature: 'sum(list<money>): money',
    does: 'the sum of at least one amount, all in one currency',
    call: (values: Money[]) => ofSome(values, 'sum').reduce((sum, value) => sum.plus(value)),
  },
  ...(['decimal', 'money', 'date'] as const).flatMap((type) => [
    {
      signature: `min(${type}, ${type}): ${type}`,
      does: 'the lesser of two',
      call: (a: Comparable, b: Comparable) => (a.compare(b) <= 0 ? a : b),
    },
    {
      signature: `max(${type}, ${type}): ${type}`,
      does: 'the greater of two',
      call: (a: Comparable, b: Comparable) => (a.compare(b) >= 0 ? a : b),
    },
    {
      signature: `min(list<${type}>): ${type}`,
      does: 'the least of at least one',
      call: (values: Comparable[]) => ofSome(values, 'min').reduce((a, b) => (a.compare(b) <= 0 ? a : b)),
    },
    {
      signature: `max(list<${type}>): ${type}`,
      does: 'the greatest of at least one',
      call: (values: Comparable[]) => ofSome(values, 'max').reduce((a, b) => (a.compare(b) >= 0 ? a : b)),
    },
  ]),
  ...(['money', 'decimal', 'limits'] as const).flatMap((type) => [
    {
      signature: `percent(int, ${type}): ${type}`,
      does: 'so many hundredths, as in percent(15, listPrice)',
      call: (percentage: bigint, of: Exact | Money | Limits) => hundredths(Exact.of(percentage), of),
    },
    {
      signature: `percent(decimal, ${type}): ${type}`,
      does: 'so many hundredths, as in percent(2.5, listPrice)',
      call: hundredths,
    },
  ]),
  {
    signature: 'round(decimal, int): decimal',
    does: 'with so many decimals, halves away from zero',
    call: (value: Exact, decimals: bigint) => value.rounded(Number(decimals)),
  },
  {
    signature: 'round(money, int): money',
    does: 'with so many decimals, halves away from zero',
    call: (value: Money, decimals: bigint) => new Money(value.amount.rounded(Number(decimals)), value.currency),
  },
  {
    signature: 'limitFor(limits, string): money',
    does: 'the limit in a currency',
    call: (limits: Limits, currency: string) => limits.in(currency),
  },
  { signature: 'date(string): date', does: 'a day, as in date("2027-01-31")', call: (text: string) => Day.parse(text) },
  {
    signature: 'date(google.protobuf.Timestamp): date',
    does: 'the day of an instant, in UTC',
    call: (instant: Date) => Day.parse(instant.toISOString().slice(0, 10)),
  },
  {
    signature: 'days(date, date): int',
    does: 'days from the first to the last, both counted',
    call: (first: Day, last: Day) => BigInt(first.daysTo(last)),
  },
  {
    signature: 'months(date, date): int',
    does: 'months begun from the first to the last, both counted: a calendar year is 12',
    call: (first: Day, last: Day) => BigInt(first.monthsTo(last)),
  },
  ...(['string', 'decimal', 'date'] as const).flatMap((type) => [
    {
      signature: `orElse(${type}, ${type}): ${type}`,
      does: 'the first, or the second where the first is empty',
      call: (value: unknown) => value,
    },
    {
      signature: `orElse(null, ${type}): ${type}`,
      does: 'the second, because the first is empty',
      call: (_empty: null, other: unknown) => other,
    },
  ]),
];

interface Comparable {
  compare(other: this): number;
}

/**
 * CEL with exact numbers, money, limits and days. There is no way from any of them to a double, and none back: comparing one with a
 * double is refused when the expression is checked.
 */
export const language: Environment = createLanguage();

function createLanguage(): Environment {
  const language = new Environment({ limits: { maxAstNodes: 2_000, maxDepth: 50 } })
    .registerType('decimal', Exact)
    .registerType('money', Money)
    .registerType('limits', Limits)
    .registerType('date', Day);
  for (const { signature, does, call } of languageFunctions)
    language.registerFunction(signature, call, { description: does });

  const operator = (signature: string, call: (left: never, right: never) => unknown): void => {
    language.registerOperator(signature, call as (left: unknown, right: unknown) => unknown);
  };
  const whole = (value: bigint | Exact): Exact => (typeof value === 'bigint' ? Exact.of(value) : value);
  const compare = (left: string, right: string, difference: (left: never, right: never) => number): void => {
    operator(`${left} < ${right}`, (a, b) => difference(a, b) < 0);
    operator(`${left} <= ${right}`, (a, b) => difference(a, b) <= 0);
    operator(`${left} > ${right}`, (a, b) => difference(a, b) > 0);
    operator(`${left} >= ${right}`, (a, b) => difference(a, b) >= 0);
  };
  const equate = (left: string, right: string, difference: (left: never, right: never) => number): void => {
    operator(`${left} == ${right}`, (a, b) => difference(a, b) === 0);
  };

  for (const [left, right] of [
    ['decimal', 'decimal'],
    ['decimal', 'int'],
    ['int', 'decimal'],
  ] as const) {
    operator(`${left} + ${right}: decimal`, (a, b) => whole(a).plus(whole(b)));
    operator(`${left} - ${right}: decimal`, (a, b) => whole(a).minus(whole(b)));
    operator(`${left} * ${right}: decimal`, (a, b) => whole(a).times(whole(b)));
    operator(`${left} / ${right}: decimal`, (a, b) => whole(a).dividedBy(whole(b)));
    compare(left, right, (a, b) => whole(a).compare(whole(b)));
    // CEL takes an equality either way round.
    if (left === 'decimal') equate(left, right, (a, b) => whole(a).compare(whole(b)));
  }
  language.registerOperator('-decimal: decimal', (value: Exact) => value.negated());

  operator('money + money: money', (a: Money, b: Money) => a.plus(b));
  operator('money - money: money', (a: Money, b: Money) => a.minus(b));
  operator('money / money: decimal', (a: Money, b: Money) => a.ratio(b));
  for (const [type, of] of [
    ['int', (value: bigint) => Exact.of(value)],
    ['decimal', (value: Exact) => value],
  ] as [string, (value: unknown) => Exact][]) {
    operator(`money * ${type}: money`, (a: Money, b: unknown) => a.times(of(b)));
    operator(`${type} * money: money`, (a: unknown, b: Money) => b.times(of(a)));
    operator(`money / ${type}: money`, (a: Money, b: unknown) => a.times(Exact.of(1n).dividedBy(of(b))));
    operator(`limits * ${type}: limits`, (a: Limits, b: unknown) => a.times(of(b)));
    operator(`${type} * limits: limits`, (a: unknown, b: Limits) => b.times(of(a)));
  }
  compare('money', 'money', (a: Money, b: Money) => a.compare(b));
  equate('money', 'money', (a: Money, b: Money) => a.compare(b));
  compare('money', 'limits', (a: Money, b: Limits) => a.compare(b.in(a.currency)));
  compare('limits', 'money', (a: Limits, b: Money) => a.in(b.currency).compare(b));
  operator('string in limits: bool', (currency: string, limits: Limits) => limits.has(currency));

  compare('date', 'date', (a: Day, b: Day) => a.compare(b));
  equate('date', 'date', (a: Day, b: Day) => a.compare(b));
  return language;
}

function hundredths<T extends Exact | Money | Limits>(percentage: Exact, of: T): T {
  return of.times(percentage.dividedBy(Exact.of(100n))) as T;
}

function ofSome<T>(values: T[], name: string): T[] {
  if (values.length > 0) return values;
  throw new PolicyError('POLICY_VALUE_EMPTY', `${name}() of an empty list; say with a rule before it what holds then.`);
}
