import {
  canonicalId,
  compareMoney,
  formatMoney,
  sumMoney,
  type CreditNoteIssued,
  type CreditNoteVoided,
  type ExternalId,
  type InvoiceCredited,
  type InvoiceIssued,
  type InvoiceVoided,
  type IssueCreditNote,
  type IssueInvoice,
  type LineItem,
  type PaymentReceived,
  type VoidInvoice,
} from '@throughline/contracts';
import type { Stripe } from 'stripe';
import { fromStripeAmount, toStripeAmount } from './amounts.js';

/** The Stripe account and the house rules that apply to it. */
export interface StripeTenant {
  /** `acct_...`: the tenant of every external id. */
  accountId: string;
  /** Days until an invoice is due. */
  paymentTermsDays: number;
}

/** Why a command cannot be carried out; the reason is stable, the message is for a person. */
export interface Refusal {
  reason: string;
  field: string;
  message: string;
}

/** Everything Stripe will be asked for one invoice, as plain data: the ids that Stripe assigns on the way are added by the caller. */
export interface InvoicePlan {
  customer: Stripe.CustomerCreateParams;
  products: (Stripe.ProductCreateParams & { id: string })[];
  invoice: Omit<Stripe.InvoiceCreateParams, 'customer'>;
  items: Omit<Stripe.InvoiceItemCreateParams, 'customer' | 'invoice'>[];
  /** What Stripe must come to, in its own units. */
  total: number;
}

/** What our metadata on a Stripe invoice says; a payment finds its way home by it, without our state. */
export interface InvoiceReference {
  invoiceId: string;
  orderId: string;
  opportunityId: string;
  occurrence: number;
  correlationId: string;
  /** Trace of the command that issued it, so that a payment weeks later can link to it. */
  traceparent?: string;
}

/** @returns the plan, or why Stripe cannot carry the invoice; found before any call, so nothing half-done is left. */
export function planInvoice(
  command: IssueInvoice,
  reference: Pick<InvoiceReference, 'correlationId' | 'traceparent'>,
  tenant: StripeTenant,
): InvoicePlan | Refusal {
  const { account, currency, lineItems, totalAmount } = command;
  if (lineItems.length === 0)
    return { reason: 'no-line-items', field: 'lineItems', message: 'An invoice needs at least one line.' };
  const total = toStripeAmount(totalAmount, currency);
  if (!total.ok)
    return {
      reason: total.reason,
      field: total.reason === 'currency-without-minor-unit' ? 'currency' : 'totalAmount',
      message: total.message,
    };
  if (total.minor < 0)
    return {
      reason: 'negative-total',
      field: 'totalAmount',
      message: `An invoice over ${totalAmount} ${currency} would be a credit note.`,
    };

  const items: InvoicePlan['items'] = [];
  for (const [index, line] of lineItems.entries()) {
    const amount = toStripeAmount(line.amount, currency);
    if (!amount.ok) return { reason: amount.reason, field: `lineItems[${index}].amount`, message: amount.message };
    items.push(toInvoiceItem(line, amount.minor, currency));
  }
  const sum = sumMoney(lineItems.map((line) => line.amount));
  if (compareMoney(sum, totalAmount) !== 0) {
    return {
      reason: 'total-mismatch',
      field: 'totalAmount',
      message: `The lines come to ${sum} ${currency}, the total says ${totalAmount}.`,
    };
  }
  return {
    customer: {
      name: account.name,
      ...(account.billingEmail ? { email: account.billingEmail } : {}),
      ...(account.country ? { address: { country: account.country } } : {}),
      metadata: { throughline_account_id: account.accountId },
    },
    products: distinctProducts(lineItems),
    invoice: {
      currency: currency.toLowerCase(),
      // We finalise it ourselves, and the customer's loose items of other origin stay out of it.
      auto_advance: false,
      pending_invoice_items_behavior: 'exclude',
      // Stripe refuses `send_invoice` for a customer without an e-mail address.
      ...(account.billingEmail
        ? { collection_method: 'send_invoice', days_until_due: tenant.paymentTermsDays }
        : { collection_method: 'charge_automatically' }),
      description: `Order ${command.orderNumber}`,
      metadata: toMetadata({ ...command, ...reference }),
    },
    items,
    total: total.minor,
  };
}

