import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { statement } from '../statement.js';
import type { HubspotContext } from './context.js';
import { invalid } from './errors.js';
import { objectTypes, type ObjectType } from './object-types.js';
import { dateMs } from './properties.js';
import type { CrmObject } from './store.js';
import { viewObject } from './view.js';

const operators = [
  'EQ',
  'NEQ',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'BETWEEN',
  'IN',
  'NOT_IN',
  'HAS_PROPERTY',
  'NOT_HAS_PROPERTY',
  'CONTAINS_TOKEN',
  'NOT_CONTAINS_TOKEN',
] as const;
const filter = z.object({
  propertyName: z.string(),
  operator: z.enum(operators),
  value: z.coerce.string().optional(),
  highValue: z.coerce.string().optional(),
  values: z.array(z.coerce.string()).optional(),
});
type Filter = z.infer<typeof filter>;
const sort = z.union([
  z.string(),
  z.object({ propertyName: z.string(), direction: z.enum(['ASCENDING', 'DESCENDING']).default('ASCENDING') }),
]);
const shape = z.object({
  filterGroups: z
    .array(z.object({ filters: z.array(filter).max(6) }))
    .max(5)
    .default([]),
  sorts: z.array(sort).max(1, 'only one sort is allowed').default([]),
  properties: z.array(z.string()).default([]),
  query: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(10),
  after: z.union([z.string(), z.number()]).transform(String).optional(),
});

/** HubSpot's search, https://developers.hubspot.com/docs/api/crm/search: answers from an index that is behind the writes. */
export async function searchObjects(hubspot: HubspotContext): Promise<VendorResponse> {
  const { type } = hubspot;
  const body = hubspot.body(shape);
  const offset = Number(body.after ?? '0');
  if (!Number.isInteger(offset) || offset < 0) throw invalid(`Invalid after: ${body.after}`);
  if (offset + body.limit > 10_000)
    throw invalid('Search results are limited to 10,000: narrow the filters instead of paging on.');
  const values: unknown[] = [type, new Date(hubspot.now.getTime() - hubspot.options.searchLagMs)];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const groups = body.filterGroups
    .filter(({ filters }) => filters.length > 0)
    .map(({ filters }) => `(${filters.map((each) => condition(type, each, bind)).join(' AND ')})`);
  const conditions = [groups.length > 0 ? `(${groups.join(' OR ')})` : 'true'];
  if (body.query !== undefined)
    conditions.push(`EXISTS (SELECT FROM jsonb_each_text(doc) WHERE value ILIKE ${bind(`%${body.query}%`)})`);
  const rows = await hubspot.tx.query<CrmObject & { total: string }>(
    statement(`WITH search_index AS MATERIALIZED (
        SELECT id, type, history, archived, archived_at, created_at,
          CASE WHEN updated_at <= $2 THEN properties ELSE previous_properties END AS doc,
          CASE WHEN updated_at <= $2 THEN updated_at ELSE previous_updated_at END AS doc_updated_at
        FROM hubspot_object WHERE type = $1 AND NOT archived AND ${soundBound(body.filterGroups, bind)})
      SELECT id, type, doc AS properties, history, archived, archived_at, created_at, doc_updated_at AS updated_at, count(*) OVER () AS total
      FROM search_index WHERE doc IS NOT NULL AND ${conditions.join(' AND ')}
      ORDER BY ${order(type, body.sorts[0])} LIMIT ${bind(body.limit)} OFFSET ${bind(offset)}`),
    values,
  );
  const total = Number(rows[0]?.total ?? 0);
  const next =
    offset + rows.length < total ? { paging: { next: { after: String(offset + rows.length), link: '' } } } : {};
  return {
    status: 200,
    body: { total, results: rows.map((row) => viewObject(row, { ...body, propertiesWithHistory: [] })), ...next },
  };
}

