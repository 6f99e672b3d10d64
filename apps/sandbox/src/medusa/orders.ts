import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { compared, type MedusaContext, oneOrMany } from './context.js';
import { medusaError, unknownError } from './errors.js';
import {
  canceled,
  converted,
  findFulfillment,
  fulfilled,
  type Fulfillment,
  type Order,
  requireItems,
  requireNotCanceled,
  requireOneWayOfDelivery,
  stockMoves,
  viewOrder,
  withFulfillment,
  withFulfillmentCanceled,
} from './order.js';
import {
  type Condition,
  deleteEntity,
  type Entity,
  findEntities,
  findEntity,
  insertEntity,
  nextDisplayId,
  oldestOf,
  updateEntity,
} from './store.js';
import { moveStock, requireStock, type Variant } from './stock.js';

const anyObject = z.record(z.string(), z.unknown());
const amount = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/)
    .transform(Number),
]);
const additional = { additional_data: anyObject.nullish() };
const addressInput = z.union([z.string(), anyObject]);

// Field by field as AdminCreateDraftOrder of 2.21 takes them: strict, and no external_id among them.
const draftShape = z.strictObject({
  status: z.enum(['completed']).optional(),
  sales_channel_id: z.string().nullish(),
  email: z.string().nullish(),
  customer_id: z.string().nullish(),
  billing_address: addressInput.optional(),
  shipping_address: addressInput.optional(),
  items: z
    .array(
      z.object({
        title: z.string().nullish(),
        variant_sku: z.string().nullish(),
        variant_barcode: z.string().nullish(),
        variant_id: z.string().nullish(),
        unit_price: amount.nullish(),
        quantity: z.number(),
        metadata: anyObject.nullish(),
      }),
    )
    .optional(),
  region_id: z.string(),
  promo_codes: z.array(z.string()).optional(),
  currency_code: z.string().nullish(),
  no_notification_order: z.boolean().optional(),
  shipping_methods: z
    .array(
      z.object({
        shipping_method_id: z.string().nullish(),
        name: z.string(),
        shipping_option_id: z.string(),
        data: anyObject.optional(),
        amount,
      }),
    )
    .optional(),
  locale: z.string().optional(),
  metadata: anyObject.nullish(),
  ...additional,
});
type DraftInput = z.infer<typeof draftShape>;

export async function createDraftOrder(medusa: MedusaContext): Promise<VendorResponse> {
  const input = medusa.body(draftShape);
  const region = await findEntity<Entity & { currency_code: string }>(medusa.tx, 'region', input.region_id);
  // Seen on 2.21.2: a region that does not exist is not foreseen.
  if (!region) throw unknownError();
  const customer = await customerOf(medusa, input);
  const variants = await variantsOf(medusa, input);
  const order: Order = {
    id: medusa.id('order'),
    display_id: await nextDisplayId(medusa.tx),
    custom_display_id: null,
    status: 'draft',
    is_draft_order: true,
    version: 1,
    region_id: region.id,
    sales_channel_id: input.sales_channel_id ?? null,
    customer_id: customer?.id ?? null,
    email: input.email ?? customer?.email ?? null,
    currency_code: input.currency_code ?? region.currency_code,
    no_notification: input.no_notification_order ?? false,
    locale: input.locale ?? null,
    metadata: input.metadata ?? null,
    shipping_address: typeof input.shipping_address === 'object' ? input.shipping_address : null,
    billing_address: typeof input.billing_address === 'object' ? input.billing_address : null,
    items: (input.items ?? []).map((item) => {
      const variant = item.variant_id == null ? undefined : variants.get(item.variant_id);
      return {
        id: medusa.id('ordli'),
        title: item.title ?? variant?.product_title ?? '',
        subtitle: variant?.title ?? null,
        variant_id: variant?.id ?? null,
        product_id: variant?.product_id ?? null,
        product_title: variant?.product_title ?? null,
        product_handle: variant?.product_handle ?? null,
        variant_sku: variant?.sku ?? item.variant_sku ?? null,
        variant_title: variant?.title ?? null,
        variant: variant && {
          id: variant.id,
          manage_inventory: variant.manage_inventory,
          allow_backorder: variant.allow_backorder,
        },
        // As in Medusa, what keeps stock is taken for goods that are sent.
        requires_shipping: variant?.manage_inventory ?? false,
        is_custom_price: item.unit_price != null,
        is_tax_inclusive: false,
        unit_price: item.unit_price ?? priceOf(variant, region.currency_code),
        quantity: item.quantity,
        fulfilled_quantity: 0,
        metadata: item.metadata ?? {},
        created_at: medusa.at,
        updated_at: medusa.at,
      };
    }),
    shipping_methods: (input.shipping_methods ?? []).map((method) => ({
      id: medusa.id('ordsm'),
      name: method.name,
      shipping_option_id: method.shipping_option_id,
      amount: method.amount,
      data: method.data ?? {},
    })),
    fulfillments: [],
    canceled_at: null,
    created_at: medusa.at,
    updated_at: medusa.at,
  };
  await requireStock(medusa.tx, order);
  await insertEntity(medusa.tx, 'order', order, null);
  return medusa.answer('draft_order', viewOrder(order));
}

