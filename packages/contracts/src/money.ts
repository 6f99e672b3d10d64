import { Big } from 'big.js';
import { ThroughlineError } from './errors.js';

/** An exact amount as text with up to four decimals, for example `"1250.0000"`. Never a double. */
export type Decimal = string;

/** Decimals every canonical amount carries: Avro `decimal(19,4)`. */
const SCALE = 4;

/**
 * Digits after the point of each ISO 4217 currency that is in use for trade. A currency that is missing here has no rule, and a
 * deal in it is refused rather than guessed at. Source: ISO 4217 list one (SIX), funds and metals left out.
 */
const DIGITS: Readonly<Record<string, number>> = Object.fromEntries([
  ...codes('BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF', 0),
  ...codes('BHD IQD JOD KWD LYD OMR TND', 3),
  ...codes(
    `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
     DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
     KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
     PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
     USD UYU UZS VES WST XCD YER ZAR ZMW ZWG`,
    2,
  ),
]);

function codes(list: string, digits: number): [string, number][] {
  return list
    .trim()
    .split(/\s+/)
    .map((code) => [code, digits]);
}

/** Digits after the point of a currency, or `undefined` where there is no rule for it. */
export function minorUnitDigits(currency: string): number | undefined {
  return DIGITS[currency];
}

/** Normalises any exact numeral to four decimals; throws `CONTRACT_AMOUNT_INVALID` for more decimals or no number. */
export function toDecimal(value: string, field?: string): Decimal {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(value.trim())) throw invalid(value, 'is not a number', field);
  const big = new Big(value.trim().replace(/^\+/, ''));
  if (!big.round(SCALE, Big.roundDown).eq(big)) throw invalid(value, `has more than ${SCALE} decimals`, field);
  if (big.abs().gte('1e15')) throw invalid(value, 'has more than 15 digits before the point', field);
  return normalise(big);
}

/** a + b. */
export function addMoney(a: Decimal, b: Decimal): Decimal {
  return normalise(new Big(a).plus(b));
}

/** a - b. */
export function subtractMoney(a: Decimal, b: Decimal): Decimal {
  return normalise(new Big(a).minus(b));
}

/** The sum of all amounts; `"0.0000"` for none. */
export function sumMoney(amounts: Iterable<Decimal>): Decimal {
  let sum = new Big(0);
  for (const amount of amounts) sum = sum.plus(amount);
  return normalise(sum);
}

/** -1, 0 or 1 as a is less than, equal to or greater than b. */
export function compareMoney(a: Decimal, b: Decimal): -1 | 0 | 1 {
  return new Big(a).cmp(b);
}

/** Exact product of two decimals, in full precision and not normalised: for comparing, not for storing. */
export function multiplyExact(a: Decimal, b: Decimal): string {
  return new Big(a).times(b).toFixed();
}

/** Divides without rounding up: what is cut off below comes off the last share, never on top of the amount. */
const Truncating = Big();
Truncating.DP = 40;
Truncating.RM = Big.roundDown;

/**
 * The share of an amount that `part` of `whole` has, cut off after `digits` decimals (default four). Shares that add up to the amount are
 * differences of cumulated ones: what 3 of 3 have, less what 1 of 3 has. `whole` is not zero.
 *
 * @example shareOf('100.0000', '1', '3', 2) // '33.3300'
 */
export function shareOf(amount: Decimal, part: string, whole: string, digits: number = SCALE): Decimal {
  return normalise(new Truncating(amount).times(part).div(whole).round(digits, Big.roundDown));
}

/**
 * Spreads an amount over others by their size, in units of the last of `digits` decimals (default four): each gets what its share comes to,
 * cut off, and what is left goes, a unit each, to those of which most was cut off, the first of equals first. The parts add up to the
 * amount, and none exceeds what it is spread over where the whole does not.
 *
 * @param over not negative, and not all zero unless the amount is; all, and `amount`, expressible with `digits` decimals
 * @example spreadOver('10.0000', ['30.0000', '30.0000', '30.0000'], 2) // '3.3400', '3.3300', '3.3300'
 */
