import type { Queryable, Statement } from '@throughline/postgres';
import { ProcessError } from '../../errors.js';
import { ended, statuses, type Status } from '../../state.js';
import { INSTANCE_COLUMNS, type StoredInstance } from '../find-instances.js';
import { refuseUnknownNames, type SearchedNames } from './known-names.js';
import { VALUE_MAX } from './write-search.js';

export const searchOrders = ['newest', 'oldest', 'amount', 'age'] as const;
/**
 * - `newest`, `oldest`: by creation
 * - `amount`: the most money first; of one currency
 * - `age`: the longest in its status first; of those that have not ended where no status is given
 */
export type SearchOrder = (typeof searchOrders)[number];

/** Conditions that must all hold; those not given do not count. */
export interface InstanceFilter {
  process?: string | undefined;
  version?: number | undefined;
  key?: string | undefined;
  /** The identifier of anything the instance is about, in any system. */
  externalId?: string | undefined;
  statuses?: Status[] | undefined;
  /** Waits at one of these steps. */
  steps?: string[] | undefined;
  /** Who answers for what it waits for. */
  owner?: string | undefined;
  /** Fields of the start event that the definition shows to people, equal to. */
  attributes?: { field: string; value: string }[] | undefined;
  /** The same, as numbers: at least, and at most. */
  ranges?: { field: string; min?: string | undefined; max?: string | undefined }[] | undefined;
  currency?: string | undefined;
  /** Amount at risk, of `currency`: at least, and at most. */
  amountMin?: string | undefined;
  amountMax?: string | undefined;
  startedBefore?: Date | undefined;
  inStatusBefore?: Date | undefined;
  paused?: boolean | undefined;
  /** Something came that contradicts what is known, and nobody has acknowledged it yet. */
  attention?: boolean | undefined;
}

export interface SearchPage {
  instances: StoredInstance[];
  /** Where to go on; null on the last page. A page may be short and not the last one: it ends where the search has looked at enough. */
  next: string | null;
}

/** What has not ended. */
const OPEN = statuses.filter((status) => !ended.includes(status));

/**
 * Rows that one page looks at, at most. A condition without an index of its own, or two that seldom meet, could otherwise read a
 * million rows for a handful.
 */
const WINDOW = 5_000;

/** What a page begins behind: the last position of the page before, in the order of the search. */
interface Cursor {
  id: string;
  amount?: string;
  since?: string;
}

const ORDERS: Record<SearchOrder, { columns: string; position: string; start: Cursor; cursor: RegExp }> = {
  newest: {
    columns: 'instance_id DESC',
    position: 'instance_id::text',
    start: { id: '9223372036854775807' },
    cursor: /^(?<id>\d{1,18})$/,
  },
  oldest: { columns: 'instance_id', position: 'instance_id::text', start: { id: '0' }, cursor: /^(?<id>\d{1,18})$/ },
  amount: {
    columns: 'amount DESC, instance_id DESC',
    position: `amount || '_' || instance_id`,
    start: { amount: 'Infinity', id: '0' },
    cursor: /^(?<amount>-?\d{1,30}(\.\d{1,20})?)_(?<id>\d{1,18})$/,
  },
  age: {
    columns: 'status_since, instance_id',
    position: `to_char(status_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '_' || instance_id`,
    start: { since: '-infinity', id: '0' },
    cursor: /^(?<since>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)_(?<id>\d{1,18})$/,
  },
};

/**
 * Instances that meet every condition given. One index leads (the key, a business field, a step, a status, the amount) and the other
 * conditions are looked up row by row.
 *
 * Throws `PROCESS_SEARCH_INVALID` where amounts are compared without their currency, `before` is not of this order, or nothing is found and
 * a condition names a process, step or field that no stored definition has.
 */
export async function searchInstances(
  database: Queryable,
  filter: InstanceFilter,
  { limit, order: wanted, before }: { limit: number; order?: SearchOrder | undefined; before?: string | undefined },
): Promise<SearchPage> {
  const order = wanted ?? orderOf(filter);
  checkCurrency(filter, order);
  const values: Values = { ...toValues(filter, order), ...cursorOf(order, before), limit: limit + 1 };
  const { statement, names } = compose(order, leadOf(filter, order));
  type Row = StoredInstance & { looked: number; last: string | null; position: string | null };
  const rows = await database.query<Row>(
    statement,
    names.map((name) => values[name] ?? null),
  );
  const { looked, last } = rows[0]!;
  const found = rows.filter(({ position }) => position !== null);
  const instances = found.slice(0, limit);
  const next = found.length > limit ? instances.at(-1)!.position : looked === WINDOW ? last : null;
  if (found.length === 0 && next === null && before === undefined) await refuseUnknownNames(database, namesIn(filter));
  return { instances: instances.map(({ looked, last, position, ...instance }) => instance), next };
}

