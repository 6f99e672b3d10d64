import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { randomId } from '../random-id.js';
import { listShape, mergeMetadata, type StripeContext } from './context.js';
import { address, expand, id, metadata, text } from './params.js';
import { searchObjects, searchShape } from './search.js';
import type { StripeObject } from './store.js';

export interface Customer extends StripeObject {
  object: 'customer';
  email: string | null;
  name: string | null;
  currency: string | null;
  balance: number;
  metadata: Record<string, string>;
  invoice_prefix: string;
  next_invoice_sequence: number;
}

const fields = {
  address: address.optional(),
  description: text.optional(),
  email: text.optional(),
  expand,
  metadata: metadata.optional(),
  name: text.optional(),
  phone: text.optional(),
  preferred_locales: z.array(z.string()).optional(),
  tax_exempt: z.enum(['', 'none', 'exempt', 'reverse']).optional(),
};
const shape = z.strictObject(fields);

export async function createCustomer(stripe: StripeContext): Promise<VendorResponse> {
  const { expand: paths, metadata: given, tax_exempt, ...params } = stripe.params(shape);
  const customer: Customer = {
    id: randomId('cus_', 14),
    object: 'customer',
    address: null,
    balance: 0,
    created: stripe.seconds,
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: randomId('', 8, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: mergeMetadata({}, given),
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: tax_exempt || 'none',
    test_clock: null,
    ...params,
  };
  await stripe.create(customer);
  await stripe.emit('customer.created', customer);
  return stripe.answer(customer, paths);
}

export async function retrieveCustomer(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(z.strictObject({ expand }));
  return stripe.answer(await stripe.find<Customer>('customer', stripe.path.id!), params.expand);
}

export async function updateCustomer(stripe: StripeContext): Promise<VendorResponse> {
  const { expand: paths, metadata: given, tax_exempt, ...params } = stripe.params(shape);
  const current = await stripe.lock<Customer>('customer', stripe.path.id!);
  const customer = {
    ...current,
    ...params,
    tax_exempt: tax_exempt || current.tax_exempt,
    metadata: mergeMetadata(current.metadata, given),
  };
  await stripe.save(customer);
  await stripe.emit('customer.updated', customer);
  return stripe.answer(customer, paths);
}

export async function listCustomers(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(listShape({ email: id.optional() }));
  return stripe.answerList({ object: 'customer', where: { email: params.email } }, params);
}

export async function searchCustomers(stripe: StripeContext): Promise<VendorResponse> {
  return searchObjects(stripe, 'customer', stripe.params(searchShape));
}
