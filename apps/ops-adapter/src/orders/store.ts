import type { Queryable, Tx } from '@throughline/postgres';

export type LifeCycle = 'creating' | 'created' | 'rejected' | 'cancelled';
export type Fulfilment = 'open' | 'partial' | 'fulfilled';

export interface Rejection {
  reason: string;
  field: string | null;
  message: string;
}

/** One line of an order, what was asked for and what has been told of it. */
export interface SalesOrderLine {
  lineItemId: string;
  sku: string;
  name: string;
  quantity: string;
  medusaVariantId: string | null;
  /** Its delivery was commanded. */
  requested: boolean;
  /** The fulfilments in Medusa that were told as shipments of it. */
  shippedIn: string[];
  /** What waits for stock, in Medusa's units; 0 where nothing does. */
  backordered: number;
  /** Set once all of it was told as delivered. */
  fulfilledAt: string | null;
  /** By return in Medusa: what had come back when that was last told, in Medusa's units. */
  returnedIn: Record<string, number>;
}

/** What we know of an order; Medusa is the master. Amounts as decimals, times as ISO 8601. */
export interface SalesOrder {
  orderId: string;
  opportunityId: string;
  occurrence: number;
  correlationId: string;
  lifeCycle: LifeCycle;
  fulfilment: Fulfilment;
  currency: string | null;
  totalAmount: string | null;
  /** Days, as the deal said; null in orders from before they were carried. */
  serviceStart: string | null;
  serviceEnd: string | null;
  /** As Medusa last showed them; empty before the order stands. */
  lines: SalesOrderLine[];
  orderNumber: string | null;
  medusaOrderId: string | null;
  medusaCustomerId: string | null;
  /** The fulfilments that stand, as far as we know. */
  medusaFulfilmentIds: string[];
  sourceVersion: string | null;
  rejection: Rejection | null;
  /** When we first tried. */
  requestedAt: string;
  createdAt: string | null;
  /** Set while the order is fulfilled in full. */
  provisionedAt: string | null;
  releasedAt: string | null;
  cancelledAt: string | null;
  /** From 1, grows with every change. */
  version: number;
  updatedAt: string;
}

const WRITTEN = {
  orderId: 'order_id',
  opportunityId: 'opportunity_id',
  occurrence: 'occurrence',
  correlationId: 'correlation_id',
  lifeCycle: 'life_cycle',
  fulfilment: 'fulfilment',
  currency: 'currency',
  totalAmount: 'total_amount',
  serviceStart: 'service_start',
  serviceEnd: 'service_end',
  lines: 'lines',
  orderNumber: 'order_number',
  medusaOrderId: 'medusa_order_id',
  medusaCustomerId: 'medusa_customer_id',
  medusaFulfilmentIds: 'medusa_fulfilment_ids',
  sourceVersion: 'source_version',
  rejection: 'rejection',
  requestedAt: 'requested_at',
  createdAt: 'created_at',
  provisionedAt: 'provisioned_at',
  releasedAt: 'released_at',
  cancelledAt: 'cancelled_at',
} as const satisfies Partial<Record<keyof SalesOrder, string>>;

/** A whole order as its writer wants it; version and time are given to it. */
export type WrittenOrder = Pick<SalesOrder, keyof typeof WRITTEN>;

const columns = Object.values(WRITTEN);
const save = {
  name: 'sales-order-save',
  text: `INSERT INTO sales_order (${columns.join(', ')}) VALUES (${columns.map((_, index) => `$${index + 1}`).join(', ')})
    ON CONFLICT (order_id) DO UPDATE SET version = sales_order.version + 1, updated_at = now(),
      ${columns
        .slice(1)
        .map((column) => `${column} = excluded.${column}`)
        .join(', ')}`,
};

const AS_JSON = new Set<keyof WrittenOrder>(['rejection', 'lines']);

