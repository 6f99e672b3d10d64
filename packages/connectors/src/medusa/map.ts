import {
  compareMoney,
  multiplyExact,
  toDecimal,
  type Account,
  type CreateOrder,
  type Decimal,
  type LineItem,
} from '@throughline/contracts';
import type { HttpTypes } from '@medusajs/types';
import type { DraftOrderAnswer, OrderAnswer, ReturnAnswer, ShippingOption, StockAnswer } from './answers.js';
import { medusaError } from './errors.js';

/** Where a new order goes in Medusa. */
export interface OrderPlace {
  customerId: string;
  regionId: string;
  salesChannelId: string;
  shippingOption: ShippingOption;
  /** Medusa's variant of each canonical product. */
  variantIds: Record<string, string>;
}

/** Our reference, on every object this connector creates: Medusa has no idempotency keys, so this is how it is found again. */
export interface Reference {
  orderId: string;
  opportunityId: string;
  occurrence: number;
  correlationId: string;
}

export type CustomerBody = ReturnType<typeof toMedusaCustomer>;
export type ProductBody = ReturnType<typeof toMedusaProduct>;
export type DraftOrderBody = ReturnType<typeof toDraftOrder>;

/**
 * Email is Medusa's only natural key of a customer. An account without a billing address gets one of its own under `.invalid`
 * (RFC 2606), which no mail can reach; guessing `billing@<domain>` could write to strangers.
 */
export function accountEmail(account: Account): string {
  return (account.billingEmail ?? `${account.accountId}@throughline.invalid`).toLowerCase();
}

export function toMedusaCustomer(account: Account) {
  return {
    email: accountEmail(account),
    company_name: account.name,
    metadata: { throughline_account_id: account.accountId },
  } satisfies HttpTypes.AdminCreateCustomer;
}

/** Unique in Medusa, and the same for every deal that sells the product. */
export function productHandle(productId: string): string {
  return `throughline-${productId}`;
}

/** One product with one variant; its stock is not kept, and its price is what each deal says. */
export function toMedusaProduct(line: LineItem, place: Pick<OrderPlace, 'salesChannelId' | 'shippingOption'>) {
  const profile = place.shippingOption.shipping_profile_id;
  return {
    title: line.name,
    handle: productHandle(line.productId),
    status: 'published' as const,
    sales_channels: [{ id: place.salesChannelId }],
    ...(profile ? { shipping_profile_id: profile } : {}),
    options: [{ title: 'Default', values: ['Default'] }],
    variants: [
      { title: 'Default', sku: line.sku, manage_inventory: false, options: { Default: 'Default' }, prices: [] },
    ],
    metadata: { throughline_product_id: line.productId },
  } satisfies HttpTypes.AdminCreateProduct;
}

/** The draft of an order. A shipping method is part of it, because Medusa cannot fulfil an order without one (500, seen on 2.21.2). */
export function toDraftOrder(command: CreateOrder, place: OrderPlace, correlationId: string) {
  return {
    email: accountEmail(command.account),
    customer_id: place.customerId,
    region_id: place.regionId,
    sales_channel_id: place.salesChannelId,
    currency_code: command.currency.toLowerCase(),
    no_notification_order: true,
    items: command.lineItems.map((line, index) => toDraftOrderLine(line, place.variantIds[line.productId], index)),
    shipping_methods: [toShippingMethod(place.shippingOption)],
    metadata: {
      ...toMetadata({
        orderId: command.orderId,
        opportunityId: command.opportunityId,
        occurrence: command.occurrence,
        correlationId,
      }),
      ...(command.serviceStart && { throughline_service_start: command.serviceStart }),
      ...(command.serviceEnd && { throughline_service_end: command.serviceEnd }),
    },
  } satisfies HttpTypes.AdminCreateDraftOrder;
}

/** Medusa demands a name here, although its types do not know one. */
function toShippingMethod(option: ShippingOption) {
  return { name: option.name, shipping_option_id: option.id, amount: 0 };
}

/**
 * Medusa computes a line as quantity x unit price. A line whose amount differs from that (a discount, a fraction that was
 * rounded) becomes one unit at the line's amount, so that the total is exact; title and metadata keep what was sold.
 */
export function toDraftOrderLine(line: LineItem, variantId: string | undefined, index: number) {
  const field = `lineItems[${index}]`;
  const exact =
    compareMoney(line.quantity, '0') > 0 &&
    compareMoney(multiplyExact(line.quantity, line.unitAmount), line.amount) === 0;
  return {
    ...(variantId ? { variant_id: variantId } : {}),
    title: exact ? line.name : `${line.name} (${plain(line.quantity)} x ${plain(line.unitAmount)})`,
    quantity: exact ? toMedusaNumber(line.quantity, `${field}.quantity`) : 1,
    unit_price: exact
      ? toMedusaNumber(line.unitAmount, `${field}.unitAmount`)
      : toMedusaNumber(line.amount, `${field}.amount`),
    metadata: {
      throughline_line_item_id: line.lineItemId,
      throughline_sku: line.sku,
      throughline_name: line.name,
      throughline_quantity: line.quantity,
      throughline_unit_amount: line.unitAmount,
    },
  };
}