export function spreadOver(amount: Decimal, over: readonly Decimal[], digits: number = SCALE): Decimal[] {
  const unit = new Big(10).pow(digits);
  const toUnits = (each: Decimal): bigint => BigInt(new Big(each).times(unit).toFixed(0));
  const sizes = over.map(toUnits);
  const whole = sizes.reduce((sum, size) => sum + size, 0n);
  const total = toUnits(amount);
  if (whole === 0n) return over.map(() => normalise(new Big(0)));
  const parts = sizes.map((size, place) => ({ place, cut: (total * size) / whole, rest: (total * size) % whole }));
  let left = total - parts.reduce((sum, { cut }) => sum + cut, 0n);
  for (const part of parts.toSorted((a, b) => Number(b.rest > a.rest) - Number(b.rest < a.rest) || a.place - b.place)) {
    if (left === 0n) break;
    part.cut += 1n;
    left -= 1n;
  }
  return parts.map(({ cut }) => normalise(new Big(cut.toString()).div(unit)));
}

/** Whether the currency has a rule and can express the amount without a remainder. */
export function isExpressible(amount: Decimal, currency: string): boolean {
  const digits = minorUnitDigits(currency);
  return digits !== undefined && new Big(amount).round(digits, Big.roundDown).eq(amount);
}

/**
 * The amount in the currency's minor unit (cents, yen, fils).
 * @throws `CONTRACT_CURRENCY_UNKNOWN`, `CONTRACT_AMOUNT_NOT_EXPRESSIBLE` (both `never`, with the field named).
 */
export function toMinorUnits(amount: Decimal, currency: string, field = 'amount'): bigint {
  const digits = minorUnitDigits(currency);
  if (digits === undefined) {
    throw new ThroughlineError(`No minor-unit rule for currency "${currency}": use an ISO 4217 code in trade use.`, {
      code: 'CONTRACT_CURRENCY_UNKNOWN',
      retry: 'never',
      field: 'currency',
    });
  }
  if (!isExpressible(amount, currency)) {
    throw new ThroughlineError(
      `${currency} has ${digits} decimals and cannot express ${amount}: correct ${field} at its source.`,
      {
        code: 'CONTRACT_AMOUNT_NOT_EXPRESSIBLE',
        retry: 'never',
        field,
      },
    );
  }
  return BigInt(new Big(amount).times(new Big(10).pow(digits)).toFixed(0));
}

/** The inverse of {@link toMinorUnits}. */
export function fromMinorUnits(minorUnits: bigint | number, currency: string): Decimal {
  const digits = minorUnitDigits(currency);
  if (digits === undefined)
    throw new ThroughlineError(`No minor-unit rule for currency "${currency}".`, {
      code: 'CONTRACT_CURRENCY_UNKNOWN',
      retry: 'never',
      field: 'currency',
    });
  return normalise(new Big(minorUnits.toString()).div(new Big(10).pow(digits)));
}

/** For people: `1,250.00 USD` with the currency's own digits. */
export function formatMoney(amount: Decimal, currency: string): string {
  const [whole = '0', fraction = ''] = new Big(amount).toFixed(minorUnitDigits(currency) ?? SCALE).split('.');
  return `${whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')}${fraction ? `.${fraction}` : ''} ${currency}`;
}

function normalise(big: Big): Decimal {
  const text = big.toFixed(SCALE);
  return text === '-0.0000' ? '0.0000' : text;
}

function invalid(value: string, what: string, field?: string): ThroughlineError {
  return new ThroughlineError(`"${value}" ${what}: amounts carry at most 15 digits and ${SCALE} decimals.`, {
    code: 'CONTRACT_AMOUNT_INVALID',
    retry: 'never',
    ...(field === undefined ? {} : { field }),
  });
}
