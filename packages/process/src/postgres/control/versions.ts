import type { Queryable } from '@throughline/postgres';
import { ended, type Status } from '../../state.js';
import { readInstances, type StoredInstance } from '../find-instances.js';
import type { OnVersion } from './actions.js';

/** A version of a process that was ever shipped. */
export interface StoredVersion {
  process: string;
  version: number;
  storedAt: Date;
  /** Instances on it, by status. */
  instances: Partial<Record<Status, number>>;
}

const selectVersions = {
  name: 'process-select-versions',
  text: `
    SELECT process, version, stored_at AS "storedAt", coalesce(instances, '{}') AS instances
    FROM process_definition LEFT JOIN (
      SELECT process, version, json_object_agg(status, count) AS instances
      FROM (SELECT process, version, status, count(*)::int AS count FROM process_search GROUP BY process, version, status) AS counted
      GROUP BY process, version) AS used USING (process, version)
    ORDER BY process, version`,
};

/** Every version that the database knows, with what runs on it; reads the narrow row of each instance. */
export function readVersions(database: Queryable): Promise<StoredVersion[]> {
  return database.query<StoredVersion>(selectVersions);
}

const selectKeys = {
  name: 'process-select-version-keys',
  text: `SELECT process, version FROM process_definition ORDER BY process, version`,
};

/** Every version that the database knows: what ran before. */
export function readVersionKeys(database: Queryable): Promise<Pick<StoredVersion, 'process' | 'version'>[]> {
  return database.query(selectKeys);
}

const selectNumbers = {
  name: 'process-select-version-numbers',
  text: `SELECT version FROM process_definition WHERE process = $1 ORDER BY version`,
};

/** The versions of one process. */
export async function readVersionNumbers(database: Queryable, process: string): Promise<number[]> {
  const rows = await database.query<{ version: number }>(selectNumbers, [process]);
  return rows.map(({ version }) => version);
}

const selectProcesses = {
  name: 'process-select-process-names',
  text: `SELECT DISTINCT process FROM process_definition ORDER BY process`,
};

/** The processes that the database knows a version of. */
export async function readProcessNames(database: Queryable): Promise<string[]> {
  return (await database.query<{ process: string }>(selectProcesses)).map(({ process }) => process);
}

const selectOnVersion = {
  name: 'process-select-instances-on-version',
  text: `
    SELECT instance_id AS id FROM process_search
    WHERE process = $1 AND version = $2 AND ($3 OR status <> ALL($4::text[])) AND instance_id > $5
    ORDER BY instance_id LIMIT $6`,
};

/** Instances of a version, the oldest first. */
export async function readInstancesOnVersion(
  database: Queryable,
  { process, version, includeEnded }: OnVersion,
  { after, limit }: { after: string; limit: number },
): Promise<StoredInstance[]> {
  const rows = await database.query<{ id: string }>(selectOnVersion, [
    process,
    version,
    includeEnded,
    ended,
    after,
    limit,
  ]);
  return readInstances(
    database,
    rows.map(({ id }) => id),
  );
}