export function toMetadata(reference: Reference): Record<string, string> {
  return {
    throughline_order_id: reference.orderId,
    throughline_opportunity_id: reference.opportunityId,
    throughline_occurrence: String(reference.occurrence),
    throughline_correlation_id: reference.correlationId,
  };
}

/** The canonical order id an object of Medusa carries, if it is one of ours. */
export function orderIdOf(object: { metadata?: Record<string, unknown> | null | undefined }): string | undefined {
  return text(object.metadata, 'throughline_order_id');
}

export interface OrderFulfilment {
  id: string;
  /** Set where our own command created it. */
  orderId: string | undefined;
  createdAt: string;
  cancelledAt: string | undefined;
  /** False where it is delivered by being fulfilled: a licence, a service. */
  requiresShipping: boolean;
  /** When it was shipped or delivered. Once shipped, Medusa does not let it be cancelled. */
  shippedAt: string | undefined;
  /** In Medusa's units, see {@link MedusaLine}. */
  items: { itemId: string; quantity: number }[];
}

/**
 * A line of ours as Medusa keeps it. Where it is one unit at the line's amount (see {@link toDraftOrderLine}), Medusa counts in other
 * units than we do: `orderedQuantity` of theirs is `quantity` of ours.
 */
export interface MedusaLine {
  itemId: string;
  lineItemId: string;
  sku: string;
  name: string;
  quantity: Decimal;
  orderedQuantity: number;
  /** In the order's currency. */
  amount: Decimal;
  variantId: string | undefined;
  /** Medusa keeps stock of what is sold here. */
  keepsStock: boolean;
  /** What is left to fulfil, in Medusa's units. */
  remaining: number;
  /** What came back so far, in Medusa's units. */
  received: number;
}

/** An order of Medusa in our words. */
export interface MedusaOrder {
  id: string;
  /** Our order id, if it is one of ours. */
  orderId: string | undefined;
  customerId: string | undefined;
  orderNumber: string;
  currency: string;
  totalAmount: Decimal;
  isDraft: boolean;
  lifeCycle: 'created' | 'completed' | 'cancelled';
  fulfilment: 'open' | 'partial' | 'fulfilled';
  /** What is left to fulfil. */
  remaining: { id: string; quantity: number; requiresShipping: boolean; keepsStock: boolean }[];
  /** The lines of the deal, as far as they stand. */
  lines: MedusaLine[];
  /** The service period, where the deal's order carried it. Days. */
  serviceStart: string | null;
  serviceEnd: string | null;
  fulfilments: OrderFulfilment[];
  createdAt: string;
  updatedAt: string;
  cancelledAt: string | undefined;
  /** Opaque; see `compareSourceVersion`. */
  sourceVersion: string;
}

export function fromMedusaOrder(order: OrderAnswer): MedusaOrder {
  const remaining = order.items
    .map((item) => ({
      id: item.id,
      requiresShipping: item.requires_shipping ?? false,
      keepsStock: item.variant?.manage_inventory ?? false,
      quantity: left(item),
    }))
    .filter((item) => item.quantity > 0);
  const begun = order.items.some((item) => item.detail.fulfilled_quantity > 0);
  return {
    ...fromDraftOrder(order),
    customerId: order.customer_id ?? undefined,
    orderNumber: String(order.display_id),
    isDraft: order.is_draft_order,
    lifeCycle: order.status === 'canceled' ? 'cancelled' : order.status === 'completed' ? 'completed' : 'created',
    fulfilment: !begun ? 'open' : remaining.length > 0 ? 'partial' : 'fulfilled',
    remaining,
    lines: order.items.flatMap(toLine),
    serviceStart: text(order.metadata, 'throughline_service_start') ?? null,
    serviceEnd: text(order.metadata, 'throughline_service_end') ?? null,
    fulfilments: order.fulfillments.map((fulfilment) => ({
      id: fulfilment.id,
      orderId: orderIdOf(fulfilment),
      createdAt: instant(fulfilment.created_at),
      cancelledAt: optionalInstant(fulfilment.canceled_at),
      requiresShipping: fulfilment.requires_shipping,
      shippedAt: optionalInstant(fulfilment.shipped_at ?? fulfilment.delivered_at),
      items: fulfilment.items.flatMap(({ line_item_id: itemId, quantity }) => (itemId ? [{ itemId, quantity }] : [])),
    })),
    cancelledAt: optionalInstant(order.canceled_at),
    sourceVersion: `${order.version}@${instant(order.updated_at)}`,
  };
}