/** Stripe's prices cannot be negative, so a discount line names its product in metadata alone. */
function toInvoiceItem(line: LineItem, minor: number, currency: string): InvoicePlan['items'][number] {
  const code = currency.toLowerCase();
  return {
    ...(minor < 0
      ? { amount: minor, currency: code }
      : { quantity: 1, price_data: { currency: code, product: line.productId, unit_amount: minor } }),
    description: `${line.name} (${trimZeros(line.quantity)} × ${trimZeros(line.unitAmount)} ${currency})`,
    metadata: { throughline_line_item_id: line.lineItemId, throughline_product_id: line.productId, sku: line.sku },
  };
}

/** A product's Stripe id is our product id: two deals that sell it at once cannot make two of it. */
function distinctProducts(lines: LineItem[]): InvoicePlan['products'] {
  const products = new Map(
    lines.map((line) => [
      line.productId,
      { id: line.productId, name: line.name, metadata: { throughline_product_id: line.productId, sku: line.sku } },
    ]),
  );
  return [...products.values()];
}

function toMetadata(reference: InvoiceReference): Record<string, string> {
  return {
    throughline_invoice_id: reference.invoiceId,
    throughline_order_id: reference.orderId,
    throughline_opportunity_id: reference.opportunityId,
    throughline_occurrence: String(reference.occurrence),
    throughline_correlation_id: reference.correlationId,
    ...(reference.traceparent ? { throughline_traceparent: reference.traceparent } : {}),
  };
}

/** Reads our metadata back; `undefined` for an invoice that is not ours. */
export function toReference(metadata: Stripe.Metadata | null | undefined): InvoiceReference | undefined {
  const {
    throughline_invoice_id: invoiceId,
    throughline_order_id: orderId,
    throughline_opportunity_id: opportunityId,
    throughline_correlation_id: correlationId,
  } = metadata ?? {};
  const occurrence = Number(metadata?.['throughline_occurrence']);
  if (!invoiceId || !orderId || !opportunityId || !correlationId || !Number.isInteger(occurrence)) return undefined;
  const traceparent = metadata?.['throughline_traceparent'];
  return { invoiceId, orderId, opportunityId, occurrence, correlationId, ...(traceparent ? { traceparent } : {}) };
}

/** The event of a finalised invoice. */
export function toInvoiceIssued(command: IssueInvoice, invoice: IssuedInvoice, tenant: StripeTenant): InvoiceIssued {
  return {
    ...identity(command),
    invoiceNumber: invoice.number,
    currency: command.currency,
    totalAmount: fromStripeAmount(invoice.total, invoice.currency),
    issuedAt: toTime(invoice.finalizedAt),
    externalIds: [externalId(tenant, 'invoice', invoice.id), externalId(tenant, 'customer', invoice.customerId)],
  };
}

/** The event of an invoice that asks for nothing any more and of which nothing was paid. */
export function toInvoiceVoided(
  command: Pick<VoidInvoice, 'invoiceId' | 'orderId' | 'opportunityId' | 'occurrence'>,
  invoice: { id: string; voidedAt: number },
  tenant: StripeTenant,
): InvoiceVoided {
  return {
    ...identity(command),
    voidedAt: toTime(invoice.voidedAt),
    externalIds: [externalId(tenant, 'invoice', invoice.id)],
  };
}

/** What of an invoice is not credited yet, in Stripe's units. */
export function creditableAmount(invoice: Stripe.Invoice): number {
  return invoice.total - invoice.pre_payment_credit_notes_amount - invoice.post_payment_credit_notes_amount;
}

/** Whether Stripe credits an invoice in another way, or to another limit, than it did before: it was paid, or credited, meanwhile. */
export function creditsOtherwise(before: Stripe.Invoice, after: Stripe.Invoice): boolean {
  return (
    before.status !== after.status ||
    before.amount_remaining !== after.amount_remaining ||
    creditableAmount(before) !== creditableAmount(after)
  );
}

/** A credit note as we ask for it; the metadata says that it is ours, and for which return. */
export type CreditNoteRequest = Stripe.CreditNoteCreateParams & { amount: number; metadata: Stripe.MetadataParam };

