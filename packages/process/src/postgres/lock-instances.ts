import { asserting, type Tx } from '@throughline/postgres';
import type { State } from '../state.js';
import { columns } from './columns.js';
import type { KnownInstance, KnownInstances } from './known-instances.js';

export interface Identity {
  process: string;
  version: number;
  key: string;
  occurrence: number;
  /** Of a new instance. */
  state: State;
}

export interface LockedInstance {
  id: string;
  process: string;
  version: number;
  key: string;
  occurrence: number;
  state: State;
  /** It has no row yet: the first save writes it. */
  isNew?: true;
}

/**
 * Whoever is to create an instance claims its name until its transaction ends, before any lock on a row is taken, and in one order;
 * rows are locked in id order. So two transactions can wait for each other in one direction only, and an event that comes before the
 * start of its instance cannot slip between two transactions that do not see each other: what the one has created is there for the other
 * when it gets the claim, because each statement sees what was committed before it. The row itself is written with all the rest, once.
 */
const claimNew = {
  name: 'process-claim-new-instances',
  text: `
    WITH claimed AS MATERIALIZED (
      SELECT n, pg_advisory_xact_lock(claim)
      FROM (
        SELECT n, hashtextextended(concat_ws('/', wanted.process, wanted.occurrence, wanted.key), 0) AS claim
        FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS wanted(process, key, occurrence, n)
        WHERE NOT EXISTS (
          SELECT FROM process_instance AS instance
          WHERE instance.key = wanted.key AND instance.occurrence = wanted.occurrence AND instance.process = wanted.process)
        ORDER BY claim OFFSET 0
      ) AS missing
    )
    SELECT n::int, nextval('process_instance_id_seq') AS id FROM claimed ORDER BY n`,
};

/** No state comes of a row that is as we have written it. */
const lock = {
  name: 'process-lock-instances',
  text: `
    SELECT instance.id, instance.process, instance.version, instance.key, instance.occurrence,
      CASE WHEN instance.xmin = wanted.writer::xid AND instance.updated_at = wanted.written_at THEN NULL ELSE instance.state END AS state
    FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::timestamptz[]) AS wanted(process, key, occurrence, writer, written_at)
    JOIN process_instance AS instance USING (key, occurrence, process)
    ORDER BY instance.id
    FOR UPDATE OF instance`,
};

/** Locks all of it; what does not exist yet is nobody else's to create, and comes last, in its first state and with the id it will have. */
export async function lockInstances(
  tx: Tx,
  identities: Identity[],
  known: KnownInstances,
  now: Date,
): Promise<LockedInstance[]> {
  const values = columns(identities.map(({ process, key, occurrence }) => [process, key, occurrence]));
  const written = new Map(identities.map((identity) => [nameOf(identity), known.get(nameOf(identity), now)]));
  const versions = [...written.values()].map((instance) => (instance ? versionOf(instance) : [null, null]));
  const [claims, rows] = await Promise.all([
    tx.query<{ n: number; id: string }>(claimNew, values),
    tx.query<Omit<LockedInstance, 'state'> & { state: State | null }>(lock, [...values, ...columns(versions)]),
  ]);
  const locked = rows.map((row) => ({ ...row, state: row.state ?? written.get(nameOf(row))!.state }));
  const found = new Set(locked.map(nameOf));
  const missing = claims
    .map(({ n, id }) => ({ id, isNew: true as const, ...identities[n - 1]! }))
    // One that somebody else had claimed was created meanwhile.
    .filter((instance) => !found.has(nameOf(instance)));
  return [...locked, ...missing];
}

const assertCurrentRows = {
  name: 'process-assert-current',
  text: `
    SELECT ${asserting('count(*) = cardinality($1::bigint[])', 'instances are as this runner has written them')}
    FROM (
      SELECT FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS known(id, writer, written_at)
      JOIN process_instance AS instance
        ON instance.id = known.id AND instance.xmin = known.writer::xid AND instance.updated_at = known.written_at
      ORDER BY instance.id
      FOR UPDATE OF instance
    ) AS current`,
};

/** Locks instances as lockInstances does, without waiting for an answer: the transaction fails where one is not as it is known. */
export function assertCurrent(tx: Tx, known: KnownInstance[]): void {
  if (known.length > 0)
    void tx.query(assertCurrentRows, columns(known.map((instance) => [instance.id, ...versionOf(instance)])));
}

const versionOf = ({ xmin, writtenAt }: KnownInstance): string[] => [xmin, writtenAt.toISOString()];

/** The same for two of the same process, key and occurrence, and for no others. */
export const nameOf = ({ process, occurrence, key }: Pick<Identity, 'process' | 'occurrence' | 'key'>): string =>
  `${process}/${occurrence}/${key}`;

const claim = {
  name: 'process-claim-due-instances',
  text: `
    SELECT instance.id, instance.process, instance.version, instance.key, instance.occurrence, instance.state,
      timer.due_at::text AS "dueAt"
    FROM process_timer AS timer JOIN process_instance AS instance ON instance.id = timer.instance_id
    WHERE timer.due_at <= $1
    ORDER BY timer.due_at
    LIMIT $2
    FOR UPDATE OF instance SKIP LOCKED`,
};

/** An instance that is due to be looked at; once for each moment it was to be. `dueAt` is as PostgreSQL writes it, with all its digits. */
export type DueInstance = LockedInstance & { dueAt: string };

/** Locks instances to be looked at by now and that nobody else works on; those another one holds are found by the next look. */
export function claimDueInstances(tx: Tx, now: Date, limit: number): Promise<DueInstance[]> {
  return tx.query<DueInstance>(claim, [now, limit]);
}

const lockById = {
  name: 'process-lock-instances-by-id',
  text: `
    SELECT id, process, version, key, occurrence, state FROM process_instance AS instance
    WHERE id = ANY($1::bigint[])
    ORDER BY id
    FOR UPDATE`,
};

/** Locks instances that exist, in the order in which batches lock them; unknown ids are left out. */
export function lockInstancesById(tx: Tx, ids: string[]): Promise<LockedInstance[]> {
  return tx.query<LockedInstance>(lockById, [ids]);
}

const selectEarlier = {
  name: 'process-select-earlier-occurrences',
  text: `
    SELECT later.id AS "laterId", instance.id, instance.process, instance.version, instance.key, instance.occurrence, instance.state
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[]) AS later(id, process, key, occurrence)
    JOIN process_instance AS instance
      ON instance.key = later.key AND instance.process = later.process AND instance.occurrence < later.occurrence
    ORDER BY instance.occurrence`,
};

/** The earlier occurrences of these instances, of the same key and process, the first one first; none is locked. */
export function readEarlier(tx: Tx, later: LockedInstance[]): Promise<EarlierInstance[]> {
  return tx.query<EarlierInstance>(
    selectEarlier,
    columns(later.map(({ id, process, key, occurrence }) => [id, process, key, occurrence])),
  );
}

export type EarlierInstance = LockedInstance & { laterId: string };
