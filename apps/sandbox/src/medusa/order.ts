import { multiplyDecimals, sumDecimals } from '../decimal.js';
import { medusaError } from './errors.js';
import type { Entity } from './store.js';

// An order as a value: totals, fulfilments and status, without I/O.

export interface LineItem {
  id: string;
  title: string;
  quantity: number;
  unit_price: number;
  fulfilled_quantity: number;
  /** Of a variant that keeps stock: what is held for this line. Missing, as all that follows, in lines from before stock was kept here. */
  reserved_quantity?: number;
  return_requested_quantity?: number;
  return_received_quantity?: number;
  /** As it was when the line was made: stock that is kept only later is not taken for it. */
  variant?: { id: string; manage_inventory: boolean; allow_backorder: boolean } | null;
  requires_shipping: boolean;
  metadata: Record<string, unknown>;
  [field: string]: unknown;
}

export interface Fulfillment {
  id: string;
  items: { line_item_id: string; quantity: number; [field: string]: unknown }[];
  canceled_at: string | null;
  shipped_at: string | null;
  delivered_at: string | null;
  updated_at: string;
  [field: string]: unknown;
}

export interface ShippingMethod {
  id: string;
  shipping_option_id: string;
  amount: number;
  [field: string]: unknown;
}

export interface Order extends Entity {
  status: 'draft' | 'pending' | 'completed' | 'canceled' | 'archived';
  is_draft_order: boolean;
  display_id: number;
  version: number;
  metadata: Record<string, unknown> | null;
  canceled_at: string | null;
  items: LineItem[];
  fulfillments: Fulfillment[];
  shipping_methods: ShippingMethod[];
}

/** What the API shows of an order: the stored facts with totals and states computed. */
export function viewOrder(order: Order): object {
  const items = order.items.map((item) => viewItem(item, order));
  const itemTotal = sum(items.map((item) => item.total));
  const shippingTotal = sum(order.shipping_methods.map(({ amount }) => amount));
  const total = sum([itemTotal, shippingTotal]);
  return {
    ...order,
    items,
    ...totals('', total),
    ...totals('item_', itemTotal),
    ...totals('shipping_', shippingTotal),
    original_total: total,
    original_subtotal: total,
    original_tax_total: 0,
    discount_total: 0,
    credit_line_total: 0,
    credit_lines: [],
    summary: {
      paid_total: 0,
      refunded_total: 0,
      transaction_total: 0,
      credit_line_total: 0,
      current_order_total: total,
      original_order_total: total,
      accounting_total: total,
      pending_difference: total,
    },
    payment_collections: [],
    payment_status: 'not_paid',
    fulfillment_status: fulfillmentStatus(order),
  };
}

function viewItem(line: LineItem, order: Order) {
  const {
    fulfilled_quantity,
    reserved_quantity: _,
    return_requested_quantity = 0,
    return_received_quantity = 0,
    ...item
  } = line;
  const total = times(item.unit_price, item.quantity);
  const shipped = {
    delivered_quantity: reached(order, line, 'delivered_at'),
    shipped_quantity: reached(order, line, 'shipped_at'),
    return_requested_quantity,
    return_received_quantity,
    return_dismissed_quantity: 0,
    written_off_quantity: 0,
  };
  return {
    ...item,
    subtotal: total,
    total,
    original_total: total,
    tax_total: 0,
    discount_total: 0,
    tax_lines: [],
    adjustments: [],
    fulfilled_total: times(item.unit_price, fulfilled_quantity),
    detail: {
      id: item.id.replace('ordli', 'orditem'),
      item_id: item.id,
      quantity: item.quantity,
      unit_price: item.unit_price,
      fulfilled_quantity,
      ...shipped,
    },
  };
}

function reached(order: Order, line: LineItem, stage: 'shipped_at' | 'delivered_at'): number {
  const quantities = order.fulfillments
    .filter((fulfillment) => fulfillment.canceled_at === null && fulfillment[stage] !== null)
    .flatMap(({ items }) => items.filter((item) => item.line_item_id === line.id).map(({ quantity }) => quantity));
  return sum(quantities);
}

const totals = (prefix: string, total: number) => ({
  [`${prefix}total`]: total,
  [`${prefix}subtotal`]: total,
  [`${prefix}tax_total`]: 0,
});
const sum = (values: number[]) => Number(sumDecimals(values.map(plain)));
/** a + b of two quantities, exactly. */
export const plus = (a: number, b: number): number => sum([a, b]);
const times = (a: number, b: number) => Number(multiplyDecimals(plain(a), plain(b)));

/** A number without exponent, so that 1e-7 is arithmetic like any other. */
function plain(value: number): string {
  return String(value).includes('e') ? value.toFixed(20).replace(/0+$/, '') : String(value);
}

function fulfillmentStatus(order: Order): string {
  const standing = order.fulfillments.filter(({ canceled_at }) => canceled_at === null);
  if (standing.length === 0) return order.fulfillments.length > 0 ? 'canceled' : 'not_fulfilled';
  const whole = order.items.every((item) => item.fulfilled_quantity >= item.quantity);
  for (const [field, status] of [
    ['delivered_at', 'delivered'],
    ['shipped_at', 'shipped'],
  ] as const) {
    const reached = standing.filter((fulfillment) => fulfillment[field] !== null).length;
    if (reached > 0) return whole && reached === standing.length ? status : `partially_${status}`;
  }
  return whole ? 'fulfilled' : 'partially_fulfilled';
}

