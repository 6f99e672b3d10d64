import { stripeError } from './errors.js';

// https://docs.stripe.com/currencies: presentment currencies, their minor units and the special cases.
const supported = new Set(
  `usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf
  dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak
  lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub
  rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw`.split(
    /\s+/,
  ),
);
const threeDecimals = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd']);
/** Zero-decimal in fact, two-decimal in Stripe's API: the last two digits must be 00. */
const writtenWithTwoDecimals = new Set(['isk', 'ugx']);

export function requireCurrency(currency: string): void {
  if (!supported.has(currency)) {
    throw stripeError(
      `Invalid currency: ${currency}. Stripe currently supports these currencies: ${[...supported].join(', ')}`,
      { param: 'currency' },
    );
  }
}

/** Refuses an amount in minor units that the currency cannot carry at Stripe. */
export function requireExpressible(amount: number, currency: string, param: string): void {
  requireCurrency(currency);
  const step = threeDecimals.has(currency) ? 10 : writtenWithTwoDecimals.has(currency) ? 100 : 1;
  if (amount % step !== 0) {
    throw stripeError(`Invalid amount: ${currency} amounts must be evenly divisible by ${step}, got ${amount}.`, {
      param,
    });
  }
}
