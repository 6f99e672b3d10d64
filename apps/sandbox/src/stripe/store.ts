import type { Tx } from '@throughline/postgres';
import { statement } from '../statement.js';
import type { Range } from './params.js';

/** A Stripe object as its API shows it (an invoice carries all its lines; the view cuts them). */
export interface StripeObject {
  id: string;
  object: string;
  created?: number;
  [field: string]: unknown;
}

const insert = {
  name: 'stripe-insert',
  text: `INSERT INTO stripe_object (id, object, body, changed_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING RETURNING id`,
};
const find = { name: 'stripe-find', text: `SELECT body FROM stripe_object WHERE id = $1 AND object = $2` };
const findLocked = { name: 'stripe-find-locked', text: `${find.text} FOR UPDATE` };
const update = {
  name: 'stripe-update',
  text: `UPDATE stripe_object SET body = $2, changed_at = $3,
      previous_body = CASE WHEN changed_at <= $3::timestamptz - $4 * interval '1 ms' THEN body ELSE previous_body END
    WHERE id = $1`,
};
const remove = { name: 'stripe-delete', text: `DELETE FROM stripe_object WHERE id = $1` };

/** @returns false where the id is taken. */
export async function insertObject(tx: Tx, body: StripeObject, now: Date): Promise<boolean> {
  return (await tx.query(insert, [body.id, body.object, JSON.stringify(body), now])).length === 1;
}

export async function findObject<T extends StripeObject>(
  tx: Tx,
  object: T['object'],
  id: string,
): Promise<T | undefined> {
  return (await tx.query<{ body: T }>(find, [id, object]))[0]?.body;
}

/** Reads an object to change it: one writer at a time. */
export async function lockObject<T extends StripeObject>(
  tx: Tx,
  object: T['object'],
  id: string,
): Promise<T | undefined> {
  return (await tx.query<{ body: T }>(findLocked, [id, object]))[0]?.body;
}

export async function updateObject(tx: Tx, body: StripeObject, now: Date, searchLagMs: number): Promise<void> {
  await tx.query(update, [body.id, JSON.stringify(body), now, searchLagMs]);
}

export async function deleteObject(tx: Tx, id: string): Promise<void> {
  await tx.query(remove, [id]);
}

export interface ListQuery {
  object: string;
  /** Equality on top-level fields; null asks for objects where the field is null. */
  where: Record<string, string | boolean | null | undefined>;
  anyOf?: { field: string; values: string[] };
  created?: Range;
  startingAfter?: string;
  endingBefore?: string;
  limit: number;
}

/** Newest first, as every Stripe list. One statement per combination of filters, so that each gets its own plan. */
export async function listObjects<T extends StripeObject>(
  tx: Tx,
  query: ListQuery,
): Promise<{ data: T[]; hasMore: boolean }> {
  const values: unknown[] = [query.object, query.limit + 1];
  const conditions = ['object = $1'];
  const bind = (value: unknown) => `$${values.push(value)}`;
  for (const [field, value] of Object.entries(query.where)) {
    if (value === undefined) continue;
    conditions.push(value === null ? `body->>'${field}' IS NULL` : `body->>'${field}' = ${bind(String(value))}`);
  }
  if (query.anyOf) conditions.push(`body->>'${query.anyOf.field}' = ANY(${bind(query.anyOf.values)})`);
  for (const [operator, sql] of [
    ['gt', '>'],
    ['gte', '>='],
    ['lt', '<'],
    ['lte', '<='],
  ] as const) {
    const bound = query.created?.[operator];
    if (bound !== undefined) conditions.push(`(body->>'created')::bigint ${sql} ${bind(bound)}`);
  }
  const seqOf = (id: string) => `(SELECT seq FROM stripe_object WHERE id = ${bind(id)})`;
  if (query.startingAfter !== undefined) conditions.push(`seq < ${seqOf(query.startingAfter)}`);
  if (query.endingBefore !== undefined) conditions.push(`seq > ${seqOf(query.endingBefore)}`);
  const order = query.endingBefore === undefined ? 'DESC' : 'ASC';
  const sql = `SELECT body FROM stripe_object WHERE ${conditions.join(' AND ')} ORDER BY seq ${order} LIMIT $2`;
  const rows = await tx.query<{ body: T }>(statement(sql), values);
  const data = rows.slice(0, query.limit).map((row) => row.body);
  return { data: order === 'ASC' ? data.reverse() : data, hasMore: rows.length > query.limit };
}
