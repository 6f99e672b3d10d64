import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { compared, type MedusaContext, oneOrMany } from './context.js';
import { medusaError } from './errors.js';
import { selectFields } from './fields.js';
import { type LineItem, type Order, plus, requireItems, requireNotCanceled, stockMoves, viewOrder } from './order.js';
import { moveStock } from './stock.js';
import { type Entity, insertEntity, listEntities, oldestOf, updateEntity } from './store.js';

interface Return extends Entity {
  order_id: string;
  status: 'open' | 'requested' | 'received' | 'partially_received' | 'canceled';
  items: { id: string; item_id: string; quantity: number; received_quantity: number; [field: string]: unknown }[];
  requested_at: string | null;
  received_at: string | null;
  canceled_at: string | null;
  /** What the next confirmation will book as received. Medusa keeps it in an order change. */
  receiving: { id: string; quantity: number }[];
}

const quantities = z.array(
  z.object({ id: z.string(), quantity: z.number().positive(), internal_note: z.string().optional() }),
);
const anyObject = z.record(z.string(), z.unknown());

const beginShape = z.strictObject({
  order_id: z.string(),
  location_id: z.string().optional(),
  description: z.string().optional(),
  internal_note: z.string().optional(),
  no_notification: z.boolean().optional(),
  metadata: anyObject.nullish(),
});

export async function beginReturn(medusa: MedusaContext): Promise<VendorResponse> {
  const input = medusa.body(beginShape);
  const order = await medusa.lock<Order>('order', input.order_id);
  requireNotCanceled(order);
  const conditions = [{ field: 'order_id', operator: '=' as const, values: [order.id] }];
  const { count } = await listEntities(medusa.tx, { kind: 'return', conditions, order: 'id', limit: 1, offset: 0 });
  const made: Return = {
    id: medusa.id('return'),
    order_id: order.id,
    exchange_id: null,
    claim_id: null,
    display_id: count + 1,
    order_version: order.version,
    status: 'open',
    location_id: input.location_id ?? (await oldestOf(medusa.tx, 'stock_location'))?.id ?? null,
    no_notification: input.no_notification ?? false,
    refund_amount: null,
    metadata: input.metadata ?? null,
    items: [],
    receiving: [],
    requested_at: null,
    received_at: null,
    canceled_at: null,
    created_by: null,
    created_at: medusa.at,
    updated_at: medusa.at,
    deleted_at: null,
  };
  await insertEntity(medusa.tx, 'return', made, null);
  return show(medusa, 'order', order, made);
}

export async function requestItems(medusa: MedusaContext): Promise<VendorResponse> {
  const { items } = medusa.body(z.strictObject({ items: quantities }));
  const { order, found } = await lockBoth(medusa);
  requireStatus(found, ['open']);
  requireItems(
    order,
    items.map(({ id }) => id),
  );
  for (const { id, quantity } of items) {
    const asked = found.items.filter((item) => item.item_id === id).reduce((sum, item) => plus(sum, item.quantity), 0);
    if (plus(asked, quantity) > returnable(order.items.find((item) => item.id === id)!))
      throw medusaError('invalid_data', `Cannot request to return more items than what was fulfilled for item ${id}.`);
    found.items.push({
      id: medusa.id('retitem'),
      return_id: found.id,
      item_id: id,
      quantity,
      received_quantity: 0,
      damaged_quantity: 0,
      reason_id: null,
      note: null,
      metadata: null,
    });
  }
  return save(medusa, 'order_preview', order, order, found);
}

function returnable(item: LineItem): number {
  return plus(item.fulfilled_quantity, -plus(item.return_requested_quantity ?? 0, item.return_received_quantity ?? 0));
}

export async function confirmRequest(medusa: MedusaContext): Promise<VendorResponse> {
  medusa.body(z.strictObject({ no_notification: z.boolean().optional() }));
  const { order, found } = await lockBoth(medusa);
  requireStatus(found, ['open']);
  if (found.items.length === 0) throw medusaError('invalid_data', `Return ${found.id} has no items.`);
  const requested = { ...found, status: 'requested' as const, requested_at: medusa.at };
  const after = counted(order, found.items, (item, quantity) => ({
    return_requested_quantity: plus(item.return_requested_quantity ?? 0, quantity),
  }));
  return save(medusa, 'order_preview', order, { ...after, updated_at: medusa.at }, requested);
}

export async function beginReceive(medusa: MedusaContext): Promise<VendorResponse> {
  medusa.body(
    z.strictObject({
      internal_note: z.string().optional(),
      description: z.string().optional(),
      metadata: anyObject.optional(),
    }),
  );
  const { order, found } = await lockBoth(medusa);
  requireStatus(found, ['requested', 'partially_received']);
  return save(medusa, 'order', order, order, { ...found, receiving: [] });
}

