import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { randomId } from '../random-id.js';
import { listShape, mergeMetadata, type StripeContext } from './context.js';
import { requireCurrency } from './currencies.js';
import type { Customer } from './customers.js';
import { stripeError } from './errors.js';
import {
  draftInvoice,
  finalized,
  type Invoice,
  type LineItem,
  paid,
  requireDraft,
  uncollectible,
  voided,
  withLines,
} from './invoice.js';
import { addedLine, lineOf, newInvoiceItem, takePendingItems } from './invoice-items.js';
import { currency, expand, flag, id, integer, metadata, paging, text } from './params.js';
import { searchObjects, searchShape } from './search.js';
import { deleteObject, listObjects, type StripeObject } from './store.js';

const draftFields = {
  auto_advance: flag.optional(),
  collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
  custom_fields: z.array(z.strictObject({ name: id, value: id })).optional(),
  days_until_due: integer.optional(),
  description: text.optional(),
  due_date: integer.optional(),
  effective_at: integer.optional(),
  footer: text.optional(),
  number: id.optional(),
  statement_descriptor: text.optional(),
};

export async function createInvoice(stripe: StripeContext): Promise<VendorResponse> {
  const shape = z.strictObject({
    ...draftFields,
    currency: currency.optional(),
    customer: id,
    expand,
    metadata: metadata.optional(),
    pending_invoice_items_behavior: z.enum(['exclude', 'include']).optional(),
  });
  const {
    expand: paths,
    metadata: given,
    customer: customerId,
    currency: wanted,
    pending_invoice_items_behavior,
    days_until_due,
    ...fields
  } = stripe.params(shape);
  const customer = await stripe.find<Customer>('customer', customerId, 'customer');
  const used = wanted ?? customer.currency ?? 'usd';
  requireCurrency(used);
  const dueDate = dueDateOf(
    stripe,
    fields.collection_method ?? 'charge_automatically',
    days_until_due,
    fields.due_date,
  );
  let invoice = draftInvoice({
    id: randomId('in_1', 23),
    created: stripe.seconds,
    currency: used,
    customer,
    fields: { ...fields, due_date: dueDate },
    metadata: mergeMetadata({}, given),
  });
  if (pending_invoice_items_behavior === 'include') invoice = await takePendingItems(stripe, invoice);
  await stripe.create(invoice);
  await stripe.emit('invoice.created', invoice);
  return stripe.answer(invoice, paths);
}

function dueDateOf(
  stripe: StripeContext,
  method: string,
  daysUntilDue: number | undefined,
  dueDate: number | undefined,
): number | null {
  if (method === 'send_invoice') {
    if (daysUntilDue === undefined && dueDate === undefined) {
      throw stripeError(
        "If invoice is to be sent (collection_method=send_invoice), you must specify one of 'days_until_due' or 'due_date'.",
        { param: 'days_until_due' },
      );
    }
    return dueDate ?? stripe.seconds + daysUntilDue! * 86_400;
  }
  if (daysUntilDue !== undefined || dueDate !== undefined) {
    throw stripeError(
      "You can only specify 'due_date' or 'days_until_due' if the collection_method is 'send_invoice'.",
      { param: 'days_until_due' },
    );
  }
  return null;
}

export async function retrieveInvoice(stripe: StripeContext): Promise<VendorResponse> {
  return stripe.answer(
    await stripe.find<Invoice>('invoice', stripe.path.id!),
    stripe.params(z.strictObject({ expand })).expand,
  );
}

export async function listInvoices(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    listShape({
      customer: id.optional(),
      status: z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']).optional(),
      collection_method: z.enum(['charge_automatically', 'send_invoice']).optional(),
    }),
  );
  return stripe.answerList(
    {
      object: 'invoice',
      where: { customer: params.customer, status: params.status, collection_method: params.collection_method },
    },
    params,
  );
}

export async function searchInvoices(stripe: StripeContext): Promise<VendorResponse> {
  return searchObjects(stripe, 'invoice', stripe.params(searchShape));
}

