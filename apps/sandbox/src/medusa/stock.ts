import type { Tx } from '@throughline/postgres';
import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { ulid } from '../random-id.js';
import { compared, type MedusaContext, oneOrMany } from './context.js';
import { medusaError } from './errors.js';
import { selectFields } from './fields.js';
import { plus, type Order, type StockMove } from './order.js';
import {
  type Entity,
  findByUniqueKey,
  findEntities,
  insertEntity,
  lockEntities,
  lockEntity,
  oldestOf,
  updateEntity,
} from './store.js';

interface InventoryLevel {
  id: string;
  inventory_item_id: string;
  location_id: string;
  stocked_quantity: number;
  reserved_quantity: number;
  incoming_quantity: number;
}

interface InventoryItem extends Entity {
  sku: string | null;
  location_levels: InventoryLevel[];
}

export interface Variant extends Entity {
  title: string;
  sku: string | null;
  product_id: string;
  product_title: string;
  product_handle: string;
  manage_inventory: boolean;
  allow_backorder: boolean;
  /** Missing in variants from before stock was kept here. */
  inventory_items?: { id: string; variant_id: string; inventory_item_id: string; required_quantity: number }[];
  prices: { currency_code: string; amount: number }[];
}

/** The inventory item of a variant that keeps stock. It has no level, and so nothing in stock, until somebody sets one. */
export async function createInventoryItem(
  tx: Tx,
  now: Date,
  variant: { id: string; sku: string | null; title: string },
  locationLevels: { location_id: string; stocked_quantity: number }[] = [],
): Promise<NonNullable<Variant['inventory_items']>> {
  const at = now.toISOString();
  const item: InventoryItem = {
    id: ulid('iitem', now),
    sku: variant.sku,
    title: variant.title,
    requires_shipping: true,
    metadata: null,
    location_levels: [],
    created_at: at,
    updated_at: at,
    deleted_at: null,
  };
  item.location_levels = locationLevels.map((level) =>
    newLevel(item.id, level.location_id, level.stocked_quantity, now),
  );
  await insertEntity(tx, 'inventory_item', item, variant.sku);
  return [{ id: ulid('pvitem', now), variant_id: variant.id, inventory_item_id: item.id, required_quantity: 1 }];
}

function newLevel(itemId: string, locationId: string, stocked: number, now: Date): InventoryLevel {
  return {
    id: ulid('ilev', now),
    inventory_item_id: itemId,
    location_id: locationId,
    stocked_quantity: stocked,
    reserved_quantity: 0,
    incoming_quantity: 0,
  };
}

/** Takes stock out, puts it in or reserves it. As in Medusa, a reservation of what may be back-ordered is held against nothing. */
export async function moveStock(tx: Tx, moves: StockMove[], at: string): Promise<void> {
  const links = await linksOf(
    tx,
    moves.map(({ variantId }) => variantId),
  );
  const items = await lockEntities<InventoryItem>(tx, 'inventory_item', [...links.values()]);
  for (const move of moves) {
    const item = items.find(({ id }) => id === links.get(move.variantId));
    const [level] = item?.location_levels ?? [];
    if (!item || !level) {
      if (move.allowBackorder) continue;
      throw medusaError('not_allowed', 'Some variant does not have the required inventory');
    }
    level.stocked_quantity = plus(level.stocked_quantity, move.stocked);
    level.reserved_quantity = plus(level.reserved_quantity, move.reserved);
    const isShort = level.stocked_quantity < level.reserved_quantity;
    if (move.reserved > 0 && move.stocked === 0 && isShort && !move.allowBackorder) {
      throw medusaError(
        'not_allowed',
        `Not enough stock available for item ${item.id} at location ${level.location_id}`,
      );
    }
    await updateEntity(tx, { ...item, updated_at: at });
  }
}

/** Medusa places no order for what is out of stock, unless the variant may be back-ordered. */
export async function requireStock(tx: Tx, order: Order): Promise<void> {
  const wanted = new Map<string, number>();
  for (const { variant, quantity } of order.items) {
    if (!variant?.manage_inventory || variant.allow_backorder) continue;
    wanted.set(variant.id, plus(wanted.get(variant.id) ?? 0, quantity));
  }
  const links = await linksOf(tx, [...wanted.keys()]);
  const items = await findEntities<InventoryItem>(tx, 'inventory_item', [...links.values()]);
  for (const [variantId, quantity] of wanted) {
    const [level] = items.find(({ id }) => id === links.get(variantId))?.location_levels ?? [];
    if (!level || plus(level.stocked_quantity, -level.reserved_quantity) < quantity)
      throw medusaError('not_allowed', 'Some variant does not have the required inventory');
  }
}

/** The inventory item of each variant that keeps stock. */
async function linksOf(tx: Tx, variantIds: string[]): Promise<Map<string, string>> {
  if (variantIds.length === 0) return new Map();
  const variants = await findEntities<Variant>(tx, 'variant', variantIds);
  return new Map(
    variants.flatMap(({ id, inventory_items: [link] = [] }) =>
      link ? [[id, link.inventory_item_id] as [string, string]] : [],
    ),
  );
}

