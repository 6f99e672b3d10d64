import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { randomId } from '../random-id.js';
import { listShape, mergeMetadata, type StripeContext } from './context.js';
import type { Customer } from './customers.js';
import { requireExpressible } from './currencies.js';
import { stripeError } from './errors.js';
import { creditable, credited, type Invoice } from './invoice.js';
import { creditNotesOf } from './invoices.js';
import { expand, id, integer, metadata, text } from './params.js';
import type { StripeObject } from './store.js';

interface CreditNote extends StripeObject {
  object: 'credit_note';
  metadata: Record<string, string>;
}

const line = z.strictObject({
  amount: integer.optional(),
  description: text.optional(),
  invoice_line_item: id.optional(),
  quantity: integer.optional(),
  type: z.enum(['custom_line_item', 'invoice_line_item']),
  unit_amount: integer.optional(),
});
const shape = z.strictObject({
  amount: integer.optional(),
  credit_amount: integer.optional(),
  effective_at: integer.optional(),
  email_type: z.enum(['credit_note', 'none']).optional(),
  expand,
  invoice: id,
  lines: z.array(line).optional(),
  memo: text.optional(),
  metadata: metadata.optional(),
  out_of_band_amount: integer.optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'order_change', 'product_unsatisfactory']).optional(),
  refund_amount: integer.optional(),
});
type Params = z.infer<typeof shape>;

export async function createCreditNote(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(shape);
  const invoice = await stripe.lock<Invoice>('invoice', params.invoice, 'invoice');
  if (invoice.status !== 'open' && invoice.status !== 'paid') {
    throw stripeError(
      `Credit notes can only be created for finalized invoices that are open or paid. This invoice's status is ${invoice.status}.`,
      { param: 'invoice' },
    );
  }
  const lines = linesOf(params, invoice);
  const amount = lines.reduce((sum, { amount: part }) => sum + part, 0);
  requireCreditable(params, invoice, amount);
  const number = `${invoice.number}-CN-${String((await creditNotesOf(stripe, invoice.id)).length + 1).padStart(2, '0')}`;
  const note = newCreditNote(stripe, params, invoice, lines, amount, number);
  const after = credited(invoice, amount, stripe.seconds);
  await stripe.create(note);
  await stripe.save(after);
  if (params.credit_amount) await addToBalance(stripe, invoice.customer, params.credit_amount);
  await stripe.emit('credit_note.created', note);
  await stripe.emit('invoice.updated', after);
  return stripe.answer(note, params.expand);
}

interface Line {
  amount: number;
  description: string | null;
  type: string;
  invoice_line_item?: string;
  quantity: number | null;
  unit_amount: number | null;
}

function linesOf(params: Params, invoice: Invoice): Line[] {
  if ((params.amount === undefined) === (params.lines === undefined)) {
    throw stripeError('You must pass exactly one of `amount` or `lines`.', {
      code: 'parameter_missing',
      param: 'amount',
    });
  }
  if (!params.lines)
    return [
      { amount: params.amount!, description: null, type: 'custom_line_item', quantity: 1, unit_amount: params.amount! },
    ];
  return params.lines.map((given, index) => {
    if (given.type === 'custom_line_item') {
      const amount = given.amount ?? (given.unit_amount ?? 0) * (given.quantity ?? 1);
      return {
        amount,
        description: given.description ?? null,
        type: given.type,
        quantity: given.quantity ?? 1,
        unit_amount: given.unit_amount ?? null,
      };
    }
    const credits = invoice.lines.data.find(({ id: lineId }) => lineId === given.invoice_line_item);
    if (!credits)
      throw stripeError(`No such invoice line item: '${given.invoice_line_item}'`, {
        code: 'resource_missing',
        param: `lines[${index}][invoice_line_item]`,
      });
    const share =
      given.quantity === undefined ? credits.amount : Math.round((credits.amount * given.quantity) / credits.quantity);
    return {
      amount: given.amount ?? share,
      description: given.description ?? credits.description,
      type: given.type,
      invoice_line_item: credits.id,
      quantity: given.quantity ?? credits.quantity,
      unit_amount: null,
    };
  });
}