export async function updateInvoice(stripe: StripeContext): Promise<VendorResponse> {
  const {
    expand: paths,
    metadata: given,
    days_until_due,
    ...fields
  } = stripe.params(z.strictObject({ ...draftFields, expand, metadata: metadata.optional() }));
  const current = await stripe.lock<Invoice>('invoice', stripe.path.id!);
  // A finalized invoice still takes metadata and its automatic collection switch, nothing that a customer has seen.
  if (Object.keys(fields).some((field) => field !== 'auto_advance') || days_until_due !== undefined)
    requireDraft(current);
  const dueDate = days_until_due === undefined ? {} : { due_date: current.created! + days_until_due * 86_400 };
  const invoice: Invoice = { ...current, ...fields, ...dueDate, metadata: mergeMetadata(current.metadata, given) };
  await stripe.save(invoice);
  await stripe.emit('invoice.updated', invoice);
  return stripe.answer(invoice, paths);
}

export async function deleteInvoice(stripe: StripeContext): Promise<VendorResponse> {
  const invoice = await stripe.lock<Invoice>('invoice', stripe.path.id!);
  if (invoice.status !== 'draft')
    throw stripeError('You can only delete draft invoices.', { code: 'invoice_not_editable' });
  for (const line of invoice.lines.data) await deleteObject(stripe.tx, line.parent.invoice_item_details.invoice_item);
  await deleteObject(stripe.tx, invoice.id);
  await stripe.emit('invoice.deleted', invoice);
  return { status: 200, body: { id: invoice.id, object: 'invoice', deleted: true } };
}

export async function addLines(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    z.strictObject({ lines: z.array(addedLine).min(1).max(250), expand, invoice_metadata: metadata.optional() }),
  );
  let invoice = await stripe.lock<Invoice>('invoice', stripe.path.id!);
  requireDraft(invoice);
  const customer = await stripe.find<Customer>('customer', invoice.customer);
  const added: LineItem[] = [];
  for (const line of params.lines)
    added.push(lineOf(await newInvoiceItem(stripe, line, customer, invoice), invoice.id));
  invoice = withLines({ ...invoice, metadata: mergeMetadata(invoice.metadata, params.invoice_metadata) }, [
    ...invoice.lines.data,
    ...added,
  ]);
  await stripe.save(invoice);
  await stripe.emit('invoice.updated', invoice);
  return stripe.answer(invoice, params.expand);
}

export async function listInvoiceLines(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    z.strictObject({ limit: paging.limit, starting_after: id.optional(), ending_before: id.optional(), expand }),
  );
  const invoice = await stripe.find<Invoice>('invoice', stripe.path.id!);
  return { status: 200, body: pageOf(invoice.lines.data, params, stripe.path.id!) };
}

function pageOf(
  lines: LineItem[],
  params: { limit?: number; starting_after?: string; ending_before?: string },
  invoice: string,
) {
  const limit = params.limit ?? 10;
  const after =
    params.starting_after === undefined ? 0 : lines.findIndex((line) => line.id === params.starting_after) + 1;
  const before =
    params.ending_before === undefined ? lines.length : lines.findIndex((line) => line.id === params.ending_before);
  const window = lines.slice(after, before);
  const data = params.ending_before === undefined ? window.slice(0, limit) : window.slice(-limit);
  return { object: 'list', data, has_more: window.length > limit, url: `/v1/invoices/${invoice}/lines` };
}

export async function finalizeInvoice(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(z.strictObject({ auto_advance: flag.optional(), expand }));
  const draft = await stripe.lock<Invoice>('invoice', stripe.path.id!);
  const customer = await stripe.lock<Customer>('customer', draft.customer);
  const number = `${customer.invoice_prefix}-${String(customer.next_invoice_sequence).padStart(4, '0')}`;
  const invoice = {
    ...finalized(draft, number, customer, stripe.seconds),
    auto_advance: params.auto_advance ?? draft.auto_advance,
  };
  await stripe.save({
    ...customer,
    currency: customer.currency ?? invoice.currency,
    next_invoice_sequence: customer.next_invoice_sequence + 1,
  });
  await stripe.save(invoice);
  await stripe.emit('invoice.finalized', invoice);
  if (invoice.status === 'paid') await emitPaid(stripe, invoice);
  return stripe.answer(invoice, params.expand);
}

export async function sendInvoice(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(z.strictObject({ expand }));
  const invoice = await stripe.lock<Invoice>('invoice', stripe.path.id!);
  if (invoice.status === 'draft')
    throw stripeError('Finalize the invoice before it is sent: the sandbox does not do both in one call.', {
      code: 'status_transition_invalid',
    });
  await stripe.emit('invoice.sent', invoice);
  return stripe.answer(invoice, params.expand);
}