export function requireNotCanceled(order: Order): void {
  if (order.status === 'canceled') throw medusaError('invalid_data', `Order with id ${order.id} has been canceled.`);
}

export function converted(order: Order, at: string): Order {
  if (!order.is_draft_order) throw medusaError('invalid_data', `Order ${order.id} is not a draft order`);
  const items = order.items.map((item) =>
    item.variant?.manage_inventory ? { ...item, reserved_quantity: item.quantity } : item,
  );
  return { ...order, items, status: 'pending', is_draft_order: false, updated_at: at };
}

export function fulfilled(order: Order, fulfillment: Fulfillment, at: string): Order {
  const wanted = new Map(fulfillment.items.map(({ line_item_id, quantity }) => [line_item_id, quantity]));
  const items = order.items.map((item) => {
    const reached = sum([item.fulfilled_quantity, wanted.get(item.id) ?? 0]);
    if (reached > item.quantity)
      throw medusaError('invalid_data', `Cannot fulfill more items than what was ordered for item ${item.id}.`);
    const held = sum([item.reserved_quantity ?? 0, -(wanted.get(item.id) ?? 0)]);
    return { ...item, fulfilled_quantity: reached, ...(item.variant?.manage_inventory && { reserved_quantity: held }) };
  });
  return {
    ...order,
    items,
    fulfillments: [...order.fulfillments, fulfillment],
    version: order.version + 1,
    updated_at: at,
  };
}

export function requireItems(order: Order, ids: string[]): void {
  const unknown = ids.filter((id) => !order.items.some((item) => item.id === id));
  if (unknown.length > 0)
    throw medusaError(
      'invalid_data',
      `Items with ids ${unknown.join(', ')} does not exist in order with id ${order.id}.`,
    );
}

export function requireOneWayOfDelivery(order: Order, ids: string[]): void {
  const items = order.items.filter(({ id }) => ids.includes(id));
  if (new Set(items.map((item) => item.requires_shipping)).size > 1)
    throw medusaError(
      'invalid_data',
      'Fulfillment can only be created entirely with items with shipping or items without shipping. Split this request into 2 fulfillments.',
    );
}

export function findFulfillment(order: Order, id: string): Fulfillment {
  const found = order.fulfillments.find((fulfillment) => fulfillment.id === id);
  if (!found) throw medusaError('invalid_data', `Fulfillment with id ${id} not found in the order`);
  return found;
}

export function withFulfillmentCanceled(order: Order, id: string, at: string): Order {
  const fulfillment = findFulfillment(order, id);
  if (fulfillment.canceled_at !== null) throw medusaError('not_allowed', 'The fulfillment is already canceled');
  if (fulfillment.shipped_at !== null)
    throw medusaError(
      'not_allowed',
      'The fulfillment has already been shipped. Shipped fulfillments cannot be canceled',
    );
  const released = new Map(fulfillment.items.map(({ line_item_id, quantity }) => [line_item_id, quantity]));
  const items = order.items.map((item) => ({
    ...item,
    fulfilled_quantity: sum([item.fulfilled_quantity, -(released.get(item.id) ?? 0)]),
    ...(item.variant?.manage_inventory && {
      reserved_quantity: sum([item.reserved_quantity ?? 0, released.get(item.id) ?? 0]),
    }),
  }));
  return {
    ...withFulfillment(order, { ...fulfillment, canceled_at: at, updated_at: at }, at),
    items,
    version: order.version + 1,
  };
}

export function withFulfillment(order: Order, changed: Fulfillment, at: string): Order {
  return {
    ...order,
    fulfillments: order.fulfillments.map((each) => (each.id === changed.id ? changed : each)),
    updated_at: at,
  };
}

export function canceled(order: Order, at: string): Order {
  requireNotCanceled(order);
  if (order.status === 'completed') {
    throw medusaError(
      'not_allowed',
      'Cannot cancel a completed order. Please use the return process to handle refunds or exchanges.',
    );
  }
  if (order.fulfillments.some(({ canceled_at }) => canceled_at === null)) {
    throw medusaError('not_allowed', 'All fulfillments must be canceled before canceling an order');
  }
  const items = order.items.map((item) => (item.reserved_quantity ? { ...item, reserved_quantity: 0 } : item));
  return { ...order, items, status: 'canceled', canceled_at: at, version: order.version + 1, updated_at: at };
}

/** What a change of an order does to the stock of one variant. */
export interface StockMove {
  variantId: string;
  stocked: number;
  reserved: number;
  allowBackorder: boolean;
}

/** Stock leaves with a fulfilment and comes back with its cancellation, or with a return that was received. */
export function stockMoves(before: Order, after: Order): StockMove[] {
  return after.items.flatMap((item) => {
    const was = before.items.find(({ id }) => id === item.id);
    if (!item.variant?.manage_inventory || !was) return [];
    const grown = (field: 'fulfilled_quantity' | 'reserved_quantity' | 'return_received_quantity') =>
      sum([item[field] ?? 0, -(was[field] ?? 0)]);
    const stocked = sum([-grown('fulfilled_quantity'), grown('return_received_quantity')]);
    const reserved = grown('reserved_quantity');
    if (stocked === 0 && reserved === 0) return [];
    return [{ variantId: item.variant.id, stocked, reserved, allowBackorder: item.variant.allow_backorder }];
  });
}
