import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { compared, type MedusaContext, oneOrMany } from './context.js';
import { medusaError } from './errors.js';
import { selectFields } from './fields.js';
import { createInventoryItem } from './stock.js';
import { type Entity, findEntities, insertEntity, updateEntity } from './store.js';

const anyObject = z.record(z.string(), z.unknown());
const additional = { additional_data: anyObject.nullish() };
const times = { created_at: compared, updated_at: compared };

const customerShape = z.strictObject({
  email: z.email().nullish(),
  company_name: z.string().nullish(),
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
  phone: z.string().nullish(),
  metadata: anyObject.nullish(),
  ...additional,
});

/** A customer is unique by email and has_account; one made here is a guest. */
export async function createCustomer(medusa: MedusaContext): Promise<VendorResponse> {
  const { additional_data: _, ...input } = medusa.body(customerShape);
  const email = input.email?.toLowerCase() ?? null;
  const customer = {
    id: medusa.id('cus'),
    company_name: null,
    first_name: null,
    last_name: null,
    phone: null,
    metadata: null,
    ...input,
    email,
    has_account: false,
    created_by: null,
    created_at: medusa.at,
    updated_at: medusa.at,
    deleted_at: null,
  };
  if (!(await insertEntity(medusa.tx, 'customer', customer, email === null ? null : `${email} false`))) {
    throw medusaError('invalid_data', `Customer with email: ${email}, has_account: false, already exists.`);
  }
  return medusa.answer('customer', customer);
}

export async function updateCustomer(medusa: MedusaContext): Promise<VendorResponse> {
  const { additional_data: _, email: __, metadata, ...input } = medusa.body(customerShape);
  const current = await medusa.lock<Entity & { metadata: Record<string, unknown> | null }>('customer', medusa.path.id!);
  const customer = {
    ...current,
    ...input,
    metadata: metadata == null ? current.metadata : { ...current.metadata, ...metadata },
    updated_at: medusa.at,
  };
  await updateEntity(medusa.tx, customer);
  return medusa.answer('customer', customer);
}

export async function listCustomers(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answerList('customers', 'customer', {
    id: oneOrMany,
    email: oneOrMany,
    company_name: oneOrMany,
    has_account: z.string().optional(),
    ...times,
  });
}

const priceShape = z.strictObject({
  currency_code: z.string(),
  amount: z.number(),
  min_quantity: z.number().nullish(),
  max_quantity: z.number().nullish(),
  rules: z.record(z.string(), z.string()).optional(),
});
const variantShape = z.strictObject({
  title: z.string(),
  sku: z.string().nullish(),
  barcode: z.string().nullish(),
  allow_backorder: z.boolean().optional(),
  manage_inventory: z.boolean().optional(),
  variant_rank: z.number().optional(),
  metadata: anyObject.nullish(),
  prices: z.array(priceShape),
  options: z.record(z.string(), z.string()).optional(),
});
const productShape = z.strictObject({
  title: z.string(),
  subtitle: z.string().nullish(),
  description: z.string().nullish(),
  is_giftcard: z.boolean().optional(),
  discountable: z.boolean().optional(),
  handle: z.string().optional(),
  status: z.enum(['draft', 'proposed', 'published', 'rejected']).optional(),
  external_id: z.string().nullish(),
  options: z.array(z.strictObject({ title: z.string(), values: z.array(z.string()) })).optional(),
  variants: z.array(variantShape).optional(),
  sales_channels: z.array(z.object({ id: z.string() })).optional(),
  shipping_profile_id: z.string().optional(),
  metadata: anyObject.nullish(),
  ...additional,
});

export async function createProduct(medusa: MedusaContext): Promise<VendorResponse> {
  const {
    additional_data: _,
    variants = [],
    options,
    sales_channels: __,
    shipping_profile_id: ___,
    ...input
  } = medusa.body(productShape);
  if (!options?.length) throw medusaError('invalid_data', `Product options are not provided for: [${input.title}].`);
  const handle = input.handle ?? input.title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  if (!/^[a-z0-9]+(?:[-_][a-z0-9]+)*$/.test(handle)) {
    throw medusaError('invalid_data', `Invalid product handle '${handle}'. It must contain URL safe characters`);
  }
  const product = {
    id: medusa.id('prod'),
    subtitle: null,
    description: null,
    status: 'draft',
    external_id: null,
    is_giftcard: false,
    discountable: true,
    thumbnail: null,
    metadata: null,
    ...input,
    handle,
    options: options.map(({ title, values }) => ({
      id: medusa.id('opt'),
      title,
      values: values.map((value) => ({ id: medusa.id('optval'), value })),
    })),
    created_at: medusa.at,
    updated_at: medusa.at,
    deleted_at: null,
  };
  if (!(await insertEntity(medusa.tx, 'product', product, handle))) {
    throw medusaError('invalid_data', `Product with handle: ${handle}, already exists.`);
  }
  for (const [rank, variant] of variants.entries()) await addVariant(medusa, product, variant, rank);
  return medusa.answer('product', (await withVariants(medusa, [product]))[0]!);
}