type Customer = Entity & { email: string };

/** As Medusa: the customer with the id, else the guest with the email, made where there is none. */
async function customerOf(medusa: MedusaContext, input: DraftInput): Promise<Customer | undefined> {
  if (input.customer_id) return medusa.find<Customer>('customer', input.customer_id);
  if (!input.email) return undefined;
  const email = input.email.toLowerCase();
  const guest = {
    id: medusa.id('cus'),
    email,
    has_account: false,
    company_name: null,
    first_name: null,
    last_name: null,
    phone: null,
    metadata: null,
    created_by: null,
    deleted_at: null,
    created_at: medusa.at,
    updated_at: medusa.at,
  };
  if (await insertEntity(medusa.tx, 'customer', guest, `${email} false`)) return guest;
  const [found] = await medusa.tx.query<{ body: Customer }>(
    { name: 'medusa-guest', text: `SELECT body FROM medusa_object WHERE kind = 'customer' AND unique_key = $1` },
    [`${email} false`],
  );
  return found?.body;
}

async function variantsOf(medusa: MedusaContext, input: DraftInput): Promise<Map<string, Variant>> {
  const ids = [...new Set((input.items ?? []).flatMap(({ variant_id }) => (variant_id ? [variant_id] : [])))];
  const variants = new Map(
    (await findEntities<Variant>(medusa.tx, 'variant', ids)).map((variant) => [variant.id, variant]),
  );
  const products = await findEntities<Entity>(medusa.tx, 'product', [
    ...new Set([...variants.values()].map(({ product_id }) => product_id)),
  ]);
  const published = new Set(products.filter(({ status }) => status === 'published').map(({ id }) => id));
  const missing = ids.filter((id) => !published.has(variants.get(id)?.product_id ?? ''));
  if (missing.length > 0)
    throw medusaError(
      'invalid_data',
      `Variants ${missing.join(', ')} do not exist or belong to a product that is not published`,
    );
  return variants;
}

function priceOf(variant: Variant | undefined, currency: string): number {
  const price = variant?.prices.find(({ currency_code }) => currency_code === currency);
  if (!price) throw medusaError('invalid_data', `Items ${variant?.id ?? ''} do not have a price`);
  return price.amount;
}

const isDraft = (value: boolean): Condition => ({ field: 'is_draft_order', operator: '=', values: [String(value)] });
const orderFilters = {
  id: oneOrMany,
  status: compared,
  region_id: oneOrMany,
  sales_channel_id: oneOrMany,
  customer_id: oneOrMany,
  created_at: compared,
  updated_at: compared,
};

export async function listDraftOrders(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answerList<Order>('draft_orders', 'order', orderFilters, { fixed: [isDraft(true)], show: viewOrder });
}

export async function retrieveDraftOrder(medusa: MedusaContext): Promise<VendorResponse> {
  const order = await medusa.find<Order>('order', medusa.path.id!);
  if (!order.is_draft_order) throw medusaError('not_found', `Order id not found: ${order.id}`);
  return medusa.answer('draft_order', viewOrder(order));
}

const changeShape = z.strictObject({
  email: z.string().optional(),
  customer_id: z.string().optional(),
  sales_channel_id: z.string().optional(),
  shipping_address: anyObject.optional(),
  billing_address: anyObject.optional(),
  locale: z.string().nullish(),
  metadata: anyObject.nullish(),
  ...additional,
});

export async function updateDraftOrder(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answer('draft_order', viewOrder(await change(medusa)));
}

export async function updateOrder(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answer('order', viewOrder(await change(medusa)));
}

async function change(medusa: MedusaContext): Promise<Order> {
  const { additional_data: _, metadata, ...input } = medusa.body(changeShape);
  const order = await medusa.lock<Order>('order', medusa.path.id!);
  // Metadata is merged; an empty text removes its key.
  const merged =
    metadata == null
      ? order.metadata
      : Object.fromEntries(Object.entries({ ...order.metadata, ...metadata }).filter(([, value]) => value !== ''));
  const changed: Order = { ...order, ...input, metadata: merged, updated_at: medusa.at };
  await updateEntity(medusa.tx, changed);
  return changed;
}

export async function deleteDraftOrder(medusa: MedusaContext): Promise<VendorResponse> {
  const order = await medusa.lock<Order>('order', medusa.path.id!);
  if (!order.is_draft_order) throw unknownError();
  await deleteEntity(medusa.tx, order.id);
  return { status: 200, body: { id: order.id, object: 'draft-order', deleted: true } };
}

export async function convertDraftOrder(medusa: MedusaContext): Promise<VendorResponse> {
  return transition(medusa, (order) => converted(order, medusa.at));
}

/** Unlike all other lists this one lets unknown filters pass, and ignores them; seen on 2.21.2. */
export async function listOrders(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answerList<Order>('orders', 'order', orderFilters, {
    fixed: [isDraft(false)],
    show: viewOrder,
    lenient: true,
  });
}

