import type { Queryable, Tx } from '@throughline/postgres';
import type { StateChanges } from '../../changes-of.js';
import { ProcessError } from '../../errors.js';
import { ended } from '../../state.js';
import { columns } from '../columns.js';

/** Something a person does to instances, asked for once. */
export interface ActionRequest {
  /** Of whoever asks: the same id is the same action, however often it is sent. */
  id: string;
  /** Such as `pause`, or `migrate`. */
  action: string;
  /** What the action needs beside its instances, JSON-safe. */
  parameters: Record<string, unknown>;
  actor: string;
  reason: string;
}

export interface StoredAction extends ActionRequest {
  /** `stopped`: on request, before its end; what is `pending` then was not done. */
  status: 'running' | 'done' | 'stopped';
  requestedAt: Date;
  endedAt: Date | null;
  stoppedBy: string | null;
  stoppedBecause: string | null;
  /** Instances: all of them, and what became of them. */
  total: number;
  done: number;
  refused: number;
  pending: number;
}

/** What one action did to one instance. Never changed, never removed. */
export interface AuditEntry {
  actionId: string;
  action: string;
  actor: string;
  reason: string;
  instanceId: string;
  outcome: 'done' | 'refused';
  /** Of a refusal. */
  why: string | null;
  /** Types of the commands sent because of it. */
  commands: string[];
  before: StateChanges['before'] | null;
  after: StateChanges['after'] | null;
}
export type StoredAuditEntry = AuditEntry & { id: string; at: Date };

const insertAction = {
  name: 'process-insert-action',
  text: `
    INSERT INTO process_action (id, action, parameters, actor, reason, total, requested_at)
    VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (id) DO NOTHING RETURNING id`,
};

const insertTargets = {
  name: 'process-insert-action-targets',
  text: `INSERT INTO process_action_target (action_id, instance_id) SELECT $1, * FROM unnest($2::bigint[])`,
};

/** Everything on one version of a process, as it is when it is asked for. */
const insertTargetsOfVersion = {
  name: 'process-insert-action-targets-of-version',
  text: `
    INSERT INTO process_action_target (action_id, instance_id)
    SELECT $1, instance_id FROM process_search WHERE process = $2 AND version = $3 AND ($4 OR status <> ALL($5::text[]))`,
};

const countTargets = {
  name: 'process-count-action-targets',
  text: `UPDATE process_action SET total = (SELECT count(*) FROM process_action_target WHERE action_id = $1) WHERE id = $1`,
};

const COLUMNS = `
  action.id, action.action, parameters, action.actor, action.reason, requested_at AS "requestedAt", ended_at AS "endedAt",
  stopped_by AS "stoppedBy", stopped_because AS "stoppedBecause", total, done, refused, total - done - refused AS pending,
  CASE WHEN stopped_by IS NOT NULL THEN 'stopped' WHEN ended_at IS NOT NULL THEN 'done' ELSE 'running' END AS status`;
const COUNTED = `
  process_action AS action, LATERAL (
    SELECT count(*) FILTER (WHERE outcome = 'done')::int AS done, count(*) FILTER (WHERE outcome = 'refused')::int AS refused
    FROM process_audit WHERE action_id = action.id) AS counted`;

const selectAction = {
  name: 'process-select-action',
  text: `SELECT ${COLUMNS} FROM ${COUNTED} WHERE action.id = $1`,
};

const selectActions = {
  name: 'process-select-actions',
  text: `SELECT ${COLUMNS} FROM ${COUNTED} ORDER BY requested_at DESC, action.id LIMIT $1`,
};

/** All instances of a version, but for those that have ended where they are not wanted. */
export interface OnVersion {
  process: string;
  version: number;
  includeEnded: boolean;
}

/**
 * Records what is asked for, with its instances. The same request again changes nothing.
 * Throws `PROCESS_ACTION_ID_TAKEN` where the id belongs to another action.
 */
export async function storeAction(
  tx: Tx,
  request: ActionRequest,
  targets: string[] | OnVersion,
  now: Date,
): Promise<void> {
  const { id, action, parameters, actor, reason } = request;
  const stored = await tx.query(insertAction, [id, action, JSON.stringify(parameters), actor, reason, now]);
  if (stored.length > 0) {
    if (Array.isArray(targets)) await tx.query(insertTargets, [id, [...new Set(targets)]]);
    else await tx.query(insertTargetsOfVersion, [id, targets.process, targets.version, targets.includeEnded, ended]);
    await tx.query(countTargets, [id]);
    return;
  }
  const known = await readAction(tx, id);
  const isSame = known?.action === action && JSON.stringify(known.parameters) === JSON.stringify(parameters);
  if (isSame) return;
  throw new ProcessError(
    'PROCESS_ACTION_ID_TAKEN',
    `Action ${id} is another one (${known?.action} by ${known?.actor}); ask for this one under an id of its own.`,
  );
}