/**
 * The credit note of a return. Stripe first lowers what an open invoice still asks for; what exceeds that must be given back, and goes to
 * the customer's balance at Stripe, from where it pays the next invoice: money leaves the account only by a person's decision.
 *
 * @returns the request, or why Stripe cannot carry it; found before any call
 */
export function planCreditNote(
  command: IssueCreditNote,
  reference: Pick<InvoiceReference, 'correlationId' | 'traceparent'>,
  invoice: Stripe.Invoice,
): { request: CreditNoteRequest } | Refusal {
  const { amount, currency } = command;
  if (currency.toLowerCase() !== invoice.currency) {
    const message = `Invoice ${invoice.number} is in ${invoice.currency.toUpperCase()}, the credit note in ${currency}.`;
    return { reason: 'currency-differs', field: 'currency', message };
  }
  const wanted = toStripeAmount(amount, currency);
  if (!wanted.ok) {
    const field = wanted.reason === 'currency-without-minor-unit' ? 'currency' : 'amount';
    return { reason: wanted.reason, field, message: wanted.message };
  }
  if (wanted.minor <= 0) {
    const message = `A credit note over ${amount} ${currency} gives nothing back.`;
    return { reason: 'amount-not-positive', field: 'amount', message };
  }
  if (invoice.status !== 'open' && invoice.status !== 'paid') {
    const message = `Invoice ${invoice.number ?? invoice.id} is ${invoice.status} at Stripe; only an open or paid one can be credited.`;
    return { reason: 'invoice-not-creditable', field: 'invoiceId', message };
  }
  const left = creditableAmount(invoice);
  if (wanted.minor > left) {
    const message = `Only ${fromStripeAmount(left, currency)} ${currency} of invoice ${invoice.number} is not credited yet, less than ${amount}.`;
    return { reason: 'amount-exceeds-invoice', field: 'amount', message };
  }
  const metadata = { ...toMetadata({ ...command, ...reference }), throughline_return_id: command.returnId };
  return { request: toCreditNoteRequest(invoice, wanted.minor, 'Returned goods', metadata) };
}

/** The credit note that takes back whatever of a paid invoice was not credited before. */
export function planTakingBack(
  command: VoidInvoice,
  { correlationId }: Pick<InvoiceReference, 'correlationId'>,
  invoice: Stripe.Invoice,
): CreditNoteRequest {
  const metadata = { throughline_invoice_id: command.invoiceId, throughline_correlation_id: correlationId };
  return toCreditNoteRequest(invoice, creditableAmount(invoice), `Taken back: ${command.reason}`, metadata);
}

function toCreditNoteRequest(
  invoice: Stripe.Invoice,
  amount: number,
  memo: string,
  metadata: Record<string, string>,
): CreditNoteRequest {
  const given = amount - Math.min(amount, invoice.amount_remaining);
  const credit = given > 0 ? { credit_amount: given } : {};
  return { invoice: invoice.id, amount, ...credit, reason: 'order_change', memo, metadata };
}

/** Whether a credit note was asked for by us, and why: for a return, or to take the invoice back. */
export function ownCreditNote(
  metadata: Stripe.Metadata | null | undefined,
): { returnId: string | undefined } | undefined {
  if (!metadata?.['throughline_invoice_id']) return undefined;
  return { returnId: metadata['throughline_return_id'] };
}

/** The event of a part of an invoice that was credited: for a return, or, without one, by a person at Stripe. */
export function toCreditNoteIssued(
  invoice: Pick<InvoiceReference, 'invoiceId' | 'orderId' | 'opportunityId' | 'occurrence'>,
  creditNote: IssuedCreditNote,
  returnId: string | null,
  tenant: StripeTenant,
): CreditNoteIssued {
  return {
    creditNoteId: canonicalId('stripe', tenant.accountId, 'credit_note', creditNote.id),
    ...identity(invoice),
    returnId,
    creditNoteNumber: creditNote.number,
    currency: creditNote.currency.toUpperCase(),
    amount: fromStripeAmount(creditNote.amount, creditNote.currency),
    issuedAt: toTime(creditNote.created),
    externalIds: [
      externalId(tenant, 'credit_note', creditNote.id),
      externalId(tenant, 'invoice', creditNote.invoiceId),
    ],
  };
}