export async function voidInvoice(stripe: StripeContext): Promise<VendorResponse> {
  return transition(stripe, 'invoice.voided', (invoice) => voided(invoice, stripe.seconds));
}

export async function markUncollectible(stripe: StripeContext): Promise<VendorResponse> {
  return transition(stripe, 'invoice.marked_uncollectible', (invoice) => uncollectible(invoice, stripe.seconds));
}

async function transition(
  stripe: StripeContext,
  event: string,
  change: (invoice: Invoice) => Invoice,
): Promise<VendorResponse> {
  const params = stripe.params(z.strictObject({ expand }));
  const invoice = change(await stripe.lock<Invoice>('invoice', stripe.path.id!));
  await stripe.save(invoice);
  await stripe.emit(event, invoice);
  return stripe.answer(invoice, params.expand);
}

export async function payInvoice(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    z.strictObject({
      expand,
      forgive: flag.optional(),
      off_session: flag.optional(),
      paid_out_of_band: flag.optional(),
      payment_method: id.optional(),
    }),
  );
  const open = await stripe.lock<Invoice>('invoice', stripe.path.id!);
  const outOfBand = params.paid_out_of_band ?? false;
  const invoice = paid(open, outOfBand, stripe.seconds);
  if (!outOfBand) requireChargeable(params.payment_method);
  await recordPayment(stripe, open, invoice, outOfBand);
  return stripe.answer(invoice, params.expand);
}

/** Stripe's test payment methods: pm_card_chargeDeclined and its like are declined, the others pay. */
function requireChargeable(method: string | undefined): void {
  if (method === undefined) {
    throw stripeError(
      'There is no `default_payment_method` set on this Customer or Invoice. Please set either a `default_payment_method` or pass one, or mark the invoice `paid_out_of_band`.',
      { code: 'missing' },
    );
  }
  if (/declined/i.test(method)) {
    throw stripeError('Your card was declined.', {
      type: 'card_error',
      code: 'card_declined',
      decline_code: 'generic_decline',
      status: 402,
    });
  }
}

async function recordPayment(
  stripe: StripeContext,
  open: Invoice,
  invoice: Invoice,
  outOfBand: boolean,
): Promise<void> {
  await stripe.create({
    id: randomId('inpay_1', 23),
    object: 'invoice_payment',
    amount_paid: open.amount_remaining,
    amount_requested: open.amount_remaining,
    created: stripe.seconds,
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: outOfBand
      ? { type: 'payment_record', payment_record: randomId('pr_1', 23) }
      : { type: 'payment_intent', payment_intent: randomId('pi_3', 23) },
    status: 'paid',
    status_transitions: { canceled_at: null, paid_at: stripe.seconds },
  });
  await stripe.save(invoice);
  await emitPaid(stripe, invoice);
}

async function emitPaid(stripe: StripeContext, invoice: Invoice): Promise<void> {
  await stripe.emit('invoice.paid', invoice);
  await stripe.emit('invoice.payment_succeeded', invoice);
}

export async function listInvoicePayments(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    listShape({ invoice: id.optional(), status: z.enum(['open', 'paid', 'canceled']).optional() }),
  );
  return stripe.answerList(
    { object: 'invoice_payment', where: { invoice: params.invoice, status: params.status } },
    params,
  );
}

export async function retrieveInvoicePayment(stripe: StripeContext): Promise<VendorResponse> {
  return stripe.answer(
    await stripe.find<StripeObject>('invoice_payment', stripe.path.id!),
    stripe.params(z.strictObject({ expand })).expand,
  );
}

export async function listEvents(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    listShape({ type: id.optional(), types: z.array(id).max(20).optional(), delivery_success: flag.optional() }),
  );
  const anyOf = params.types ? { field: 'type', values: params.types } : undefined;
  return stripe.answerList({ object: 'event', where: { type: params.type }, anyOf }, params);
}

export async function retrieveEvent(stripe: StripeContext): Promise<VendorResponse> {
  return stripe.answer(await stripe.find<StripeObject>('event', stripe.path.id!));
}

/** Credit notes of an invoice, oldest first. */
export async function creditNotesOf(stripe: StripeContext, invoice: string): Promise<StripeObject[]> {
  const { data } = await listObjects(stripe.tx, { object: 'credit_note', where: { invoice }, limit: 100 });
  return data.reverse();
}
