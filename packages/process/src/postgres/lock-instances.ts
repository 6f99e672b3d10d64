import type { Tx } from '@throughline/postgres';
import type { State } from '../state.js';
import { columns } from './columns.js';

export interface Identity {
  process: string;
  version: number;
  key: string;
  occurrence: number;
  correlationId: string;
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
}

/**
 * Missing instances are created before any lock on a row is taken, and in key order; rows are locked in id order. So two
 * transactions can wait for each other in one direction only, and an event that comes before the start of its instance cannot
 * slip between two transactions that do not see each other.
 */
const ensure = {
  name: 'process-ensure-instances',
  text: `
    INSERT INTO process_instance (process, version, key, occurrence, correlation_id, status, state, created_at, updated_at)
    SELECT process, version, key, occurrence, correlation_id, 'expected', state, $7::timestamptz, $7::timestamptz
    FROM ROWS FROM (
      unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::text[]),
      json_array_elements($6::json)
    ) AS wanted(process, version, key, occurrence, correlation_id, state)
    WHERE NOT EXISTS (
      SELECT FROM process_instance AS instance
      WHERE instance.key = wanted.key AND instance.occurrence = wanted.occurrence AND instance.process = wanted.process)
    ORDER BY key COLLATE "C", occurrence, process COLLATE "C"
    ON CONFLICT (key, occurrence, process) DO NOTHING`,
};

const lock = {
  name: 'process-lock-instances',
  text: `
    SELECT instance.id, instance.process, instance.version, instance.key, instance.occurrence, instance.state
    FROM unnest($1::text[], $2::text[], $3::int[]) AS wanted(process, key, occurrence)
    JOIN process_instance AS instance USING (key, occurrence, process)
    ORDER BY instance.id
    FOR UPDATE OF instance`,
};

/** Creates what is missing and locks all of it. */
export async function lockInstances(tx: Tx, identities: Identity[], now: Date): Promise<LockedInstance[]> {
  const processes = identities.map(({ process }) => process);
  const keys = identities.map(({ key }) => key);
  const occurrences = identities.map(({ occurrence }) => occurrence);
  const [, locked] = await Promise.all([
    tx.query(ensure, [
      processes,
      identities.map(({ version }) => version),
      keys,
      occurrences,
      identities.map(({ correlationId }) => correlationId),
      JSON.stringify(identities.map(({ state }) => state)),
      now,
    ]),
    tx.query<LockedInstance>(lock, [processes, keys, occurrences]),
  ]);
  return locked;
}

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