function namesIn({ process, steps, owner, attributes = [], ranges = [] }: InstanceFilter): SearchedNames {
  // The steps of an owner are those of the definitions that this release runs.
  return {
    process,
    steps: owner === undefined ? steps : undefined,
    fields: [...attributes, ...ranges].map(({ field }) => field),
  };
}

/** The first instances that meet every condition, the newest first. */
export async function findInstances(
  database: Queryable,
  { limit, ...filter }: InstanceFilter & { limit: number },
): Promise<StoredInstance[]> {
  return (await searchInstances(database, filter, { limit, order: 'newest' })).instances;
}

function orderOf(filter: InstanceFilter): SearchOrder {
  if (filter.amountMin !== undefined || filter.amountMax !== undefined) return 'amount';
  return filter.inStatusBefore ? 'age' : 'newest';
}

function checkCurrency({ currency, amountMin, amountMax }: InstanceFilter, order: SearchOrder): void {
  if (currency !== undefined || (order !== 'amount' && amountMin === undefined && amountMax === undefined)) return;
  throw searchInvalid('Amounts are compared in one currency: give it with them, for example currency=EUR.');
}

function cursorOf(order: SearchOrder, before: string | undefined): Cursor {
  const { start, cursor } = ORDERS[order];
  if (before === undefined) return start;
  const position = cursor.exec(before)?.groups;
  if (position) return position as unknown as Cursor;
  throw searchInvalid(`before: "${before}" is no place in the order ${order}; pass "next" of the page before.`);
}

const searchInvalid = (message: string): ProcessError => new ProcessError('PROCESS_SEARCH_INVALID', message);

/** What leads: the index that the rows of a page are read by. The most selective first. */
type Lead = 'key' | 'externalId' | 'attribute' | 'paused' | 'attention' | 'steps' | 'statuses' | 'all';

function leadOf(filter: InstanceFilter, order: SearchOrder): Lead {
  if (order === 'amount') return 'all';
  if (order === 'age') return 'statuses';
  if (filter.key !== undefined) return 'key';
  if (filter.externalId !== undefined) return 'externalId';
  if (filter.attributes?.length) return 'attribute';
  if (filter.paused) return 'paused';
  if (filter.attention) return 'attention';
  if (filter.steps) return 'steps';
  return filter.statuses ? 'statuses' : 'all';
}

function toValues(filter: InstanceFilter, order: SearchOrder) {
  const { attributes = [], ranges = [], ...conditions } = filter;
  return {
    ...conditions,
    statuses: filter.statuses ?? (order === 'age' ? OPEN : undefined),
    fields: attributes.map(({ field }) => field),
    values: attributes.map(({ value }) => value.slice(0, VALUE_MAX)),
    ranges: ranges.map(({ field }) => field),
    mins: ranges.map(({ min }) => min ?? null),
    maxs: ranges.map(({ max }) => max ?? null),
  };
}
type Values = ReturnType<typeof toValues> & Cursor & { limit: number };

/** A statement per leading index and order: one for all of them could use none of the indexes. */
function compose(order: SearchOrder, lead: Lead): { statement: Statement; names: (keyof Values)[] } {
  const names: (keyof Values)[] = [];
  /** The placeholder of a value. */
  const $ = (name: keyof Values, type: string): string => {
    const known = names.indexOf(name);
    return `$${(known === -1 ? names.push(name) : known + 1).toString()}::${type}`;
  };
  const text = `
    WITH looked AS MATERIALIZED (
      SELECT instance_id, position, row_number() OVER (ORDER BY ${ORDERS[order].columns}) AS n
      FROM (SELECT *, ${ORDERS[order].position} AS position FROM (${source(order, lead, $)}) AS led) AS source
      ORDER BY n LIMIT ${WINDOW}
    ), found AS (
      SELECT looked.n, looked.position, looked.instance_id FROM looked JOIN process_search AS search USING (instance_id)
      WHERE ${conditions($).join(' AND ')}
      ORDER BY looked.n LIMIT ${$('limit', 'int')}
    )
    SELECT (SELECT count(*)::int FROM looked) AS looked, (SELECT position FROM looked ORDER BY n DESC LIMIT 1) AS last,
      found.position, ${INSTANCE_COLUMNS}
    FROM (SELECT) AS always LEFT JOIN found ON true LEFT JOIN process_instance AS instance ON instance.id = found.instance_id
    ORDER BY found.n`;
  return { statement: { name: `process-search-${order}-${lead}`, text }, names };
}

