import { compareMoney, formatMoney, isExpressible, minorUnitDigits, sumMoney, toDecimal } from '@throughline/contracts';
import { ownProperties, type DealSnapshot, type HubspotObject, type Sale } from './deal-snapshot.js';
import { dealName, lineAmount, servicePeriod } from './map.js';
import type { Closing } from './occurrences.js';

/** Why a won deal cannot become an order. */
export type RejectionReason =
  | 'unknown-account'
  | 'no-line-items'
  | 'currency-without-minor-unit'
  | 'amount-not-expressible'
  | 'negative-total'
  | 'total-mismatch'
  | 'invalid-service-period';

/** One thing that is wrong with a deal, for the person who can correct it in HubSpot. */
export interface Issue {
  reason: RejectionReason;
  /** Path of HubSpot's own property names, so that the person finds it there. */
  field: string;
  message: string;
}

/** Everything that keeps a won deal from becoming an order, the most basic first; empty where nothing does. */
export function validateOpportunity(snapshot: DealSnapshot, closing: Closing): Issue[] {
  const sale: Sale = snapshot.sale ?? { lineItems: [], company: null };
  return [
    ...accountIssues(sale.company),
    ...lineIssues(snapshot.deal, sale),
    ...currencyIssues(snapshot.deal),
    ...amountIssues(snapshot.deal, sale),
    ...servicePeriodIssues(snapshot.deal, closing),
  ];
}

function accountIssues(company: HubspotObject | null): Issue[] {
  if (company?.properties['name']?.trim()) return [];
  const message = company
    ? `Company ${company.id} has no name. Name it in HubSpot: it is who the order and the invoice are for.`
    : 'The deal has no company. Associate the company that buys with the deal in HubSpot.';
  return [{ reason: 'unknown-account', field: company ? 'company.name' : 'company', message }];
}

function lineIssues(deal: HubspotObject, { lineItems }: Sale): Issue[] {
  if (lineItems.length > 0) return [];
  return [
    {
      reason: 'no-line-items',
      field: 'line_items',
      message: `"${dealName(deal)}" has no line items. Add what was sold to the deal in HubSpot.`,
    },
  ];
}

function currencyIssues(deal: HubspotObject): Issue[] {
  const currency = currencyOf(deal);
  if (currency && minorUnitDigits(currency) !== undefined) return [];
  const message = currency
    ? `There is no minor-unit rule for currency "${currency}". Choose an ISO 4217 currency that is in trade use.`
    : 'The deal has no currency. Set its currency in HubSpot.';
  return [{ reason: 'currency-without-minor-unit', field: 'deal_currency_code', message }];
}

function amountIssues(deal: HubspotObject, { lineItems }: Sale): Issue[] {
  const currency = currencyOf(deal);
  const lines = lineItems.map((line, index) => {
    const path = `line_items[${index}]`;
    return [
      readAmount(`${path}.quantity`, () => toDecimal(line.properties['quantity'] || '1')),
      readAmount(`${path}.price`, () => toDecimal(line.properties['price'] || '0')),
      readAmount(`${path}.amount`, () => lineAmount(line), currency),
    ] as const;
  });
  const total = readAmount('amount', () => toDecimal(deal.properties['amount'] || '0'), currency);
  return [
    ...[...lines.flat(), total].flatMap(({ issue }) => (issue ? [issue] : [])),
    ...totalIssues(
      deal,
      currency,
      total.amount,
      lines.map(([, , line]) => line.amount),
    ),
  ];
}

function totalIssues(
  deal: HubspotObject,
  currency: string,
  total: string | undefined,
  lines: (string | undefined)[],
): Issue[] {
  if (!deal.properties['amount']) {
    return [
      {
        reason: 'total-mismatch',
        field: 'amount',
        message: 'The deal has no amount. Set it to the sum of its line items.',
      },
    ];
  }
  if (total === undefined) return [];
  if (compareMoney(total, '0') < 0) {
    const message = `The deal's amount is ${formatMoney(total, currency)}. An order cannot be negative; record a refund instead.`;
    return [{ reason: 'negative-total', field: 'amount', message }];
  }
  if (lines.length === 0 || !lines.every((line) => line !== undefined)) return [];
  const sum = sumMoney(lines);
  if (compareMoney(sum, total) === 0) return [];
  const message = `The line items add up to ${formatMoney(sum, currency)}, the deal says ${formatMoney(total, currency)}. Make them equal in HubSpot.`;
  return [{ reason: 'total-mismatch', field: 'amount', message }];
}

/** With a currency given, the amount must also be a whole number of that currency's minor units. */
function readAmount(field: string, parse: () => string, currency?: string): { amount?: string; issue?: Issue } {
  const issue = (message: string): Issue => ({
    reason: 'amount-not-expressible',
    field,
    message: `${message} Correct it in HubSpot.`,
  });
  let amount: string;
  try {
    amount = parse();
  } catch (error) {
    return { issue: issue((error as Error).message) };
  }
  const digits = currency ? minorUnitDigits(currency) : undefined;
  if (!currency || digits === undefined || isExpressible(amount, currency)) return { amount };
  return { amount, issue: issue(`${currency} has ${digits} decimals and cannot express ${amount}.`) };
}

function servicePeriodIssues(deal: HubspotObject, closing: Closing): Issue[] {
  const { serviceStart, serviceEnd } = servicePeriod(deal, closing);
  const issue = (field: string, message: string): Issue[] => [{ reason: 'invalid-service-period', field, message }];
  if (!serviceStart)
    return issue(ownProperties.contractStart, 'The contract start is not a date. Correct it in HubSpot.');
  if (!serviceEnd) return issue(ownProperties.contractEnd, 'The contract end is not a date. Correct it in HubSpot.');
  if (serviceEnd < serviceStart)
    return issue(ownProperties.contractEnd, `The contract ends on ${serviceEnd}, before it starts on ${serviceStart}.`);
  return [];
}

function currencyOf(deal: HubspotObject): string {
  return deal.properties['deal_currency_code']?.trim().toUpperCase() ?? '';
}