function requireCreditable(params: Params, invoice: Invoice, amount: number): void {
  requireExpressible(amount, invoice.currency, 'amount');
  if (amount <= 0) throw stripeError('The credit note amount must be greater than 0.', { param: 'amount' });
  if (amount > creditable(invoice)) {
    throw stripeError(
      `The amount of the credit note (${amount}) is greater than what can still be credited on the invoice (${creditable(invoice)}).`,
      { param: 'amount' },
    );
  }
  const refunded = params.refund_amount ?? 0;
  const returned = refunded + (params.credit_amount ?? 0) + (params.out_of_band_amount ?? 0);
  if (invoice.status === 'paid' && returned !== amount) {
    throw stripeError(
      `The sum of credit amount, refund amount and out of band amount (${returned}) must equal the credit note amount (${amount}).`,
      { param: 'amount' },
    );
  }
  if (invoice.status !== 'paid' && returned !== 0) {
    throw stripeError('An open invoice has received no payment that could be refunded or credited.', {
      param: 'refund_amount',
    });
  }
  if (refunded > invoice.amount_paid - Number(invoice.amount_paid_off_stripe ?? 0)) {
    throw stripeError(
      'The refund amount is greater than what was paid through Stripe; use out_of_band_amount or credit_amount.',
      { param: 'refund_amount' },
    );
  }
}

function newCreditNote(
  stripe: StripeContext,
  params: Params,
  invoice: Invoice,
  lines: Line[],
  amount: number,
  number: string,
): CreditNote {
  const isPaid = invoice.status === 'paid';
  const noteId = randomId('cn_1', 23);
  return {
    id: noteId,
    object: 'credit_note',
    amount,
    amount_shipping: 0,
    created: stripe.seconds,
    currency: invoice.currency,
    customer: invoice.customer,
    customer_account: null,
    customer_balance_transaction: params.credit_amount ? randomId('cbtxn_1', 23) : null,
    discount_amount: 0,
    discount_amounts: [],
    effective_at: params.effective_at ?? stripe.seconds,
    invoice: invoice.id,
    lines: {
      data: lines.map((given) => ({
        id: randomId('cnli_1', 23),
        object: 'credit_note_line_item',
        discount_amount: 0,
        discount_amounts: [],
        livemode: false,
        metadata: {},
        pretax_credit_amounts: [],
        tax_rates: [],
        taxes: [],
        unit_amount_decimal: given.unit_amount === null ? null : String(given.unit_amount),
        ...given,
      })),
    },
    livemode: false,
    memo: params.memo ?? null,
    metadata: mergeMetadata({}, params.metadata),
    number,
    out_of_band_amount: params.out_of_band_amount ?? null,
    pdf: `https://pay.stripe.com/credit_notes/acct_sandbox/${noteId}/pdf`,
    post_payment_amount: isPaid ? amount : 0,
    pre_payment_amount: isPaid ? 0 : amount,
    pretax_credit_amounts: [],
    reason: params.reason ?? null,
    refunds: params.refund_amount
      ? [
          {
            amount_refunded: params.refund_amount,
            payment_record_refund: null,
            refund: randomId('re_3', 23),
            type: 'refund',
          },
        ]
      : [],
    shipping_cost: null,
    status: 'issued',
    subtotal: amount,
    subtotal_excluding_tax: amount,
    total: amount,
    total_excluding_tax: amount,
    total_taxes: [],
    type: isPaid ? 'post_payment' : 'pre_payment',
    voided_at: null,
  };
}

async function addToBalance(stripe: StripeContext, customerId: string, amount: number): Promise<void> {
  const customer = await stripe.lock<Customer>('customer', customerId);
  await stripe.save({ ...customer, balance: customer.balance - amount });
}

export async function retrieveCreditNote(stripe: StripeContext): Promise<VendorResponse> {
  return stripe.answer(
    await stripe.find<CreditNote>('credit_note', stripe.path.id!),
    stripe.params(z.strictObject({ expand })).expand,
  );
}

/** Only while its invoice is open: it then asks for the amount again. */
export async function voidCreditNote(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(z.strictObject({ expand }));
  const note = await stripe.lock<CreditNote>('credit_note', stripe.path.id!);
  const invoice = await stripe.lock<Invoice>('invoice', String(note.invoice));
  if (note.status === 'void' || invoice.status !== 'open')
    throw stripeError('You can only void credit notes of open invoices, and once.', {
      code: 'status_transition_invalid',
    });
  const voided = { ...note, status: 'void', voided_at: stripe.seconds };
  const after = credited(invoice, -Number(note.amount), stripe.seconds);
  await stripe.save(voided);
  await stripe.save(after);
  await stripe.emit('credit_note.voided', voided);
  await stripe.emit('invoice.updated', after);
  return stripe.answer(voided, params.expand);
}

export async function listCreditNotes(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(listShape({ customer: id.optional(), invoice: id.optional() }));
  return stripe.answerList(
    { object: 'credit_note', where: { customer: params.customer, invoice: params.invoice } },
    params,
  );
}