/** Rows in the order of the search, by one index, at most as many as a page looks at. */
function source(order: SearchOrder, lead: Lead, $: (name: keyof Values, type: string) => string): string {
  if (order === 'amount') {
    return `
      SELECT instance_id, amount FROM process_search
      WHERE currency = ${$('currency', 'text')} AND amount IS NOT NULL
        AND amount >= coalesce(${$('amountMin', 'numeric')}, '-Infinity') AND amount <= coalesce(${$('amountMax', 'numeric')}, 'Infinity')
        AND (amount, instance_id) < (${$('amount', 'numeric')}, ${$('id', 'bigint')})
      ORDER BY amount DESC, instance_id DESC LIMIT ${WINDOW}`;
  }
  if (order === 'age') {
    return `
      SELECT led.* FROM unnest(${$('statuses', 'text[]')}) AS wanted(status), LATERAL (
        SELECT instance_id, status_since FROM process_search AS search
        WHERE search.status = wanted.status AND status_since < coalesce(${$('inStatusBefore', 'timestamptz')}, 'infinity')
          AND (status_since, instance_id) > (${$('since', 'timestamptz')}, ${$('id', 'bigint')})
        ORDER BY status_since, instance_id LIMIT ${WINDOW}) AS led`;
  }
  const led = (from: string, where: string, id = 'instance_id'): string => `
    SELECT DISTINCT ${id} AS instance_id FROM ${from}
    WHERE ${where} AND ${id} ${order === 'newest' ? '<' : '>'} ${$('id', 'bigint')}
    ORDER BY ${id} ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT ${WINDOW}`;
  const ledByEach = (values: string, from: string, where: string): string =>
    `SELECT DISTINCT led.instance_id FROM unnest(${values}) AS wanted(value), LATERAL (${led(from, where)}) AS led`;
  switch (lead) {
    case 'key':
      return led('process_instance', `key = ${$('key', 'text')}`, 'id');
    case 'externalId':
      return led('process_external_id', `id = ${$('externalId', 'text')}`);
    case 'attribute':
      return led(
        'process_attribute',
        `field = (${$('fields', 'text[]')})[1] AND value = (${$('values', 'text[]')})[1]`,
      );
    case 'paused':
    case 'attention':
      return led('process_search', lead);
    case 'steps':
      return ledByEach($('steps', 'text[]'), 'process_wait', 'step = wanted.value');
    case 'statuses':
      return ledByEach($('statuses', 'text[]'), 'process_search', 'status = wanted.value');
    case 'all':
      return led('process_search', 'true');
  }
}

/** Every condition, by the primary key of what it looks at; one that is not given holds. */
function conditions($: (name: keyof Values, type: string) => string): string[] {
  const given = (name: keyof Values, type: string, holds: (value: string) => string): string =>
    `(${$(name, type)} IS NULL OR ${holds($(name, type))})`;
  return [
    given('process', 'text', (value) => `search.process = ${value}`),
    given('version', 'int', (value) => `search.version = ${value}`),
    given('statuses', 'text[]', (value) => `search.status = ANY(${value})`),
    given('currency', 'text', (value) => `search.currency = ${value}`),
    given('amountMin', 'numeric', (value) => `search.amount >= ${value}`),
    given('amountMax', 'numeric', (value) => `search.amount <= ${value}`),
    given('startedBefore', 'timestamptz', (value) => `search.started_at < ${value}`),
    given('inStatusBefore', 'timestamptz', (value) => `search.status_since < ${value}`),
    given('paused', 'boolean', (value) => `search.paused = ${value}`),
    given('attention', 'boolean', (value) => `search.attention = ${value}`),
    given(
      'key',
      'text',
      (value) => `EXISTS (SELECT FROM process_instance AS own WHERE own.id = instance_id AND own.key = ${value})`,
    ),
    given(
      'externalId',
      'text',
      (value) =>
        `EXISTS (SELECT FROM process_external_id AS named WHERE named.id = ${value} AND named.instance_id = search.instance_id)`,
    ),
    given(
      'steps',
      'text[]',
      (value) => `EXISTS (
        SELECT FROM unnest(${value}) AS wanted(step) JOIN process_wait AS wait USING (step)
        WHERE wait.instance_id = search.instance_id AND (${$('owner', 'text')} IS NULL OR wait.owner = ${$('owner', 'text')}))`,
    ),
    `NOT EXISTS (
      SELECT FROM unnest(${$('fields', 'text[]')}, ${$('values', 'text[]')}) AS wanted(field, value)
      LEFT JOIN process_attribute AS known ON known.instance_id = search.instance_id AND known.field = wanted.field
      WHERE known.value IS DISTINCT FROM wanted.value)`,
    `NOT EXISTS (
      SELECT FROM unnest(${$('ranges', 'text[]')}, ${$('mins', 'numeric[]')}, ${$('maxs', 'numeric[]')}) AS wanted(field, min, max)
      LEFT JOIN process_attribute AS known ON known.instance_id = search.instance_id AND known.field = wanted.field
      WHERE known.number IS NULL OR known.number < wanted.min OR known.number > wanted.max)`,
  ];
}
