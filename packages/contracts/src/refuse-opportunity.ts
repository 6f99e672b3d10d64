import {
  compareMoney,
  formatMoney,
  isExpressible,
  minorUnitDigits,
  multiplyExact,
  sumMoney,
  toDecimal,
  type Decimal,
} from './money.js';

/** Why a won deal cannot become an order. */
export type RefusalReason =
  | 'unknown-account'
  | 'no-line-items'
  | 'currency-without-minor-unit'
  | 'amount-not-expressible'
  | 'negative-total'
  | 'total-mismatch'
  | 'invalid-service-period';

/** One thing that is wrong with a deal, for the person who can correct it. */
export interface Refusal {
  reason: RefusalReason;
  /** Path of the field, by its canonical name: `account`, `lineItems[0].unitAmount`. */
  field: string;
  message: string;
}

/** A deal as somebody says it is, before anything of it is certain. Numerals are text as they came; what is empty is left out or null. */
export interface OpportunityDraft {
  name: string;
  /** Null where no company is named. */
  account: { id?: string; name?: string | null | undefined } | null;
  currency?: string | null | undefined;
  totalAmount?: string | null | undefined;
  /** `YYYY-MM-DD`; empty where what was given is no day. */
  serviceStart: string;
  serviceEnd: string;
  lineItems: readonly LineDraft[];
}

/** An empty quantity is 1, an empty unit amount 0, an empty amount their product. */
export interface LineDraft {
  quantity?: string | null | undefined;
  unitAmount?: string | null | undefined;
  amount?: string | null | undefined;
}

/**
 * Everything that keeps a won deal from becoming an order, the most basic first; empty where nothing does. `source` is where a person
 * corrects it, for example `HubSpot`.
 */
export function refusalsOf(draft: OpportunityDraft, source: string): Refusal[] {
  return [
    ...accountRefusals(draft, source),
    ...lineRefusals(draft, source),
    ...currencyRefusals(draft, source),
    ...amountRefusals(draft, source),
    ...servicePeriodRefusals(draft, source),
  ];
}

/** The amount of a line as its source says it, or unit amount times quantity. Throws `CONTRACT_AMOUNT_INVALID`. */
export function lineAmount({ quantity, unitAmount, amount }: LineDraft): Decimal {
  return toDecimal(amount || multiplyExact(toDecimal(unitAmount || '0'), toDecimal(quantity || '1')));
}

function accountRefusals({ account }: OpportunityDraft, source: string): Refusal[] {
  if (account?.name?.trim()) return [];
  const message = account
    ? `${account.id === undefined ? 'The company' : `Company ${account.id}`} has no name. Name it in ${source}: it is who the order and the invoice are for.`
    : `The deal has no company. Associate the company that buys with the deal in ${source}.`;
  return [{ reason: 'unknown-account', field: account ? 'account.name' : 'account', message }];
}

function lineRefusals({ name, lineItems }: OpportunityDraft, source: string): Refusal[] {
  if (lineItems.length > 0) return [];
  const message = `"${name}" has no line items. Add what was sold to the deal in ${source}.`;
  return [{ reason: 'no-line-items', field: 'lineItems', message }];
}

function currencyRefusals({ currency }: OpportunityDraft, source: string): Refusal[] {
  if (currency && minorUnitDigits(currency) !== undefined) return [];
  const message = currency
    ? `There is no minor-unit rule for currency "${currency}". Choose an ISO 4217 currency that is in trade use.`
    : `The deal has no currency. Set its currency in ${source}.`;
  return [{ reason: 'currency-without-minor-unit', field: 'currency', message }];
}

function amountRefusals(draft: OpportunityDraft, source: string): Refusal[] {
  const currency = draft.currency ?? '';
  const lines = draft.lineItems.map((line, index) => {
    const path = `lineItems[${index}]`;
    return [
      readAmount(`${path}.quantity`, () => toDecimal(line.quantity || '1'), source),
      readAmount(`${path}.unitAmount`, () => toDecimal(line.unitAmount || '0'), source),
      readAmount(`${path}.amount`, () => lineAmount(line), source, currency),
    ] as const;
  });
  const total = readAmount('totalAmount', () => toDecimal(draft.totalAmount || '0'), source, currency);
  const amounts = lines.map(([, , line]) => line.amount);
  return [
    ...[...lines.flat(), total].flatMap(({ refusal }) => (refusal ? [refusal] : [])),
    ...totalRefusals(draft, currency, total.amount, amounts, source),
  ];
}

function totalRefusals(
  { totalAmount }: OpportunityDraft,
  currency: string,
  total: Decimal | undefined,
  lines: (Decimal | undefined)[],
  source: string,
): Refusal[] {
  const refusal = (reason: RefusalReason, message: string): Refusal[] => [{ reason, field: 'totalAmount', message }];
  if (!totalAmount) return refusal('total-mismatch', 'The deal has no amount. Set it to the sum of its line items.');
  if (total === undefined) return [];
  if (compareMoney(total, '0') < 0) {
    return refusal(
      'negative-total',
      `The deal's amount is ${formatMoney(total, currency)}. An order cannot be negative; record a refund instead.`,
    );
  }
  if (lines.length === 0 || !lines.every((line) => line !== undefined)) return [];
  const sum = sumMoney(lines);
  if (compareMoney(sum, total) === 0) return [];
  return refusal(
    'total-mismatch',
    `The line items add up to ${formatMoney(sum, currency)}, the deal says ${formatMoney(total, currency)}. Make them equal in ${source}.`,
  );
}

/** With a currency given, the amount must also be a whole number of that currency's minor units. */
function readAmount(
  field: string,
  parse: () => Decimal,
  source: string,
  currency?: string,
): { amount?: Decimal; refusal?: Refusal } {
  const refusal = (message: string): Refusal => ({
    reason: 'amount-not-expressible',
    field,
    message: `${message} Correct it in ${source}.`,
  });
  let amount: Decimal;
  try {
    amount = parse();
  } catch (error) {
    return { refusal: refusal((error as Error).message) };
  }
  const digits = currency ? minorUnitDigits(currency) : undefined;
  if (!currency || digits === undefined || isExpressible(amount, currency)) return { amount };
  return { amount, refusal: refusal(`${currency} has ${digits} decimals and cannot express ${amount}.`) };
}

function servicePeriodRefusals({ serviceStart, serviceEnd }: OpportunityDraft, source: string): Refusal[] {
  const refusal = (field: string, message: string): Refusal[] => [{ reason: 'invalid-service-period', field, message }];
  if (!serviceStart) return refusal('serviceStart', `The contract start is not a date. Correct it in ${source}.`);
  if (!serviceEnd) return refusal('serviceEnd', `The contract end is not a date. Correct it in ${source}.`);
  if (serviceEnd < serviceStart)
    return refusal('serviceEnd', `The contract ends on ${serviceEnd}, before it starts on ${serviceStart}.`);
  return [];
}