/** Variants as `fields=inventory_items.inventory.location_levels.stocked_quantity` asks for them. */
async function withInventory(tx: Tx, variants: Variant[]): Promise<object[]> {
  const ids = variants.flatMap(({ inventory_items: links = [] }) => links.map((link) => link.inventory_item_id));
  const items = new Map(
    (await findEntities<InventoryItem>(tx, 'inventory_item', ids)).map((item) => [item.id, viewItem(item)]),
  );
  return variants.map(({ product_title: _, product_handle: __, inventory_items: links = [], ...variant }) => ({
    ...variant,
    inventory_items: links.map((link) => ({ ...link, inventory: items.get(link.inventory_item_id) ?? null })),
  }));
}

function viewItem(item: InventoryItem): object {
  const sum = (field: 'stocked_quantity' | 'reserved_quantity') =>
    item.location_levels.reduce((total, level) => plus(total, level[field]), 0);
  return {
    ...item,
    stocked_quantity: sum('stocked_quantity'),
    reserved_quantity: sum('reserved_quantity'),
    location_levels: item.location_levels.map((level) => ({
      ...level,
      available_quantity: plus(level.stocked_quantity, -level.reserved_quantity),
    })),
  };
}

export async function listVariants(medusa: MedusaContext): Promise<VendorResponse> {
  const page = await medusa.answerList(
    'variants',
    'variant',
    { id: oneOrMany, sku: oneOrMany, product_id: oneOrMany, created_at: compared, updated_at: compared },
    { show: ({ id }) => ({ id }) },
  );
  const { variants, ...rest } = page.body as { variants: { id: string }[] };
  const ids = variants.map(({ id }) => id);
  const found = new Map((await findEntities<Variant>(medusa.tx, 'variant', ids)).map((each) => [each.id, each]));
  const shown = await withInventory(
    medusa.tx,
    ids.map((id) => found.get(id)!),
  );
  return {
    status: 200,
    body: { variants: shown.map((variant) => selectFields(variant, medusa.fields)), ...rest },
  };
}

export async function listInventoryItems(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answerList<InventoryItem>(
    'inventory_items',
    'inventory_item',
    { id: oneOrMany, sku: oneOrMany },
    { show: viewItem },
  );
}

export async function retrieveInventoryItem(medusa: MedusaContext): Promise<VendorResponse> {
  return medusa.answer('inventory_item', viewItem(await medusa.find<InventoryItem>('inventory_item', medusa.path.id!)));
}

const levelShape = z.strictObject({
  stocked_quantity: z.number().min(0).optional(),
  incoming_quantity: z.number().min(0).optional(),
});

export async function updateInventoryLevel(medusa: MedusaContext): Promise<VendorResponse> {
  const input = medusa.body(levelShape);
  const item = await medusa.lock<InventoryItem>('inventory_item', medusa.path.id!);
  const level = item.location_levels.find(({ location_id }) => location_id === medusa.path.locationId);
  if (!level)
    throw medusaError('not_found', `Item ${item.id} is not stocked at location ${medusa.path.locationId ?? ''}`);
  Object.assign(level, input);
  const changed = { ...item, updated_at: medusa.at };
  await updateEntity(medusa.tx, changed);
  return medusa.answer('inventory_item', viewItem(changed));
}

/**
 * What the owner of the shop does with a few clicks: from now on stock of a SKU is kept, it may be back-ordered, and so much of it is
 * there. `null` ends that. A SKU that the shop does not sell yet is put on sale first.
 */
export async function setStock(tx: Tx, now: Date, sku: string, quantity: number | null): Promise<void> {
  const known = await findByUniqueKey<Variant>(tx, 'variant', sku);
  if (!known && quantity === null) return;
  const variant = known ? (await lockEntity<Variant>(tx, 'variant', known.id))! : await putOnSale(tx, now, sku);
  const location = await oldestOf(tx, 'stock_location');
  const at = now.toISOString();
  const kept = { manage_inventory: quantity !== null, allow_backorder: quantity !== null, updated_at: at };
  const links = variant.inventory_items ?? [];
  if (quantity === null || links.length > 0) await updateEntity(tx, { ...variant, ...kept });
  if (quantity === null || !location) return;
  if (links.length === 0) {
    const level = { location_id: location.id, stocked_quantity: quantity };
    const created = await createInventoryItem(tx, now, variant, [level]);
    return updateEntity(tx, { ...variant, ...kept, inventory_items: created });
  }
  const item = (await lockEntity<InventoryItem>(tx, 'inventory_item', links[0]!.inventory_item_id))!;
  if (item.location_levels.length === 0) item.location_levels = [newLevel(item.id, location.id, quantity, now)];
  item.location_levels[0]!.stocked_quantity = quantity;
  await updateEntity(tx, { ...item, updated_at: at });
}

async function putOnSale(tx: Tx, now: Date, sku: string): Promise<Variant> {
  const at = now.toISOString();
  const stamps = { metadata: null, created_at: at, updated_at: at, deleted_at: null };
  const handle = `sku-${sku.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${ulid('p', now).toLowerCase().replace('_', '-')}`;
  const product = { id: ulid('prod', now), title: sku, handle, status: 'published', options: [], ...stamps };
  await insertEntity(tx, 'product', product, handle);
  const variant: Variant = {
    id: ulid('variant', now),
    title: 'Default',
    sku,
    product_id: product.id,
    product_title: sku,
    product_handle: handle,
    manage_inventory: true,
    allow_backorder: true,
    prices: [],
    ...stamps,
  };
  await insertEntity(tx, 'variant', variant, sku);
  return variant;
}