export async function receiveItems(medusa: MedusaContext): Promise<VendorResponse> {
  const { items } = medusa.body(z.strictObject({ items: quantities }));
  const { order, found } = await lockBoth(medusa);
  requireStatus(found, ['requested', 'partially_received']);
  for (const { id, quantity } of items) {
    const item = found.items.find((each) => each.item_id === id);
    const coming = found.receiving.filter((each) => each.id === id).reduce((sum, each) => plus(sum, each.quantity), 0);
    if (!item || plus(item.received_quantity, plus(coming, quantity)) > item.quantity)
      throw medusaError(
        'invalid_data',
        `Cannot receive more items than what was requested to be returned for item ${id}.`,
      );
    found.receiving.push({ id, quantity });
  }
  return save(medusa, 'order_preview', order, order, found);
}

export async function confirmReceive(medusa: MedusaContext): Promise<VendorResponse> {
  medusa.body(z.strictObject({ no_notification: z.boolean().optional() }));
  const { order, found } = await lockBoth(medusa);
  requireStatus(found, ['requested', 'partially_received']);
  if (found.receiving.length === 0) throw medusaError('invalid_data', 'An active Order Change is required to proceed');
  const received = found.receiving.map(({ id, quantity }) => ({ item_id: id, quantity }));
  const items = found.items.map((item) => ({
    ...item,
    received_quantity: received
      .filter((each) => each.item_id === item.item_id)
      .reduce((sum, { quantity }) => plus(sum, quantity), item.received_quantity),
  }));
  const isAll = items.every((item) => item.received_quantity === item.quantity);
  const after = counted(order, received, (item, quantity) => ({
    return_requested_quantity: plus(item.return_requested_quantity ?? 0, -quantity),
    return_received_quantity: plus(item.return_received_quantity ?? 0, quantity),
  }));
  return save(
    medusa,
    'order_preview',
    order,
    { ...after, updated_at: medusa.at },
    {
      ...found,
      items,
      receiving: [],
      status: isAll ? 'received' : 'partially_received',
      received_at: isAll ? medusa.at : found.received_at,
    },
  );
}

export async function cancelReturn(medusa: MedusaContext): Promise<VendorResponse> {
  medusa.body(z.strictObject({ no_notification: z.boolean().optional() }));
  const { order, found } = await lockBoth(medusa);
  requireStatus(found, ['open', 'requested']);
  const asked = found.status === 'requested' ? found.items : [];
  const after = counted(order, asked, (item, quantity) => ({
    return_requested_quantity: plus(item.return_requested_quantity ?? 0, -quantity),
  }));
  const canceled = { ...found, status: 'canceled' as const, canceled_at: medusa.at };
  await book(medusa, order, { ...after, updated_at: medusa.at }, canceled);
  return medusa.answer('return', view(canceled));
}

export async function listReturns(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answerList<Return>(
    'returns',
    'return',
    { id: oneOrMany, order_id: oneOrMany, status: oneOrMany, created_at: compared, updated_at: compared },
    { show: view },
  );
}

export async function retrieveReturn(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answer('return', view(await medusa.find<Return>('return', medusa.path.id!)));
}

/** The order first, as everybody who changes it does. */
async function lockBoth(medusa: MedusaContext): Promise<{ order: Order; found: Return }> {
  const { order_id } = await medusa.find<Return>('return', medusa.path.id!);
  const order = await medusa.lock<Order>('order', order_id);
  return { order, found: await medusa.lock<Return>('return', medusa.path.id!) };
}

function requireStatus(found: Return, wanted: Return['status'][]): void {
  if (found.status === 'canceled') throw medusaError('invalid_data', `Return with id ${found.id} has been canceled.`);
  if (!wanted.includes(found.status))
    throw medusaError('invalid_data', 'An active Order Change is required to proceed');
}

function counted(
  order: Order,
  quantitiesOf: { item_id: string; quantity: number }[],
  change: (item: LineItem, quantity: number) => Partial<LineItem>,
): Order {
  const items = order.items.map((item) => {
    const quantity = quantitiesOf
      .filter((each) => each.item_id === item.id)
      .reduce((sum, each) => plus(sum, each.quantity), 0);
    return quantity === 0 ? item : { ...item, ...change(item, quantity) };
  });
  return { ...order, items, version: order.version + 1 };
}

async function save(
  medusa: MedusaContext,
  name: 'order' | 'order_preview',
  before: Order,
  after: Order,
  changed: Return,
): Promise<VendorResponse> {
  await book(medusa, before, after, changed);
  return show(medusa, name, after, changed);
}

async function book(medusa: MedusaContext, before: Order, after: Order, changed: Return): Promise<void> {
  await moveStock(medusa.tx, stockMoves(before, after), medusa.at);
  if (after !== before) await updateEntity(medusa.tx, after);
  await updateEntity(medusa.tx, { ...changed, updated_at: medusa.at });
}

function show(medusa: MedusaContext, name: string, order: Order, found: Return): VendorResponse {
  return { status: 200, body: { [name]: viewOrder(order), return: selectFields(view(found), medusa.fields) } };
}

function view({ receiving: _, ...shown }: Return): object {
  return shown;
}
