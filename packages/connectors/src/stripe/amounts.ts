import { fromMinorUnits, isExpressible, minorUnitDigits, toMinorUnits } from '@throughline/contracts';

/** ISO 4217 gives these no minor unit; Stripe still counts hundredths, which must be 00. https://docs.stripe.com/currencies#special-cases */
const HUNDREDTHS_AT_STRIPE = new Set(['ISK', 'UGX']);
/** ISO 4217 gives it two digits; Stripe counts whole units. https://docs.stripe.com/currencies#zero-decimal */
const WHOLE_AT_STRIPE = new Set(['MGA']);

export type StripeAmount = { ok: true; minor: number } | { ok: false; reason: string; message: string };

/**
 * What Stripe calls `amount`: an integer in the currency's minor unit as Stripe counts it. Three-digit currencies (KWD, BHD,
 * JOD, OMR, TND) must be multiples of ten there. Never rounds: what does not fit is refused.
 */
export function toStripeAmount(amount: string, currency: string): StripeAmount {
  const digits = minorUnitDigits(currency);
  if (digits === undefined) {
    return refuse('currency-without-minor-unit', `${currency} has no known minor unit: bill in an ISO 4217 currency.`);
  }
  if (!isExpressible(amount, currency)) {
    return refuse('amount-not-expressible', `${currency} has ${digits} decimals and cannot express ${amount}.`);
  }
  const minor = toMinorUnits(amount, currency);
  if (digits === 3 && minor % 10n !== 0n) {
    return refuse('amount-not-expressible', `Stripe takes ${currency} in multiples of 0.010 only, not ${amount}.`);
  }
  if (WHOLE_AT_STRIPE.has(currency) && minor % 100n !== 0n) {
    return refuse('amount-not-expressible', `Stripe takes ${currency} in whole units only, not ${amount}.`);
  }
  const atStripe = Number(toStripeUnits(minor, currency));
  if (!Number.isSafeInteger(atStripe)) {
    return refuse('amount-not-expressible', `${amount} ${currency} is more than Stripe can bill.`);
  }
  return { ok: true, minor: atStripe };
}

/** The canonical decimal of an integer that Stripe sent; Stripe writes `currency` in lower case. */
export function fromStripeAmount(minor: number, currency: string): string {
  const code = currency.toUpperCase();
  if (HUNDREDTHS_AT_STRIPE.has(code)) return fromMinorUnits(BigInt(minor) / 100n, code);
  if (WHOLE_AT_STRIPE.has(code)) return fromMinorUnits(BigInt(minor) * 100n, code);
  return fromMinorUnits(minor, code);
}

function toStripeUnits(minor: bigint, currency: string): bigint {
  if (HUNDREDTHS_AT_STRIPE.has(currency)) return minor * 100n;
  if (WHOLE_AT_STRIPE.has(currency)) return minor / 100n;
  return minor;
}

function refuse(reason: string, message: string): StripeAmount {
  return { ok: false, reason, message };
}
