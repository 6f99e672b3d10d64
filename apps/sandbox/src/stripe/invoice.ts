import type { Customer } from './customers.js';
import { stripeError } from './errors.js';
import type { StripeObject } from './store.js';

// The invoice as a value: totals and status machine, without I/O.

export interface LineItem {
  id: string;
  object: 'line_item';
  amount: number;
  currency: string;
  description: string | null;
  quantity: number;
  metadata: Record<string, string>;
  parent: { type: 'invoice_item_details'; invoice_item_details: { invoice_item: string } };
  [field: string]: unknown;
}

export type InvoiceStatus = 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';

export interface Invoice extends StripeObject {
  object: 'invoice';
  status: InvoiceStatus;
  number: string | null;
  currency: string;
  customer: string;
  collection_method: string;
  lines: { data: LineItem[] };
  metadata: Record<string, string>;
  subtotal: number;
  total: number;
  starting_balance: number;
  amount_due: number;
  amount_paid: number;
  amount_remaining: number;
  pre_payment_credit_notes_amount: number;
  post_payment_credit_notes_amount: number;
  due_date: number | null;
  status_transitions: {
    finalized_at: number | null;
    marked_uncollectible_at: number | null;
    paid_at: number | null;
    voided_at: number | null;
  };
}

export interface DraftFields {
  id: string;
  created: number;
  currency: string;
  customer: Customer;
  fields: Record<string, unknown>;
  metadata: Record<string, string>;
}

export function draftInvoice({ id, created, currency, customer, fields, metadata }: DraftFields): Invoice {
  return {
    id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'Throughline sandbox',
    account_tax_ids: null,
    amount_due: 0,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_remaining: 0,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: false,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: null,
    billing_reason: 'manual',
    collection_method: 'charge_automatically',
    created,
    currency,
    custom_fields: null,
    customer: customer.id,
    customer_account: null,
    ...customerSnapshot(customer),
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    due_date: null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: { data: [] },
    livemode: false,
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent: null,
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: created,
    period_start: created,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: 0,
    subtotal_excluding_tax: 0,
    test_clock: null,
    total: 0,
    total_discount_amounts: [],
    total_excluding_tax: 0,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
    ...fields,
    metadata,
  };
}

function customerSnapshot(customer: Customer) {
  return {
    customer_address: customer.address ?? null,
    customer_email: customer.email,
    customer_name: customer.name,
    customer_phone: customer.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: customer.tax_exempt,
    customer_tax_ids: [],
  };
}

/** Replaces a draft's lines and adds up anew. */
export function withLines(invoice: Invoice, lines: LineItem[]): Invoice {
  const total = lines.reduce((sum, line) => sum + line.amount, 0);
  const due = Math.max(total, 0);
  return {
    ...invoice,
    lines: { data: lines },
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
    amount_due: due,
    amount_remaining: due,
  };
}

export function requireDraft(invoice: Invoice): void {
  if (invoice.status === 'draft') return;
  throw stripeError(`Invoice ${invoice.id} is no longer editable: its status is ${invoice.status}.`, {
    code: 'invoice_not_editable',
  });
}

/** Draft to open, or straight to paid where nothing is due. */
export function finalized(invoice: Invoice, number: string, customer: Customer, seconds: number): Invoice {
  if (invoice.status !== 'draft') {
    throw stripeError("This invoice is already finalized, you can't re-finalize a non-draft invoice.", {
      code: 'invoice_not_editable',
    });
  }
  const open: Invoice = {
    ...invoice,
    ...customerSnapshot(customer),
    number: invoice.number ?? number,
    status: 'open',
    effective_at: invoice.effective_at ?? seconds,
    ending_balance: 0,
    hosted_invoice_url: `https://invoice.stripe.com/i/acct_sandbox/${invoice.id}`,
    invoice_pdf: `https://pay.stripe.com/invoice/acct_sandbox/${invoice.id}/pdf`,
    status_transitions: { ...invoice.status_transitions, finalized_at: seconds },
  };
  return open.amount_due === 0
    ? { ...open, status: 'paid', attempted: true, status_transitions: { ...open.status_transitions, paid_at: seconds } }
    : open;
}

export function voided(invoice: Invoice, seconds: number): Invoice {
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
    throw stripeError(`You can only void open or uncollectible invoices. This invoice's status is ${invoice.status}.`, {
      code: 'status_transition_invalid',
    });
  }
  return { ...invoice, status: 'void', status_transitions: { ...invoice.status_transitions, voided_at: seconds } };
}

export function uncollectible(invoice: Invoice, seconds: number): Invoice {
  if (invoice.status !== 'open') {
    throw stripeError(`You can only mark open invoices as uncollectible. This invoice's status is ${invoice.status}.`, {
      code: 'status_transition_invalid',
    });
  }
  return {
    ...invoice,
    status: 'uncollectible',
    status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: seconds },
  };
}

export function paid(invoice: Invoice, outOfBand: boolean, seconds: number): Invoice {
  if (invoice.status === 'paid') throw stripeError('Invoice is already paid');
  if (invoice.status === 'void') throw stripeError('Voided invoices cannot be paid.');
  if (invoice.status === 'draft')
    throw stripeError("This invoice can't be paid because it's a draft. Finalize it first.", {
      code: 'status_transition_invalid',
    });
  return {
    ...invoice,
    status: 'paid',
    amount_paid: invoice.amount_paid + invoice.amount_remaining,
    amount_paid_off_stripe: outOfBand ? invoice.amount_remaining : 0,
    amount_remaining: 0,
    attempted: true,
    attempt_count: outOfBand ? 0 : 1,
    status_transitions: { ...invoice.status_transitions, paid_at: seconds },
  };
}

/** An open invoice owes less after a credit note; a paid one only remembers it. */
export function credited(invoice: Invoice, amount: number, seconds: number): Invoice {
  if (invoice.status === 'paid') {
    return { ...invoice, post_payment_credit_notes_amount: invoice.post_payment_credit_notes_amount + amount };
  }
  const remaining = invoice.amount_remaining - amount;
  const lowered: Invoice = {
    ...invoice,
    amount_due: invoice.amount_due - amount,
    amount_remaining: remaining,
    pre_payment_credit_notes_amount: invoice.pre_payment_credit_notes_amount + amount,
  };
  return remaining > 0
    ? lowered
    : { ...lowered, status: 'paid', status_transitions: { ...invoice.status_transitions, paid_at: seconds } };
}

/** What credit notes may still take off an invoice. */
export function creditable(invoice: Invoice): number {
  return invoice.status === 'paid'
    ? invoice.total - invoice.pre_payment_credit_notes_amount - invoice.post_payment_credit_notes_amount
    : invoice.amount_remaining;
}
