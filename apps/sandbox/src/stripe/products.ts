import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { randomId } from '../random-id.js';
import { listShape, mergeMetadata, type StripeContext } from './context.js';
import { requireExpressible } from './currencies.js';
import { stripeError } from './errors.js';
import { currency, decimal, expand, flag, id, integer, metadata, text } from './params.js';
import { searchObjects, searchShape } from './search.js';
import type { StripeObject } from './store.js';

export interface Product extends StripeObject {
  object: 'product';
  name: string;
  active: boolean;
  metadata: Record<string, string>;
}

export interface Price extends StripeObject {
  object: 'price';
  currency: string;
  product: string;
  unit_amount: number | null;
  unit_amount_decimal: string;
  metadata: Record<string, string>;
}

const productFields = {
  active: flag.optional(),
  description: text.optional(),
  expand,
  metadata: metadata.optional(),
  statement_descriptor: text.optional(),
  tax_code: text.optional(),
  unit_label: text.optional(),
  url: text.optional(),
};

export async function createProduct(stripe: StripeContext): Promise<VendorResponse> {
  const shape = z.strictObject({
    ...productFields,
    id: id.optional(),
    name: id,
    type: z.enum(['service', 'good']).optional(),
  });
  const { expand: paths, metadata: given, ...params } = stripe.params(shape);
  const product: Product = {
    object: 'product',
    active: true,
    attributes: [],
    created: stripe.seconds,
    default_price: null,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    type: 'service',
    unit_label: null,
    updated: stripe.seconds,
    url: null,
    ...params,
    id: params.id ?? randomId('prod_', 14),
    metadata: mergeMetadata({}, given),
  };
  await stripe.create(product);
  await stripe.emit('product.created', product);
  return stripe.answer(product, paths);
}

export async function retrieveProduct(stripe: StripeContext): Promise<VendorResponse> {
  return stripe.answer(
    await stripe.find<Product>('product', stripe.path.id!),
    stripe.params(z.strictObject({ expand })).expand,
  );
}

export async function updateProduct(stripe: StripeContext): Promise<VendorResponse> {
  const {
    expand: paths,
    metadata: given,
    ...params
  } = stripe.params(z.strictObject({ ...productFields, name: id.optional() }));
  const current = await stripe.lock<Product>('product', stripe.path.id!);
  const product = { ...current, ...params, updated: stripe.seconds, metadata: mergeMetadata(current.metadata, given) };
  await stripe.save(product);
  await stripe.emit('product.updated', product);
  return stripe.answer(product, paths);
}

export async function listProducts(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(listShape({ active: flag.optional(), ids: z.array(id).optional(), url: id.optional() }));
  const anyOf = params.ids ? { field: 'id', values: params.ids } : undefined;
  return stripe.answerList({ object: 'product', where: { active: params.active, url: params.url }, anyOf }, params);
}

export async function searchProducts(stripe: StripeContext): Promise<VendorResponse> {
  return searchObjects(stripe, 'product', stripe.params(searchShape));
}

export async function createPrice(stripe: StripeContext): Promise<VendorResponse> {
  const shape = z.strictObject({
    active: flag.optional(),
    currency,
    expand,
    lookup_key: text.optional(),
    metadata: metadata.optional(),
    nickname: text.optional(),
    product: id.optional(),
    product_data: z.strictObject({ name: id, metadata: metadata.optional() }).optional(),
    tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
    unit_amount: integer.optional(),
    unit_amount_decimal: decimal.optional(),
  });
  const { expand: paths, metadata: given, product: productId, product_data, ...params } = stripe.params(shape);
  if ((productId === undefined) === (product_data === undefined)) {
    throw stripeError('You must provide exactly one of: product, product_data.', {
      code: 'parameter_missing',
      param: 'product',
      beforeExecution: true,
    });
  }
  if ((params.unit_amount === undefined) === (params.unit_amount_decimal === undefined)) {
    throw stripeError('You must provide exactly one of: unit_amount, unit_amount_decimal.', {
      code: 'parameter_missing',
      param: 'unit_amount',
      beforeExecution: true,
    });
  }
  if (productId !== undefined) await stripe.find<Product>('product', productId, 'product');
  const product = productId ?? (await createInlineProduct(stripe, product_data!));
  if (params.unit_amount !== undefined) requireExpressible(params.unit_amount, params.currency, 'unit_amount');
  const whole =
    params.unit_amount ?? (/^-?\d+$/.test(params.unit_amount_decimal!) ? Number(params.unit_amount_decimal) : null);
  const price: Price = {
    object: 'price',
    id: randomId('price_1', 23),
    active: true,
    billing_scheme: 'per_unit',
    created: stripe.seconds,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    nickname: null,
    recurring: null,
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'one_time',
    ...params,
    product,
    unit_amount: whole,
    unit_amount_decimal: params.unit_amount_decimal ?? String(params.unit_amount),
    metadata: mergeMetadata({}, given),
  };
  await stripe.create(price);
  await stripe.emit('price.created', price);
  return stripe.answer(price, paths);
}

/** A product made on the fly by `product_data`. */
export async function createInlineProduct(
  stripe: StripeContext,
  data: { name: string; metadata?: Record<string, string> | null },
): Promise<string> {
  const product: Product = {
    object: 'product',
    id: randomId('prod_', 14),
    active: true,
    created: stripe.seconds,
    updated: stripe.seconds,
    livemode: false,
    name: data.name,
    type: 'service',
    metadata: mergeMetadata({}, data.metadata),
  };
  await stripe.create(product);
  await stripe.emit('product.created', product);
  return product.id;
}

export async function retrievePrice(stripe: StripeContext): Promise<VendorResponse> {
  return stripe.answer(
    await stripe.find<Price>('price', stripe.path.id!),
    stripe.params(z.strictObject({ expand })).expand,
  );
}

export async function listPrices(stripe: StripeContext): Promise<VendorResponse> {
  const params = stripe.params(
    listShape({ active: flag.optional(), product: id.optional(), currency: currency.optional() }),
  );
  return stripe.answerList(
    { object: 'price', where: { active: params.active, product: params.product, currency: params.currency } },
    params,
  );
}
