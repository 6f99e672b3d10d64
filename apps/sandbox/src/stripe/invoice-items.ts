import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { randomId } from '../random-id.js';
import { listShape, mergeMetadata, type StripeContext } from './context.js';
import type { Customer } from './customers.js';
import { requireExpressible } from './currencies.js';
import { missingParam, stripeError } from './errors.js';
import { type Invoice, type LineItem, requireDraft, withLines } from './invoice.js';
import { currency, decimal, expand, flag, id, integer, metadata, period, text } from './params.js';
import { createInlineProduct, type Price, type Product } from './products.js';
import { deleteObject, listObjects, type StripeObject } from './store.js';

export interface InvoiceItem extends StripeObject {
  object: 'invoiceitem';
  amount: number;
  currency: string;
  customer: string;
  invoice: string | null;
  description: string | null;
  quantity: number;
  metadata: Record<string, string>;
  period: { start: number; end: number };
  pricing: unknown;
}

const priceData = {
  currency,
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
  unit_amount: integer.optional(),
  unit_amount_decimal: decimal.optional(),
};
const itemFields = {
  amount: integer.optional(),
  description: text.optional(),
  discountable: flag.optional(),
  metadata: metadata.optional(),
  period: period.optional(),
  pricing: z.strictObject({ price: id }).optional(),
  quantity: integer.refine((value) => value >= 0, 'Invalid non-negative integer').optional(),
};
/** One entry of POST /v1/invoices/:id/add_lines. */
export const addedLine = z.strictObject({
  ...itemFields,
  price_data: z
    .strictObject({
      ...priceData,
      product: id.optional(),
      product_data: z
        .strictObject({ name: id, description: text.optional(), metadata: metadata.optional() })
        .optional(),
    })
    .optional(),
});
const createShape = z.strictObject({
  ...itemFields,
  currency: currency.optional(),
  customer: id.optional(),
  expand,
  invoice: id.optional(),
  price_data: z.strictObject({ ...priceData, product: id }).optional(),
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
  unit_amount_decimal: decimal.optional(),
});

export type ItemInput = Omit<z.infer<typeof addedLine>, never> & { currency?: string; unit_amount_decimal?: string };

export async function createInvoiceItem(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(createShape);
  const invoice =
    params.invoice === undefined ? undefined : await stripe.lock<Invoice>('invoice', params.invoice, 'invoice');
  const customerId = params.customer ?? invoice?.customer;
  if (customerId === undefined) throw missingParam('customer');
  const customer = await stripe.find<Customer>('customer', customerId, 'customer');
  if (invoice && invoice.customer !== customer.id) {
    throw stripeError(`The customer of the invoice item must match the customer of the invoice ${invoice.id}.`, {
      param: 'customer',
    });
  }
  if (invoice) requireDraft(invoice);
  const item = await newInvoiceItem(stripe, params, customer, invoice);
  await stripe.emit('invoiceitem.created', item);
  if (invoice) await stripe.save(withLines(invoice, [...invoice.lines.data, lineOf(item, invoice.id)]));
  return stripe.answer(item, params.expand);
}

/** Prices and stores one item; the caller adds it to its invoice. */
export async function newInvoiceItem(
  stripe: StripeContext,
  params: ItemInput,
  customer: Customer,
  invoice: Invoice | undefined,
): Promise<InvoiceItem> {
  const priced = await price(stripe, params, invoice?.currency ?? customer.currency ?? undefined);
  if (invoice && invoice.currency !== priced.currency) {
    throw stripeError(
      `The currency of the invoice item (${priced.currency}) must match the currency of the invoice (${invoice.currency}).`,
      { param: 'currency' },
    );
  }
  const item: InvoiceItem = {
    id: randomId('ii_1', 23),
    object: 'invoiceitem',
    amount: priced.amount,
    currency: priced.currency,
    customer: customer.id,
    customer_account: null,
    date: stripe.seconds,
    description: params.description ?? priced.description,
    discountable: params.discountable ?? true,
    discounts: [],
    invoice: invoice?.id ?? null,
    livemode: false,
    metadata: mergeMetadata({}, params.metadata),
    net_amount: priced.amount,
    parent: null,
    period: params.period ?? { start: stripe.seconds, end: stripe.seconds },
    pricing: priced.pricing,
    proration: false,
    quantity: priced.quantity,
    quantity_decimal: String(priced.quantity),
    tax_rates: [],
    test_clock: null,
  };
  await stripe.create(item);
  return item;
}

interface Priced {
  amount: number;
  currency: string;
  quantity: number;
  description: string | null;
  pricing: unknown;
}

