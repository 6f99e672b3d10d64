import { codeOf } from '@throughline/contracts';
import type { Queryable, Statement } from '@throughline/postgres';
import { describeError } from '@throughline/telemetry';
import { appendAudit } from '../dead-letters/audit.js';
import type { By } from '../dead-letters/dead-letters.js';
import type { Counts, Range, Replay, ReplayRequest, ReplayStatus } from './replay.js';

interface ReplayRow {
  id: string;
  consumer: string;
  mode: ReplayRequest['mode'];
  filter: Omit<ReplayRequest, 'mode'>;
  ranges: Range[];
  counts: Counts;
  status: ReplayStatus;
  actor: string;
  reason: string;
  cancelled_by: string | null;
  cancel_reason: string | null;
  error_code: string | null;
  error_message: string | null;
  started_at: Date;
  ended_at: Date | null;
}

const COLUMNS = `id, consumer, mode, filter, ranges, counts, status, actor, reason, cancelled_by, cancel_reason, error_code, error_message,
           started_at, ended_at`;
const ERROR_MAX = 2_000;

/** Returns nothing where a replay of the consumer is running. */
export async function insertReplay(
  tx: Queryable,
  consumer: string,
  { mode, ...filter }: ReplayRequest,
  ranges: Range[],
  counts: Counts,
  { actor, reason }: By,
): Promise<Replay | undefined> {
  const values = [
    consumer,
    mode,
    JSON.stringify(filter),
    JSON.stringify(ranges),
    JSON.stringify(counts),
    actor,
    reason,
  ];
  const [row] = await tx.query<ReplayRow>(insert, values);
  if (!row) return undefined;
  const what = { mode, ...filter };
  const target = { type: 'replay' as const, id: row.id };
  await appendAudit(tx, [{ actor, action: 'replay-started', target, reason, before: null, after: what }]);
  return toReplay(row);
}

export async function findReplay(database: Queryable, id: string): Promise<Replay | undefined> {
  const [row] = await database.query<ReplayRow>(find, [id]);
  return row && toReplay(row);
}

export async function findRunning(database: Queryable, consumer: string): Promise<Replay | undefined> {
  const [row] = await database.query<ReplayRow>(running, [consumer]);
  return row && toReplay(row);
}

/** The newest first. */
export async function listReplays(database: Queryable, consumer: string, limit: number): Promise<Replay[]> {
  return (await database.query<ReplayRow>(list, [consumer, limit])).map(toReplay);
}

/** Returns whether somebody has asked to cancel it. */
export async function saveProgress(database: Queryable, { id, ranges, counts }: Replay): Promise<boolean> {
  const [row] = await database.query<{ cancel: boolean }>(save, [id, JSON.stringify(ranges), JSON.stringify(counts)]);
  return row?.cancel ?? false;
}

/** Asks whoever runs it to stop. Returns whether it was running. */
export async function askToCancel(tx: Queryable, id: string, { actor, reason }: By): Promise<boolean> {
  const [row] = await tx.query<{ id: string }>(cancel, [id, actor, reason]);
  if (!row) return false;
  const target = { type: 'replay' as const, id };
  await appendAudit(tx, [{ actor, action: 'replay-cancelled', target, reason, before: null, after: null }]);
  return true;
}

export async function endReplay(
  database: Queryable,
  { id, ranges, counts }: Replay,
  status: Exclude<ReplayStatus, 'running'>,
  error?: unknown,
): Promise<void> {
  const failure = error === undefined ? [null, null] : [codeOf(error), describeError(error).slice(0, ERROR_MAX)];
  await database.query(end, [id, JSON.stringify(ranges), JSON.stringify(counts), status, ...failure]);
}

function toReplay(row: ReplayRow): Replay {
  const { id, consumer, mode, filter, ranges, counts, status, actor, reason } = row;
  return {
    id,
    consumer,
    request: { mode, ...filter },
    dryRun: false,
    status,
    ranges,
    counts,
    by: { actor, reason },
    cancelled: row.cancelled_by === null ? null : { actor: row.cancelled_by, reason: row.cancel_reason ?? '' },
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

const insert: Statement = {
  name: 'insert-replay',
  text: `
    INSERT INTO replay (consumer, mode, filter, ranges, counts, actor, reason)
    VALUES ($1, $2, $3::jsonb, $4::jsonb, $5::jsonb, $6, $7)
    ON CONFLICT (consumer) WHERE status = 'running' DO NOTHING
    RETURNING ${COLUMNS}`,
};

const find: Statement = { name: 'find-replay', text: `SELECT ${COLUMNS} FROM replay WHERE id = $1` };

const running: Statement = {
  name: 'find-running-replay',
  text: `SELECT ${COLUMNS} FROM replay WHERE consumer = $1 AND status = 'running'`,
};

const list: Statement = {
  name: 'list-replays',
  text: `SELECT ${COLUMNS} FROM replay WHERE consumer = $1 ORDER BY id DESC LIMIT $2`,
};

const save: Statement = {
  name: 'save-replay-progress',
  text: `
    UPDATE replay SET ranges = $2::jsonb, counts = $3::jsonb WHERE id = $1 AND status = 'running'
    RETURNING cancelled_by IS NOT NULL AS cancel`,
};

const cancel: Statement = {
  name: 'ask-to-cancel-replay',
  text: `
    UPDATE replay SET cancelled_by = $2, cancel_reason = $3
     WHERE id = $1 AND status = 'running' AND cancelled_by IS NULL RETURNING id`,
};

const end: Statement = {
  name: 'end-replay',
  text: `
    UPDATE replay
       SET ranges = $2::jsonb, counts = $3::jsonb, status = $4, error_code = $5, error_message = $6, ended_at = now()
     WHERE id = $1 AND status = 'running'`,
};