export async function retrieveOrder(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answer('order', viewOrder(await medusa.find<Order>('order', medusa.path.id!)));
}

export async function cancelOrder(medusa: MedusaContext): Promise<VendorResponse> {
  return transition(medusa, (order) => canceled(order, medusa.at));
}

export async function completeOrder(medusa: MedusaContext): Promise<VendorResponse> {
  return transition(medusa, (order) => {
    requireNotCanceled(order);
    return { ...order, status: 'completed', updated_at: medusa.at };
  });
}

const fulfillmentShape = z.strictObject({
  items: z.array(z.object({ id: z.string(), quantity: z.number() })).min(1),
  location_id: z.string().nullish(),
  shipping_option_id: z.string().optional(),
  no_notification: z.boolean().optional(),
  delivery_address: anyObject.optional(),
  metadata: anyObject.nullish(),
  ...additional,
});

export async function createFulfillment(medusa: MedusaContext): Promise<VendorResponse> {
  const input = medusa.body(fulfillmentShape);
  const order = await medusa.lock<Order>('order', medusa.path.id!);
  requireNotCanceled(order);
  const ids = input.items.map(({ id }) => id);
  requireItems(order, ids);
  requireOneWayOfDelivery(order, ids);
  const optionId = input.shipping_option_id ?? order.shipping_methods[0]?.shipping_option_id;
  const option = optionId === undefined ? undefined : await findEntity(medusa.tx, 'shipping_option', optionId);
  if (!option) throw unknownError();
  const location = await oldestOf(medusa.tx, 'stock_location');
  const fulfillment: Fulfillment = {
    id: medusa.id('ful'),
    location_id: input.location_id ?? location?.id ?? null,
    packed_at: medusa.at,
    shipped_at: null,
    delivered_at: null,
    canceled_at: null,
    marked_shipped_by: null,
    created_by: null,
    data: {},
    requires_shipping: order.items.some((item) => ids.includes(item.id) && item.requires_shipping),
    provider_id: 'manual_manual',
    shipping_option_id: option.id,
    metadata: input.metadata ?? null,
    items: input.items.map(({ id, quantity }) => ({
      id: medusa.id('fulit'),
      line_item_id: id,
      quantity,
      title: order.items.find((item) => item.id === id)?.title ?? '',
    })),
    labels: [],
    created_at: medusa.at,
    updated_at: medusa.at,
    deleted_at: null,
  };
  return save(medusa, order, fulfilled(order, fulfillment, medusa.at));
}

export async function cancelFulfillment(medusa: MedusaContext): Promise<VendorResponse> {
  medusa.body(z.strictObject({ no_notification: z.boolean().optional(), ...additional }));
  return transition(medusa, (order) => {
    requireNotCanceled(order);
    return withFulfillmentCanceled(order, medusa.path.fulfillmentId!, medusa.at);
  });
}

const shipmentShape = z.strictObject({
  items: z.array(z.object({ id: z.string(), quantity: z.number() })),
  labels: z
    .array(z.object({ tracking_number: z.string(), tracking_url: z.string(), label_url: z.string() }))
    .optional(),
  no_notification: z.boolean().optional(),
  metadata: anyObject.nullish(),
  ...additional,
});

export async function shipFulfillment(medusa: MedusaContext): Promise<VendorResponse> {
  const { items } = medusa.body(shipmentShape);
  return transition(medusa, (order) => {
    requireNotCanceled(order);
    requireItems(
      order,
      items.map(({ id }) => id),
    );
    const fulfillment = findFulfillment(order, medusa.path.fulfillmentId!);
    if (fulfillment.shipped_at !== null) throw medusaError('not_allowed', 'Shipment has already been created');
    if (fulfillment.canceled_at !== null)
      throw medusaError('not_allowed', 'Cannot create shipment for a canceled fulfillment');
    return {
      ...withFulfillment(order, { ...fulfillment, shipped_at: medusa.at, updated_at: medusa.at }, medusa.at),
      version: order.version + 1,
    };
  });
}

export async function deliverFulfillment(medusa: MedusaContext): Promise<VendorResponse> {
  return transition(medusa, (order) => {
    const fulfillment = findFulfillment(order, medusa.path.fulfillmentId!);
    if (fulfillment.canceled_at !== null || fulfillment.delivered_at !== null)
      throw medusaError('not_allowed', 'Fulfillment has already been marked delivered or is canceled');
    return {
      ...withFulfillment(order, { ...fulfillment, delivered_at: medusa.at, updated_at: medusa.at }, medusa.at),
      version: order.version + 1,
    };
  });
}

async function transition(medusa: MedusaContext, change: (order: Order) => Order): Promise<VendorResponse> {
  const order = await medusa.lock<Order>('order', medusa.path.id!);
  return save(medusa, order, change(order));
}

async function save(medusa: MedusaContext, before: Order, after: Order): Promise<VendorResponse> {
  await moveStock(medusa.tx, stockMoves(before, after), medusa.at);
  await updateEntity(medusa.tx, after);
  return medusa.answer('order', viewOrder(after));
}