type ItemAnswer = OrderAnswer['items'][number];

/** A line that somebody added in Medusa is none of the deal's; one that was taken out there has no quantity any more. */
function toLine(item: ItemAnswer): MedusaLine[] {
  const lineItemId = text(item.metadata, 'throughline_line_item_id');
  if (lineItemId === undefined || item.quantity <= 0) return [];
  return [
    {
      itemId: item.id,
      lineItemId,
      sku: text(item.metadata, 'throughline_sku') ?? item.variant_sku ?? '',
      name: text(item.metadata, 'throughline_name') ?? item.title,
      quantity: text(item.metadata, 'throughline_quantity') ?? fromMedusaNumber(item.quantity),
      orderedQuantity: item.quantity,
      amount: fromMedusaNumber(multiplyExact(String(item.unit_price), String(item.quantity))),
      variantId: item.variant_id ?? undefined,
      keepsStock: item.variant?.manage_inventory ?? false,
      remaining: left(item),
      received: item.detail.return_received_quantity,
    },
  ];
}

function left(item: ItemAnswer): number {
  return Number((item.quantity - item.detail.fulfilled_quantity).toFixed(4));
}

function text(metadata: Record<string, unknown> | null | undefined, key: string): string | undefined {
  const value = metadata?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** How much of a variant is there. */
export interface Stock {
  /** Where the most of it is; undefined where no stock is kept. */
  locationId: string | undefined;
  /** What is on the shelf, whoever it is reserved for; Infinity where no stock is kept. Below zero where more was taken than was there. */
  quantity: number;
}

/** A variant may take several things from the shelf, or several of one: what is rarest decides, place by place. */
export function fromStock(variant: StockAnswer): Stock {
  if (!variant.manage_inventory) return { locationId: undefined, quantity: Infinity };
  const [first] = variant.inventory_items;
  const places = (first?.inventory?.location_levels ?? []).map(({ location_id: locationId }) => ({
    locationId,
    quantity: Math.min(
      ...variant.inventory_items.map(({ required_quantity: required, inventory }) => {
        const level = inventory?.location_levels.find(({ location_id }) => location_id === locationId);
        return (level?.stocked_quantity ?? 0) / required;
      }),
    ),
  }));
  const [most] = places.sort((a, b) => b.quantity - a.quantity);
  return most ?? { locationId: undefined, quantity: 0 };
}

/** What a return of Medusa has brought back so far. */
export interface MedusaReturn {
  id: string;
  /** When the last of it was booked. */
  receivedAt: string;
  /** In Medusa's units, see {@link MedusaLine}. */
  items: { itemId: string; received: number }[];
}

export function fromReturn(found: ReturnAnswer): MedusaReturn {
  return {
    id: found.id,
    receivedAt: instant(found.received_at ?? found.updated_at),
    items: found.items.map((item) => ({ itemId: item.item_id, received: item.received_quantity ?? 0 })),
  };
}

/** A draft order of Medusa in our words. */
export type MedusaDraftOrder = Pick<
  MedusaOrder,
  'id' | 'orderId' | 'currency' | 'totalAmount' | 'createdAt' | 'updatedAt'
>;

export function fromDraftOrder(draft: DraftOrderAnswer): MedusaDraftOrder {
  return {
    id: draft.id,
    orderId: orderIdOf(draft),
    currency: draft.currency_code.toUpperCase(),
    totalAmount: fromMedusaNumber(draft.total),
    createdAt: instant(draft.created_at),
    updatedAt: instant(draft.updated_at),
  };
}

/**
 * Medusa's amounts are major units in a JSON number: 1250.5 is 1250.50 of the currency. A total with more digits than a canonical
 * amount has (taxes are not rounded) is kept as it is: it equals no canonical amount, and somebody else's order must not stop a poll.
 */
export function fromMedusaNumber(value: number | string): Decimal {
  const numeral = String(value);
  try {
    return toDecimal(numeral);
  } catch {
    return numeral;
  }
}

/** @throws `MEDUSA_AMOUNT_NOT_EXPRESSIBLE` (`never`) where a JSON number would change the value. */
export function toMedusaNumber(value: Decimal, field: string): number {
  const number = Number(value);
  if (compareMoney(String(number), value) === 0) return number;
  throw medusaError(
    'MEDUSA_AMOUNT_NOT_EXPRESSIBLE',
    'never',
    `${value} loses digits as a JSON number, which is what Medusa takes.`,
    {
      field,
    },
  );
}

function plain(value: Decimal): string {
  return value.replace(/\.?0+$/, '');
}

function instant(value: string): string {
  return new Date(value).toISOString();
}

function optionalInstant(value: string | null | undefined): string | undefined {
  return value ? instant(value) : undefined;
}