/** What is asked to be modified since t in the index was modified since t in fact: lets the database use its own index. */
function soundBound(groups: { filters: Filter[] }[], bind: (value: unknown) => string): string {
  const [only] =
    groups.length === 1
      ? groups[0]!.filters.filter(
          ({ propertyName, operator }) =>
            propertyName === 'hs_lastmodifieddate' && (operator === 'GTE' || operator === 'GT' || operator === 'EQ'),
        )
      : [];
  const ms = only?.value === undefined ? undefined : dateMs(only.value);
  return ms === undefined ? 'true' : `updated_at >= ${bind(new Date(ms))}`;
}

function condition(
  type: ObjectType,
  { propertyName, operator, value, values, highValue }: Filter,
  bind: (value: unknown) => string,
): string {
  const column = columnOf(type, propertyName);
  const given = (text: string | undefined) => {
    if (text === undefined) throw invalid(`Filter on ${propertyName} with operator ${operator} needs a value`);
    return `${bind(bound(type, propertyName, text))}::${column.sqlType}`;
  };
  switch (operator) {
    case 'EQ':
      return `${column.sql} = ${given(value)}`;
    case 'NEQ':
      return `${column.sql} IS DISTINCT FROM ${given(value)}`;
    case 'LT':
      return `${column.sql} < ${given(value)}`;
    case 'LTE':
      return `${column.sql} <= ${given(value)}`;
    case 'GT':
      return `${column.sql} > ${given(value)}`;
    case 'GTE':
      return `${column.sql} >= ${given(value)}`;
    case 'BETWEEN':
      return `${column.sql} BETWEEN ${given(value)} AND ${given(highValue)}`;
    case 'IN':
      return `${column.sql} IN (${(values ?? []).map(given).join(', ') || 'NULL'})`;
    case 'NOT_IN':
      return `${column.sql} NOT IN (${(values ?? []).map(given).join(', ') || 'NULL'})`;
    case 'HAS_PROPERTY':
      return `${column.sql} IS NOT NULL`;
    case 'NOT_HAS_PROPERTY':
      return `${column.sql} IS NULL`;
    case 'CONTAINS_TOKEN':
      return `${column.sql}::text ILIKE ${bind(`%${(value ?? '').replaceAll('*', '%')}%`)}`;
    case 'NOT_CONTAINS_TOKEN':
      return `${column.sql}::text NOT ILIKE ${bind(`%${(value ?? '').replaceAll('*', '%')}%`)}`;
  }
}

function order(type: ObjectType, by: z.infer<typeof sort> | undefined): string {
  if (by === undefined) return 'id';
  const short = typeof by === 'string' ? by : by.propertyName;
  const descending = typeof by === 'string' ? short.startsWith('-') : by.direction === 'DESCENDING';
  return `${columnOf(type, short.replace(/^-/, '')).sql} ${descending ? 'DESC' : 'ASC'} NULLS LAST, id`;
}

function columnOf(type: ObjectType, property: string): { sql: string; sqlType: string } {
  if (!/^\w+$/.test(property)) throw invalid(`There was a problem with the request: no property ${property}`);
  if (property === 'hs_object_id') return { sql: 'id', sqlType: 'numeric' };
  if (property === 'hs_lastmodifieddate') return { sql: 'doc_updated_at', sqlType: 'timestamptz' };
  const { numbers, dates } = objectTypes[type];
  const sqlType = numbers.includes(property) ? 'numeric' : dates.includes(property) ? 'timestamptz' : 'text';
  return { sql: `(doc->>'${property}')::${sqlType}`, sqlType };
}

function bound(type: ObjectType, property: string, text: string): unknown {
  const { numbers, dates } = objectTypes[type];
  if (dates.includes(property)) {
    const ms = dateMs(text);
    if (ms === undefined) throw invalid(`${text} is not a date`);
    return new Date(ms);
  }
  if (numbers.includes(property) && !/^-?\d+(\.\d+)?$/.test(text)) throw invalid(`${text} is not a number`);
  return text;
}
