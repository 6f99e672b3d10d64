import type { Tx } from '@throughline/postgres';
import type { ObjectType } from './object-types.js';
import type { History, Properties } from './properties.js';

export interface CrmObject {
  id: string;
  type: ObjectType;
  properties: Properties;
  history: History;
  archived: boolean;
  archived_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

export interface Association {
  from_type: ObjectType;
  from_id: string;
  to_type: ObjectType;
  to_id: string;
  type_id: number;
  category: string;
}

const columns = 'id, type, properties, history, archived, archived_at, created_at, updated_at';
const insert = {
  name: 'crm-insert',
  text: `WITH new AS (SELECT nextval(pg_get_serial_sequence('hubspot_object', 'id')) AS id)
    INSERT INTO hubspot_object (id, type, properties, history, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT id, $1, $2::jsonb || jsonb_build_object('hs_object_id', id::text), $3, $4, $4 FROM new RETURNING ${columns}`,
};
const read = {
  name: 'crm-read',
  text: `SELECT ${columns} FROM hubspot_object WHERE type = $1 AND id = ANY($2::bigint[]) ORDER BY id`,
};
const lock = { name: 'crm-lock', text: `${read.text} FOR UPDATE` };
const list = {
  name: 'crm-list',
  text: `SELECT ${columns} FROM hubspot_object WHERE type = $1 AND id > $2 AND archived = $3 ORDER BY id LIMIT $4`,
};
const byProperty = {
  name: 'crm-by-property',
  text: `SELECT id FROM hubspot_object WHERE type = $1 AND NOT archived AND properties->>$2 = $3 ORDER BY id LIMIT 1`,
};
/** The index (previous_*) takes the old version only once it is no longer behind itself. */
const update = {
  name: 'crm-update',
  text: `UPDATE hubspot_object SET properties = $2, history = $3, updated_at = $4,
      previous_properties = CASE WHEN updated_at <= $4::timestamptz - $5 * interval '1 ms' THEN properties ELSE previous_properties END,
      previous_updated_at = CASE WHEN updated_at <= $4::timestamptz - $5 * interval '1 ms' THEN updated_at ELSE previous_updated_at END
    WHERE id = $1`,
};
const archive = {
  name: 'crm-archive',
  text: 'UPDATE hubspot_object SET archived = true, archived_at = $2, updated_at = $2 WHERE id = $1',
};
const associate = {
  name: 'crm-associate',
  text: `INSERT INTO hubspot_association (from_type, from_id, to_type, to_id, type_id, category) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING`,
};
const associations = {
  name: 'crm-associations',
  text: `SELECT a.* FROM hubspot_association a JOIN hubspot_object o ON o.id = a.to_id AND NOT o.archived
    WHERE a.from_id = ANY($1::bigint[]) AND a.to_type = ANY($2) ORDER BY a.from_id, a.to_id, a.type_id`,
};
const dissociate = {
  name: 'crm-dissociate',
  text: `DELETE FROM hubspot_association WHERE (from_id = $1 AND to_id = $2 OR from_id = $2 AND to_id = $1)
    AND ($3::int[] IS NULL OR type_id = ANY($3))`,
};

export async function insertObject(
  tx: Tx,
  type: ObjectType,
  properties: Properties,
  history: History,
  now: Date,
): Promise<CrmObject> {
  const rows = await tx.query<CrmObject>(insert, [type, JSON.stringify(properties), JSON.stringify(history), now]);
  return rows[0]!;
}

/** In id order; those that do not exist (or are not numbers) are missing. */
export async function readObjects(tx: Tx, type: ObjectType, ids: string[]): Promise<CrmObject[]> {
  return tx.query<CrmObject>(read, [type, ids.filter(isId)]);
}

export async function lockObjects(tx: Tx, type: ObjectType, ids: string[]): Promise<CrmObject[]> {
  return tx.query<CrmObject>(lock, [type, ids.filter(isId)]);
}

export async function listObjects(
  tx: Tx,
  type: ObjectType,
  after: string,
  archived: boolean,
  limit: number,
): Promise<CrmObject[]> {
  return tx.query<CrmObject>(list, [type, after, archived, limit]);
}

export async function findByProperty(
  tx: Tx,
  type: ObjectType,
  property: string,
  value: string,
): Promise<string | undefined> {
  return (await tx.query<{ id: string }>(byProperty, [type, property, value]))[0]?.id;
}

export async function updateObject(tx: Tx, object: CrmObject, searchLagMs: number): Promise<void> {
  await tx.query(update, [
    object.id,
    JSON.stringify(object.properties),
    JSON.stringify(object.history),
    object.updated_at,
    searchLagMs,
  ]);
}

export async function archiveObject(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.query(archive, [id, now]);
}

export async function insertAssociation(tx: Tx, association: Association): Promise<void> {
  const { from_type, from_id, to_type, to_id, type_id, category } = association;
  await tx.query(associate, [from_type, from_id, to_type, to_id, type_id, category]);
}

export async function readAssociations(tx: Tx, ids: string[], toTypes: ObjectType[]): Promise<Association[]> {
  return tx.query<Association>(associations, [ids.filter(isId), toTypes]);
}

export async function deleteAssociations(tx: Tx, a: string, b: string, typeIds: number[] | null): Promise<void> {
  await tx.query(dissociate, [a, b, typeIds]);
}

function isId(text: string): boolean {
  return /^\d{1,18}$/.test(text);
}
