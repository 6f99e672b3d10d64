import type { Queryable } from '@throughline/postgres';
import type { Status, State } from '../state.js';

/** An instance as it is stored; `id` grows with time of creation. */
export interface StoredInstance {
  id: string;
  process: string;
  version: number;
  key: string;
  occurrence: number;
  correlationId: string;
  status: Status;
  state: State;
  traceId: string | null;
  startedAt: Date | null;
  endedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export const INSTANCE_COLUMNS = `
  id, process, version, key, occurrence, correlation_id AS "correlationId", status, state,
  trace_id AS "traceId", started_at AS "startedAt", ended_at AS "endedAt", created_at AS "createdAt", updated_at AS "updatedAt"`;

const byIds = {
  name: 'process-select-instances',
  text: `SELECT ${INSTANCE_COLUMNS} FROM process_instance WHERE id = ANY($1::bigint[]) ORDER BY id`,
};

/** Those that exist, in the order of their ids. */
export function readInstances(database: Queryable, ids: string[]): Promise<StoredInstance[]> {
  return database.query<StoredInstance>(byIds, [ids]);
}

export async function readInstance(database: Queryable, id: string): Promise<StoredInstance | undefined> {
  const [instance] = await readInstances(database, [id]);
  return instance;
}

const byKey = {
  name: 'process-select-occurrences',
  text: `
    SELECT ${INSTANCE_COLUMNS} FROM process_instance AS instance
    WHERE process = $1 AND key IN (
      SELECT $2 UNION
      SELECT key FROM process_instance AS instance
      WHERE id IN (SELECT instance_id FROM process_external_id WHERE id = $2 AND type = $3) AND process = $1)
    ORDER BY occurrence`,
};

/** All occurrences of one key, found by the key or by what another system calls it, the first closing first. */
export function findOccurrences(
  database: Queryable,
  { process, id, externalType }: { process: string; id: string; externalType: string },
): Promise<StoredInstance[]> {
  return database.query<StoredInstance>(byKey, [process, id, externalType]);
}

const byCorrelation = {
  name: 'process-select-correlated',
  text: `
    SELECT ${INSTANCE_COLUMNS} FROM process_instance AS instance
    WHERE correlation_id = ANY($1::text[])
    ORDER BY id LIMIT $2`,
};

/** Instances of whichever process whose messages share one of these ids, the first one first. */
export function findCorrelated(
  database: Queryable,
  correlationIds: string[],
  limit: number,
): Promise<StoredInstance[]> {
  return database.query<StoredInstance>(byCorrelation, [correlationIds, limit]);
}

/** One input of an instance, as it was taken. */
export interface StoredEvent {
  instanceId: string;
  messageId: string;
  type: string;
  effect: string;
  step: string | null;
  source: string | null;
  commands: string[];
  payload: Record<string, unknown> | null;
  /** Who did it and why; and which policies were asked. */
  detail: Record<string, unknown> | null;
  occurredAt: Date;
  recordedAt: Date;
  traceId: string | null;
}

const history = {
  name: 'process-select-history',
  text: `
    SELECT instance_id AS "instanceId", message_id AS "messageId", type, effect, step, source, commands, payload, detail,
      occurred_at AS "occurredAt", recorded_at AS "recordedAt", trace_id AS "traceId"
    FROM process_event WHERE instance_id = ANY($1::bigint[])
    ORDER BY instance_id, position`,
};

/** Everything that ever came for these instances, in the order in which it was taken. */
export function readHistory(database: Queryable, instanceIds: string[]): Promise<StoredEvent[]> {
  return database.query<StoredEvent>(history, [instanceIds]);
}
