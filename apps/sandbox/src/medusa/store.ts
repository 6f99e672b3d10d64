import type { Queryable, Tx } from '@throughline/postgres';
import { statement } from '../statement.js';

/** A Medusa entity as its API shows it. */
export interface Entity {
  id: string;
  created_at: string;
  updated_at: string;
  [field: string]: unknown;
}

export type Kind =
  | 'customer'
  | 'product'
  | 'variant'
  | 'order'
  | 'region'
  | 'sales_channel'
  | 'shipping_option'
  | 'stock_location'
  | 'inventory_item'
  | 'return'
  | 'store';

const insert = {
  name: 'medusa-insert',
  text: `INSERT INTO medusa_object (id, kind, body, unique_key, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING RETURNING id`,
};
const find = { name: 'medusa-find', text: 'SELECT body FROM medusa_object WHERE kind = $1 AND id = $2' };
const lock = { name: 'medusa-lock', text: `${find.text} FOR UPDATE` };
const update = { name: 'medusa-update', text: 'UPDATE medusa_object SET body = $2, updated_at = $3 WHERE id = $1' };
const remove = { name: 'medusa-delete', text: 'DELETE FROM medusa_object WHERE id = $1' };
const byKey = { name: 'medusa-by-key', text: 'SELECT body FROM medusa_object WHERE kind = $1 AND unique_key = $2' };
const oldest = { name: 'medusa-oldest', text: 'SELECT body FROM medusa_object WHERE kind = $1 ORDER BY seq LIMIT 1' };
const many = { name: 'medusa-many', text: 'SELECT body FROM medusa_object WHERE kind = $1 AND id = ANY($2)' };

/** @returns false where the id or the unique key (email, handle, sku) is taken. */
export async function insertEntity(
  tx: Queryable,
  kind: Kind,
  entity: Entity,
  uniqueKey: string | null,
): Promise<boolean> {
  const rows = await tx.query(insert, [
    entity.id,
    kind,
    JSON.stringify(entity),
    uniqueKey,
    entity.created_at,
    entity.updated_at,
  ]);
  return rows.length === 1;
}

export async function findEntity<T extends Entity>(tx: Tx, kind: Kind, id: string): Promise<T | undefined> {
  return (await tx.query<{ body: T }>(find, [kind, id]))[0]?.body;
}

export async function lockEntity<T extends Entity>(tx: Tx, kind: Kind, id: string): Promise<T | undefined> {
  return (await tx.query<{ body: T }>(lock, [kind, id]))[0]?.body;
}

export async function findEntities<T extends Entity>(tx: Tx, kind: Kind, ids: string[]): Promise<T[]> {
  return (await tx.query<{ body: T }>(many, [kind, ids])).map(({ body }) => body);
}

/** In id order, so that nobody who locks several deadlocks. */
export async function lockEntities<T extends Entity>(tx: Tx, kind: Kind, ids: string[]): Promise<T[]> {
  const locked: T[] = [];
  for (const id of [...new Set(ids)].sort()) {
    const found = await lockEntity<T>(tx, kind, id);
    if (found) locked.push(found);
  }
  return locked;
}

/** By email, handle or sku, whichever is unique in its kind. */
export async function findByUniqueKey<T extends Entity>(tx: Tx, kind: Kind, key: string): Promise<T | undefined> {
  return (await tx.query<{ body: T }>(byKey, [kind, key]))[0]?.body;
}

export async function oldestOf<T extends Entity>(tx: Tx, kind: Kind): Promise<T | undefined> {
  return (await tx.query<{ body: T }>(oldest, [kind]))[0]?.body;
}

export async function updateEntity(tx: Tx, entity: Entity): Promise<void> {
  await tx.query(update, [entity.id, JSON.stringify(entity), entity.updated_at]);
}

export async function deleteEntity(tx: Tx, id: string): Promise<void> {
  await tx.query(remove, [id]);
}

export async function nextDisplayId(tx: Tx): Promise<number> {
  const rows = await tx.query<{ id: string }>({
    name: 'medusa-display-id',
    text: `SELECT nextval('medusa_display_id') AS id`,
  });
  return Number(rows[0]!.id);
}

export interface Condition {
  field: string;
  operator: '=' | '>' | '>=' | '<' | '<=' | '<>';
  values: string[];
}

export interface ListQuery {
  kind: Kind;
  conditions: Condition[];
  /** `created_at`, `-updated_at`. */
  order: string;
  limit: number;
  offset: number;
}

export async function listEntities<T extends Entity>(tx: Tx, query: ListQuery): Promise<{ rows: T[]; count: number }> {
  const values: unknown[] = [query.kind];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const where = [
    'kind = $1',
    ...query.conditions.map(({ field, operator, values: given }) => {
      const column = columnOf(field);
      if (operator === '=') return `${column.sql} = ANY(${bind(given)}::${column.type}[])`;
      return `${column.sql} ${operator} ${bind(given[0])}::${column.type}`;
    }),
  ].join(' AND ');
  const field = query.order.replace(/^-/, '');
  const order = `${columnOf(field).sql} ${query.order.startsWith('-') ? 'DESC' : 'ASC'}, id`;
  const counted = await tx.query<{ count: string }>(statement(`SELECT count(*) FROM medusa_object WHERE ${where}`), [
    ...values,
  ]);
  const sql = `SELECT body FROM medusa_object WHERE ${where} ORDER BY ${order} LIMIT ${bind(query.limit)} OFFSET ${bind(query.offset)}`;
  const rows = await tx.query<{ body: T }>(statement(sql), values);
  return { rows: rows.map(({ body }) => body), count: Number(counted[0]!.count) };
}

function columnOf(field: string): { sql: string; type: string } {
  if (field === 'created_at' || field === 'updated_at') return { sql: field, type: 'timestamptz' };
  if (field === 'id') return { sql: 'id', type: 'text' };
  if (field === 'display_id') return { sql: `(body->>'display_id')::bigint`, type: 'bigint' };
  return { sql: `(body->>'${field}')`, type: 'text' };
}