/** Writers of one order never meet: its commands run one at a time, and a poll leaves an order with a command alone. */
export async function saveOrder(tx: Queryable, order: WrittenOrder): Promise<void> {
  await tx.query(
    save,
    (Object.keys(WRITTEN) as (keyof WrittenOrder)[]).map((key) =>
      AS_JSON.has(key) ? order[key] && JSON.stringify(order[key]) : order[key],
    ),
  );
}

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
const selected = Object.entries({ ...WRITTEN, version: 'version', updatedAt: 'updated_at' })
  .map(([key, name]) => `${asText(key, name)} AS "${key}"`)
  .join(', ');
function asText(key: string, column: string): string {
  if (key.endsWith('At')) return `to_char(${column} AT TIME ZONE 'UTC', ${ISO})`;
  return key === 'serviceStart' || key === 'serviceEnd' ? `to_char(${column}, 'YYYY-MM-DD')` : column;
}

const select = `SELECT ${selected} FROM sales_order`;

const find = { name: 'sales-order-find', text: `${select} WHERE order_id = $1` };

export async function findOrder(database: Queryable, orderId: string): Promise<SalesOrder | undefined> {
  return (await database.query<SalesOrder>(find, [orderId]))[0];
}

const findByMedusaId = { name: 'sales-order-find-by-medusa-id', text: `${select} WHERE medusa_order_id = $1` };

export async function findOrderByMedusaId(database: Queryable, medusaId: string): Promise<SalesOrder | undefined> {
  return (await database.query<SalesOrder>(findByMedusaId, [medusaId]))[0];
}

const findByOpportunity = {
  name: 'sales-order-find-by-opportunity',
  text: `${select} WHERE opportunity_id = $1 ORDER BY occurrence, requested_at, order_id`,
};

export async function findOrdersOf(database: Queryable, opportunityId: string): Promise<SalesOrder[]> {
  return database.query<SalesOrder>(findByOpportunity, [opportunityId]);
}

const findAll = { name: 'sales-order-find-all', text: `${select} WHERE order_id = ANY($1::uuid[])` };

export async function findOrders(database: Queryable, orderIds: string[]): Promise<SalesOrder[]> {
  return database.query<SalesOrder>(findAll, [orderIds]);
}

const WAITS_FOR_STOCK = `life_cycle = 'created' AND lines @? '$[*] ? (@.backordered > 0)'`;
const variantsWaitedFor = {
  name: 'sales-order-variants-waited-for',
  text: `SELECT DISTINCT line ->> 'medusaVariantId' AS id FROM sales_order, jsonb_array_elements(lines) line
    WHERE ${WAITS_FOR_STOCK} AND (line ->> 'backordered')::numeric > 0 AND line ->> 'medusaVariantId' IS NOT NULL`,
};

/** The variants in Medusa that some line waits for. */
export async function findVariantsWaitedFor(database: Queryable): Promise<string[]> {
  return (await database.query<{ id: string }>(variantsWaitedFor)).map(({ id }) => id);
}

const findWaiting = {
  name: 'sales-order-find-waiting',
  text: `${select} WHERE ${WAITS_FOR_STOCK} AND EXISTS (SELECT FROM jsonb_array_elements(lines) line
      WHERE (line ->> 'backordered')::numeric > 0 AND line ->> 'medusaVariantId' = ANY($1::text[]))
    ORDER BY requested_at, order_id LIMIT $2`,
};

/** Orders with a line that waits for one of these variants, whoever asked first first. */
export async function findOrdersWaitingFor(
  database: Queryable,
  variantIds: string[],
  limit: number,
): Promise<SalesOrder[]> {
  return database.query<SalesOrder>(findWaiting, [variantIds, limit]);
}

const lock = {
  name: 'sales-order-lock',
  text: `${select} WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE`,
};

/** Locked until the transaction ends; nobody deadlocks, since everybody locks in id order. */
export async function lockOrders(tx: Tx, orderIds: string[]): Promise<SalesOrder[]> {
  return tx.query<SalesOrder>(lock, [orderIds]);
}