async function price(stripe: StripeContext, params: ItemInput, defaultCurrency = 'usd'): Promise<Priced> {
  const given = (['amount', 'pricing', 'price_data', 'unit_amount_decimal'] as const).filter(
    (name) => params[name] !== undefined,
  );
  if (given.length > 1)
    throw stripeError(`You may only specify one of these parameters: ${given.join(', ')}.`, { param: given[0] });
  if (given.length === 0)
    throw stripeError('You must specify one of: amount, pricing, price_data.', {
      code: 'parameter_missing',
      param: 'amount',
    });
  if (params.amount !== undefined) {
    if (params.quantity !== undefined)
      throw stripeError('You may only specify one of these parameters: amount, quantity.', { param: 'amount' });
    const used = params.currency ?? defaultCurrency;
    requireExpressible(params.amount, used, 'amount');
    return { amount: params.amount, currency: used, quantity: 1, description: null, pricing: null };
  }
  const quantity = params.quantity ?? 1;
  const unit = await unitPrice(stripe, params, defaultCurrency);
  const amount = Math.round(Number(unit.decimal) * quantity);
  requireExpressible(amount, unit.currency, 'unit_amount');
  return {
    amount,
    currency: unit.currency,
    quantity,
    description: unit.description,
    pricing: {
      type: 'price_details',
      price_details: { price: unit.price, product: unit.product },
      unit_amount_decimal: unit.decimal,
    },
  };
}

async function unitPrice(stripe: StripeContext, params: ItemInput, defaultCurrency: string) {
  if (params.pricing) {
    const found = await stripe.find<Price>('price', params.pricing.price, 'pricing[price]');
    const product = await stripe.find<Product>('product', found.product, 'product');
    return {
      decimal: found.unit_amount_decimal,
      currency: found.currency,
      price: found.id,
      product: product.id,
      description: product.name,
    };
  }
  if (params.price_data) {
    const { price_data: data } = params;
    const unitAmount = data.unit_amount_decimal ?? data.unit_amount?.toString();
    if (unitAmount === undefined) throw missingParam('price_data[unit_amount]');
    const productId =
      data.product ?? (data.product_data ? await createInlineProduct(stripe, data.product_data) : undefined);
    if (productId === undefined) throw missingParam('price_data[product]');
    const product = await stripe.find<Product>('product', productId, 'price_data[product]');
    return {
      decimal: unitAmount,
      currency: data.currency,
      price: randomId('price_1', 23),
      product: product.id,
      description: product.name,
    };
  }
  return {
    decimal: params.unit_amount_decimal!,
    currency: params.currency ?? defaultCurrency,
    price: randomId('price_1', 23),
    product: randomId('prod_', 14),
    description: null,
  };
}

export function lineOf(item: InvoiceItem, invoice: string): LineItem {
  return {
    id: randomId('il_1', 23),
    object: 'line_item',
    amount: item.amount,
    currency: item.currency,
    description: item.description,
    discount_amounts: [],
    discountable: item.discountable,
    discounts: [],
    invoice,
    livemode: false,
    metadata: item.metadata,
    parent: {
      invoice_item_details: {
        invoice_item: item.id,
        proration: false,
        proration_details: { credited_items: null },
        subscription: null,
      },
      subscription_item_details: null,
      type: 'invoice_item_details',
    } as LineItem['parent'],
    period: item.period,
    pretax_credit_amounts: [],
    pricing: item.pricing,
    quantity: item.quantity,
    quantity_decimal: item.quantity_decimal,
    subscription: null,
    subtotal: item.amount,
    taxes: [],
  };
}

export async function retrieveInvoiceItem(stripe: StripeContext): Promise<VendorResponse> {
  return stripe.answer(
    await stripe.find<InvoiceItem>('invoiceitem', stripe.path.id!),
    stripe.params(z.strictObject({ expand })).expand,
  );
}

export async function listInvoiceItems(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    listShape({ customer: id.optional(), invoice: id.optional(), pending: flag.optional() }),
  );
  const invoice = params.pending === true ? null : params.invoice;
  return stripe.answerList({ object: 'invoiceitem', where: { customer: params.customer, invoice } }, params);
}

export async function deleteInvoiceItem(stripe: StripeContext): Promise<VendorResponse> {
  const item = await stripe.lock<InvoiceItem>('invoiceitem', stripe.path.id!);
  if (item.invoice !== null) {
    const invoice = await stripe.lock<Invoice>('invoice', item.invoice);
    requireDraft(invoice);
    await stripe.save(
      withLines(
        invoice,
        invoice.lines.data.filter((line) => line.parent.invoice_item_details.invoice_item !== item.id),
      ),
    );
  }
  await deleteObject(stripe.tx, item.id);
  await stripe.emit('invoiceitem.deleted', item);
  return { status: 200, body: { id: item.id, object: 'invoiceitem', deleted: true } };
}

/** Takes the customer's pending items of this currency onto a new draft. */
export async function takePendingItems(stripe: StripeContext, invoice: Invoice): Promise<Invoice> {
  const { data } = await listObjects<InvoiceItem>(stripe.tx, {
    object: 'invoiceitem',
    where: { customer: invoice.customer, currency: invoice.currency, invoice: null },
    limit: 250,
  });
  for (const item of data) await stripe.save({ ...item, invoice: invoice.id });
  return withLines(
    invoice,
    data.reverse().map((item) => lineOf(item, invoice.id)),
  );
}
