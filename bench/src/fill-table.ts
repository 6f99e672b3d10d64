import { createHash } from 'node:crypto';
import { nextTimerAt, type State } from '@throughline/process';
import type pg from 'pg';

/** What lies beside each instance, by its id. */
const BESIDE = [
  'process_search',
  'process_attribute',
  'process_wait',
  'process_external_id',
  'process_step',
  'process_event',
];

/** Where a copy is not like the first: values that differ in life, and payloads, which only make the history longer. */
const DIFFERENT: Record<string, string> = {
  'process_external_id.id': `first.id || '-' || copy.id`,
  'process_attribute.value': `CASE WHEN first.number IS NULL THEN first.value || '-' || copy.id ELSE first.value END`,
  'process_event.payload': 'NULL',
};

const insertCopies = `
  WITH copy AS MATERIALIZED (
    SELECT n, md5('key-' || n)::uuid::text AS key, md5('correlation-' || n)::uuid::text AS correlation_id,
      date_trunc('milliseconds', $3::timestamptz + ($4::timestamptz - $3) * ((n - $1)::float8 / $2)) AS due_at
    FROM generate_series($1::int, $1 + $2::int - 1) AS n
  ), added AS (
    INSERT INTO process_instance (process, version, key, occurrence, correlation_id, status, state, trace_id, started_at, created_at, updated_at)
    SELECT process, version, copy.key, occurrence, copy.correlation_id, status,
      replace(replace(replace(state::text, first.key, copy.key), first.correlation_id, copy.correlation_id),
        $5, to_char(copy.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::json,
      trace_id, started_at, created_at, updated_at
    FROM process_instance AS first, copy
    WHERE first.id = 1
    ORDER BY copy.n
    RETURNING id, key
  )
  INSERT INTO process_timer (instance_id, due_at) SELECT id, due_at FROM added JOIN copy USING (key) ORDER BY id`;

/**
 * Copies the first instance of the table, with everything stored beside it, `count` times; the copies are numbered from `from`, and their
 * next timers fall due evenly between two moments. Then the table is as autovacuum would leave it.
 */
export async function fillTable(
  client: pg.Client,
  { from, count, timersFromMs, timersToMs }: { from: number; count: number; timersFromMs: number; timersToMs: number },
): Promise<void> {
  const { rows } = await client.query<{ last: string; state: State }>(
    'SELECT (SELECT max(id)::text FROM process_instance) AS last, state FROM process_instance WHERE id = 1',
  );
  await client.query(insertCopies, [
    from,
    count,
    new Date(timersFromMs),
    new Date(timersToMs),
    nextTimerAt(rows[0]!.state),
  ]);
  for (const table of BESIDE) await copyBeside(client, table, rows[0]!.last);
  await client.query('VACUUM (ANALYZE)');
}

/** Leaves the first instance alone. */
export async function emptyTable(client: pg.Client): Promise<void> {
  for (const table of [...BESIDE, 'process_timer']) await client.query(`DELETE FROM ${table} WHERE instance_id <> 1`);
  await client.query('DELETE FROM process_instance WHERE id <> 1');
}

/** The key of the copy with this number, as the statement above makes it. */
export function keyOf(number: number): string {
  const hex = createHash('md5').update(`key-${number}`).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

async function copyBeside(client: pg.Client, table: string, last: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_name = $1 AND column_name <> 'instance_id' AND is_identity = 'NO'`,
    [table],
  );
  const columns = rows.map(({ name }) => name);
  const values = columns.map((name) => DIFFERENT[`${table}.${name}`] ?? `first.${name}`);
  await client.query(
    `INSERT INTO ${table} (instance_id, ${columns.join(', ')})
     SELECT copy.id, ${values.join(', ')} FROM ${table} AS first, process_instance AS copy
     WHERE first.instance_id = 1 AND copy.id > $1 ORDER BY copy.id`,
    [last],
  );
}
