import { sumMoney, toDecimal, type Decimal } from '@throughline/contracts';
import { seededRandom } from './random.js';

export interface PlannedLine {
  name: string;
  sku: string;
  quantity: number;
  /** Unit price as a person types it into the CRM. */
  price: string;
  amount: Decimal;
}

export interface PlannedDeal {
  name: string;
  /** Index into {@link Plan.companies}: several deals share one. */
  company: number;
  currency: string;
  lines: PlannedLine[];
  amount: Decimal;
  contractStart: string;
  contractEnd: string;
}

export interface Plan {
  companies: { name: string; domain: string; country: string }[];
  deals: PlannedDeal[];
}

/** Currencies with 2, 0 and 3 digits; the step is the smallest price difference used, in minor units (KWD: Stripe wants tens). */
const CURRENCIES = [
  { code: 'USD', digits: 2, step: 1 },
  { code: 'EUR', digits: 2, step: 1 },
  { code: 'JPY', digits: 0, step: 1 },
  { code: 'GBP', digits: 2, step: 1 },
  { code: 'KWD', digits: 3, step: 10 },
];

const PRODUCTS = [
  { name: 'Platform subscription', sku: 'PLATFORM' },
  { name: 'Onboarding', sku: 'ONBOARDING' },
  { name: 'Premium support', sku: 'SUPPORT' },
  { name: 'Usage pack', sku: 'USAGE' },
];

/** Contract terms that meet a leap day, a month's middle and a single day. */
const TERMS = [
  { contractStart: '2027-12-15', contractEnd: '2028-12-14' },
  { contractStart: '2026-12-01', contractEnd: '2027-11-30' },
  { contractStart: '2027-01-31', contractEnd: '2027-02-28' },
  { contractStart: '2028-02-29', contractEnd: '2028-02-29' },
];

/** The deals of one run. Pure: the same count and seed give the same deals. `label` keeps runs apart in the vendors' systems. */
export function planDeals(count: number, seed: number, label: string): Plan {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const companies = Array.from({ length: Math.max(1, Math.ceil(count / 3)) }, (_, index) => ({
    name: `Customer ${label}-${index + 1}`,
    domain: `customer-${label}-${index + 1}.example`,
    country: pick(['DE', 'US', 'JP', 'GB', 'KW']),
  }));
  const deals = Array.from({ length: count }, (_, index): PlannedDeal => {
    const currency = pick(CURRENCIES);
    const products = PRODUCTS.filter(() => random() < 0.5);
    const lines = (products.length > 0 ? products : [PRODUCTS[0]!]).map((product): PlannedLine => {
      const quantity = 1 + Math.floor(random() * 5);
      const minorUnits = BigInt((1 + Math.floor(random() * 999)) * currency.step * (currency.digits === 0 ? 100 : 7));
      return {
        ...product,
        quantity,
        price: asNumeral(minorUnits, currency.digits),
        amount: toDecimal(asNumeral(minorUnits * BigInt(quantity), currency.digits)),
      };
    });
    return {
      name: `Deal ${label}-${index + 1}`,
      company: index % companies.length,
      currency: currency.code,
      lines,
      amount: sumMoney(lines.map((line) => line.amount)),
      ...pick(TERMS),
    };
  });
  return { companies, deals };
}

function asNumeral(minorUnits: bigint, digits: number): string {
  const text = minorUnits.toString().padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