async function addVariant(
  medusa: MedusaContext,
  product: Entity & { title: string; handle: string },
  input: z.infer<typeof variantShape>,
  rank: number,
): Promise<void> {
  const variant = {
    id: medusa.id('variant'),
    barcode: null,
    allow_backorder: false,
    manage_inventory: true,
    variant_rank: rank,
    metadata: null,
    ...input,
    sku: input.sku ?? null,
    prices: input.prices.map((price) => ({ id: medusa.id('price'), ...price })),
    product_id: product.id,
    product_title: product.title,
    product_handle: product.handle,
    created_at: medusa.at,
    updated_at: medusa.at,
    deleted_at: null,
  };
  if (!(await insertEntity(medusa.tx, 'variant', variant, variant.sku))) {
    throw medusaError('invalid_data', `Product variant with sku: ${variant.sku}, already exists.`);
  }
  if (!variant.manage_inventory) return;
  const links = await createInventoryItem(medusa.tx, new Date(medusa.at), variant);
  await updateEntity(medusa.tx, { ...variant, inventory_items: links });
}

async function withVariants(medusa: MedusaContext, products: Entity[]): Promise<object[]> {
  const rows = await medusa.tx.query<{ body: Entity & { product_id: string } }>(
    {
      name: 'medusa-variants',
      text: `SELECT body FROM medusa_object WHERE kind = 'variant' AND body->>'product_id' = ANY($1) ORDER BY seq`,
    },
    [products.map(({ id }) => id)],
  );
  return products.map((product) => ({
    ...product,
    variants: rows.filter(({ body }) => body.product_id === product.id).map(({ body }) => viewVariant(body)),
  }));
}

function viewVariant({ product_title: _, product_handle: __, inventory_items: ___, ...variant }: Entity): object {
  return variant;
}

export async function retrieveProduct(medusa: MedusaContext): Promise<VendorResponse> {
  const product = await medusa.find('product', medusa.path.id!);
  return medusa.answer('product', (await withVariants(medusa, [product]))[0]!);
}

export async function listProducts(medusa: MedusaContext): Promise<VendorResponse> {
  const page = await medusa.answerList(
    'products',
    'product',
    { id: oneOrMany, handle: oneOrMany, title: oneOrMany, status: oneOrMany, external_id: oneOrMany, ...times },
    { show: ({ id }) => ({ id }) },
  );
  const { products, ...rest } = page.body as { products: { id: string }[] };
  const entities = await findEntities(
    medusa.tx,
    'product',
    products.map(({ id }) => id),
  );
  const shown = await withVariants(
    medusa,
    products.map(({ id }) => entities.find((entity) => entity.id === id)!),
  );
  return {
    status: 200,
    body: { products: shown.map((product) => selectFields(product, medusa.fields)), ...rest },
  };
}

export const listRegions = (medusa: MedusaContext) =>
  medusa.answerList('regions', 'region', { id: oneOrMany, name: oneOrMany, currency_code: oneOrMany, ...times });
export const listSalesChannels = (medusa: MedusaContext) =>
  medusa.answerList('sales_channels', 'sales_channel', {
    id: oneOrMany,
    name: oneOrMany,
    is_disabled: z.string().optional(),
    ...times,
  });
export const listShippingOptions = (medusa: MedusaContext) =>
  medusa.answerList('shipping_options', 'shipping_option', {
    id: oneOrMany,
    name: oneOrMany,
    shipping_profile_id: oneOrMany,
    ...times,
  });
export const listStockLocations = (medusa: MedusaContext) =>
  medusa.answerList('stock_locations', 'stock_location', { id: oneOrMany, name: oneOrMany, ...times });
export const listStores = (medusa: MedusaContext) =>
  medusa.answerList('stores', 'store', { id: oneOrMany, name: oneOrMany });
