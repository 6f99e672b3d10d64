import type { Tx } from '@throughline/postgres';
import { amountAtRisk, isNumber } from '../../amount-at-risk.js';
import type { Process } from '../../process.js';
import { isOpen, type State } from '../../state.js';
import { waitedAt } from '../../waits.js';
import { columns } from '../columns.js';

/** What a batch did to one instance, as far as a search sees it. */
export interface SearchChange {
  id: string;
  /** What it ran on before; another version when it was migrated. */
  from: Process;
  process: Process;
  before: State;
  state: State;
}

const upsertRows = {
  name: 'process-upsert-search',
  text: `
    INSERT INTO process_search AS known
      (instance_id, process, version, status, started_at, amount, currency, paused, attention, status_since)
    SELECT *, $10::timestamptz FROM unnest($1::bigint[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::numeric[], $7::text[],
      $8::boolean[], $9::boolean[])
    ON CONFLICT (instance_id) DO UPDATE SET
      version = excluded.version, status = excluded.status, started_at = excluded.started_at, amount = excluded.amount,
      currency = excluded.currency, paused = excluded.paused, attention = excluded.attention,
      status_since = CASE WHEN known.status = excluded.status THEN known.status_since ELSE excluded.status_since END`,
};

const upsertAttributes = {
  name: 'process-upsert-attributes',
  text: `
    INSERT INTO process_attribute (instance_id, field, value, number)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::numeric[])
    ON CONFLICT (instance_id, field) DO UPDATE SET value = excluded.value, number = excluded.number`,
};

const deleteAttributes = {
  name: 'process-delete-attributes',
  text: `
    DELETE FROM process_attribute AS attribute USING unnest($1::bigint[], $2::text[]) AS gone(instance_id, field)
    WHERE attribute.instance_id = gone.instance_id AND attribute.field = gone.field`,
};

const insertWaits = {
  name: 'process-insert-waits',
  text: `
    INSERT INTO process_wait (step, instance_id, owner)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]) ON CONFLICT (step, instance_id) DO UPDATE SET owner = excluded.owner`,
};

const deleteWaits = {
  name: 'process-delete-waits',
  text: `
    DELETE FROM process_wait AS wait USING unnest($1::text[], $2::bigint[]) AS gone(step, instance_id)
    WHERE wait.step = gone.step AND wait.instance_id = gone.instance_id`,
};

/** Values are found by their beginning: an index entry has a limit. */
export const VALUE_MAX = 200;

/** Writes what changed of what instances are searched by; not awaited, like everything a batch writes. */
export function writeSearch(tx: Tx, changes: SearchChange[], now: Date): void {
  const rows = changes.flatMap(rowOf);
  if (rows.length > 0) void tx.query(upsertRows, [...columns(rows), now]);
  const attributes = changes.map(attributeRows);
  const lost = attributes.flatMap((rows) => rows.gone);
  if (lost.length > 0) void tx.query(deleteAttributes, columns(lost));
  const set = attributes.flatMap((rows) => rows.set);
  if (set.length > 0) void tx.query(upsertAttributes, columns(set));
  const waits = changes.map(waitRows);
  const gone = waits.flatMap((rows) => rows.gone);
  if (gone.length > 0) void tx.query(deleteWaits, columns(gone));
  const added = waits.flatMap((rows) => rows.added);
  if (added.length > 0) void tx.query(insertWaits, columns(added));
}

function rowOf({ id, from, process, before, state }: SearchChange): unknown[][] {
  const row = searched(process, state);
  const isNew = before.seen.length === 0;
  const earlier = isNew ? [] : searched(from, before);
  if (row.every((value, index) => value === earlier[index])) return [];
  return [[id, ...row]];
}

function searched(process: Process, state: State): unknown[] {
  const { amount, currency } = amountAtRisk(process, state);
  const isPaused = state.paused !== undefined;
  const needsLook = state.attention.some(isOpen);
  return [process.name, process.version, state.status, state.startedAt ?? null, amount, currency, isPaused, needsLook];
}

function attributeRows({ id, before, state }: SearchChange): { gone: unknown[][]; set: unknown[][] } {
  // A turn that did not touch them has left them the same object.
  if (before.attributes === state.attributes) return { gone: [], set: [] };
  const earlier = searchedAttributes(before);
  const now = searchedAttributes(state);
  return {
    gone: [...earlier.keys()].filter((field) => !now.has(field)).map((field) => [id, field]),
    set: [...now]
      .filter(([field, value]) => earlier.get(field) !== value)
      .map(([field, value]) => [id, field, value, isNumber(value) ? value : null]),
  };
}

const searchedAttributes = ({ attributes }: State): Map<string, string> =>
  new Map(
    Object.entries(attributes)
      .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
      .map(([field, value]) => [field, String(value).slice(0, VALUE_MAX)]),
  );

function waitRows({ id, from, process, before, state }: SearchChange): { gone: unknown[][]; added: unknown[][] } {
  const earlier = before.seen.length === 0 ? new Map<string, string>() : waitedAt(from, before);
  const now = waitedAt(process, state);
  return {
    gone: [...earlier.keys()].filter((step) => !now.has(step)).map((step) => [step, id]),
    added: [...now].filter(([step, owner]) => earlier.get(step) !== owner).map(([step, owner]) => [step, id, owner]),
  };
}