/** The event of a credit note that a person voided, whoever had made it; which return it was for, its caller knows. */
export function toCreditNoteVoided(
  invoice: Pick<InvoiceReference, 'invoiceId' | 'orderId' | 'opportunityId' | 'occurrence'>,
  voided: Stripe.CreditNote,
  tenant: StripeTenant,
): CreditNoteVoided {
  const issued = toIssuedCreditNote(voided);
  const { issuedAt: _, ...note } = toCreditNoteIssued(invoice, issued, null, tenant);
  const over = formatMoney(note.amount, note.currency);
  return {
    ...note,
    voidedAt: toTime(voided.voided_at ?? voided.created),
    message: `Credit note ${note.creditNoteNumber} over ${over} was voided in Stripe: the customer owes that again, and the revenue that it took off stays off. Credit it anew, or book the difference.`,
  };
}

/** The event of a paid invoice that was taken back: what had not been credited before was credited now. */
export function toInvoiceCredited(
  command: VoidInvoice,
  creditNote: IssuedCreditNote,
  tenant: StripeTenant,
): InvoiceCredited {
  return {
    ...identity(command),
    creditNoteNumber: creditNote.number,
    currency: creditNote.currency.toUpperCase(),
    amount: fromStripeAmount(creditNote.amount, creditNote.currency),
    creditedAt: toTime(creditNote.created),
    externalIds: [
      externalId(tenant, 'credit_note', creditNote.id),
      externalId(tenant, 'invoice', creditNote.invoiceId),
    ],
  };
}

export type PaymentReading =
  | { kind: 'payment'; payload: PaymentReceived; reference: InvoiceReference }
  | { kind: 'ignored'; reason: 'not-ours' | 'not-paid' | 'nothing-received' };

/**
 * What an invoice says about money. An invoice is settled once, so the payment's id comes from the invoice: webhook, its
 * repetitions and the sweep agree on it. Instalments arrive as one amount, when the last one is in.
 */
export function toPaymentReceived(invoice: Stripe.Invoice, tenant: StripeTenant): PaymentReading {
  const reference = toReference(invoice.metadata);
  if (!reference) return { kind: 'ignored', reason: 'not-ours' };
  const paidAt = invoice.status_transitions.paid_at;
  if (invoice.status !== 'paid' || paidAt == null) return { kind: 'ignored', reason: 'not-paid' };
  // A total of zero, or one that a customer's credit balance covered, is "paid" without any money coming in.
  if (invoice.amount_paid <= 0) return { kind: 'ignored', reason: 'nothing-received' };
  return {
    kind: 'payment',
    reference,
    payload: {
      paymentId: canonicalId('stripe', tenant.accountId, 'payment', invoice.id),
      invoiceId: reference.invoiceId,
      orderId: reference.orderId,
      opportunityId: reference.opportunityId,
      occurrence: reference.occurrence,
      currency: invoice.currency.toUpperCase(),
      amount: fromStripeAmount(invoice.amount_paid, invoice.currency),
      receivedAt: toTime(paidAt),
      externalIds: [externalId(tenant, 'invoice', invoice.id)],
    },
  };
}

/** What we keep of a finalised invoice; small enough to be the permanent record of the effect. */
export interface IssuedInvoice {
  id: string;
  customerId: string;
  number: string;
  status: string;
  total: number;
  currency: string;
  /** Seconds since 1970, as all of Stripe's times. */
  finalizedAt: number;
}

/** What we keep of a credit note. */
export interface IssuedCreditNote {
  id: string;
  invoiceId: string;
  number: string;
  amount: number;
  currency: string;
  created: number;
}

export function toIssuedCreditNote(note: Stripe.CreditNote): IssuedCreditNote {
  const { id, invoice, number, amount, currency, created } = note;
  return { id, invoiceId: typeof invoice === 'string' ? invoice : invoice.id, number, amount, currency, created };
}

function identity(command: { invoiceId: string; orderId: string; opportunityId: string; occurrence: number }) {
  const { invoiceId, orderId, opportunityId, occurrence } = command;
  return { invoiceId, orderId, opportunityId, occurrence };
}

function externalId(tenant: StripeTenant, type: string, id: string): ExternalId {
  return { system: 'stripe', tenant: tenant.accountId, type, id };
}

function toTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function trimZeros(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}