export async function readAction(database: Queryable, id: string): Promise<StoredAction | undefined> {
  const [action] = await database.query<StoredAction>(selectAction, [id]);
  return action;
}

/** The newest first. */
export function readActions(database: Queryable, limit: number): Promise<StoredAction[]> {
  return database.query<StoredAction>(selectActions, [limit]);
}

const lockRunning = {
  name: 'process-lock-running-action',
  text: `
    SELECT id, action, parameters, actor, reason FROM process_action
    WHERE ended_at IS NULL AND ($1::text IS NULL OR id = $1)
    ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
};

/** Done in the order of their ids, so what was done last says where to go on. */
const selectPending = {
  name: 'process-select-pending-targets',
  text: `
    SELECT instance_id AS id FROM process_action_target
    WHERE action_id = $1 AND instance_id > coalesce((SELECT max(instance_id) FROM process_audit WHERE action_id = $1), 0)
    ORDER BY instance_id LIMIT $2`,
};

const end = { name: 'process-end-action', text: `UPDATE process_action SET ended_at = $2 WHERE id = $1` };

/**
 * Locks an action that has work left, or the one named, and says which instances are next; with none left it has ended.
 * Undefined when nothing is to be done, or another runner is at it.
 */
export async function claimAction(
  tx: Tx,
  { id = null, limit, now }: { id?: string | null; limit: number; now: Date },
): Promise<{ action: ActionRequest; instanceIds: string[] } | undefined> {
  const [action] = await tx.query<ActionRequest>(lockRunning, [id]);
  if (!action) return undefined;
  const pending = await tx.query<{ id: string }>(selectPending, [action.id, limit]);
  if (pending.length < limit) void tx.query(end, [action.id, now]);
  return { action, instanceIds: pending.map((target) => target.id) };
}

const stop = {
  name: 'process-stop-action',
  text: `
    UPDATE process_action SET ended_at = $2, stopped_by = $3, stopped_because = $4 WHERE id = $1 AND ended_at IS NULL`,
};

/** Nothing more of it is done; what was done stays. One that is over stays what it is. */
export async function stopAction(
  tx: Tx,
  id: string,
  { actor, reason, now }: { actor: string; reason: string; now: Date },
): Promise<void> {
  await tx.query(stop, [id, now, actor, reason]);
}

const insertAudit = {
  name: 'process-append-audit',
  text: `
    INSERT INTO process_audit
      (action_id, action, actor, reason, instance_id, outcome, why, commands, before, after, at)
    SELECT action_id, action, actor, reason, instance_id, outcome, why, string_to_array(commands, ','),
      before, after, $11::timestamptz
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::json[], $10::json[])
      AS added(action_id, action, actor, reason, instance_id, outcome, why, commands, before, after)`,
};

/** In the transaction of what was done, so that neither is there without the other. */
export function appendAudit(tx: Tx, entries: AuditEntry[], now: Date): void {
  if (entries.length === 0) return;
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
  const rows = entries.map((entry) => [
    entry.actionId,
    entry.action,
    entry.actor,
    entry.reason,
    entry.instanceId,
    entry.outcome,
    entry.why,
    entry.commands.join(','),
    json(entry.before),
    json(entry.after),
  ]);
  void tx.query(insertAudit, [...columns(rows), now]);
}

/** Conditions that must all hold; those not given do not count. */
export interface AuditFilter {
  instanceId?: string | undefined;
  actionId?: string | undefined;
  actor?: string | undefined;
  outcome?: AuditEntry['outcome'] | undefined;
  /** Only entries older than this one: the last one of the page before. */
  before?: string | undefined;
}

const conditions: Record<keyof AuditFilter, string> = {
  instanceId: 'instance_id = ',
  actionId: 'action_id = ',
  actor: 'actor = ',
  outcome: 'outcome = ',
  before: 'id < ',
};

/** What was done, the newest first. */
export function findAudit(database: Queryable, filter: AuditFilter, limit: number): Promise<StoredAuditEntry[]> {
  const given = (Object.keys(conditions) as (keyof AuditFilter)[]).filter((name) => filter[name] !== undefined);
  const where = given.map((name, index) => `${conditions[name]}$${(index + 2).toString()}`).join(' AND ') || 'true';
  const text = `
    SELECT id, at, actor, action, action_id AS "actionId", instance_id AS "instanceId", reason, outcome, why, commands, before, after
    FROM process_audit WHERE ${where} ORDER BY id DESC LIMIT $1`;
  // A statement per combination: one statement for all of them could use none of the indexes.
  const name = ['process-find-audit', ...given].join('-');
  return database.query<StoredAuditEntry>({ name, text }, [limit, ...given.map((field) => filter[field])]);
}
