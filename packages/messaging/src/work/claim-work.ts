import type { Statement } from '@throughline/postgres';

/** $1 queue, $2 limit, $3 lease, $4 owner, $5 lease in ms. Leases keys that are due and not held, longest due first. */
export const claimKeys: Statement = {
  name: 'claim-work-keys',
  text: `
    UPDATE work_key k
       SET lease = $3, lease_owner = $4, available_at = clock_timestamp() + $5 * interval '1 millisecond'
      FROM (SELECT queue, key FROM work_key
             WHERE queue = $1 AND NOT held AND available_at <= clock_timestamp()
             ORDER BY available_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
     WHERE k.queue = due.queue AND k.key = due.key
    RETURNING k.key`,
};

/**
 * $1 queues, $2 keys: the oldest row of each. A statement of its own after the keys are locked: within the claiming statement it
 * would read a snapshot from before the lock, and repeat a row that somebody has just finished. The columns are named because a
 * prepared `*` fails on every connection once a migration adds one.
 */
export const readHeads: Statement = {
  name: 'read-work-heads',
  text: `
    SELECT head.* FROM unnest($1::text[], $2::text[]) AS k (queue, key)
     CROSS JOIN LATERAL (
       SELECT id, queue, key, kind, type, message_id, topic, "partition", "offset", headers, value, job, traceparent, attempts,
              first_failed_at, last_error, record_key, dead_letter_id, failing_ms::float8 AS failing_ms
         FROM work w WHERE w.queue = k.queue AND w.key = k.key ORDER BY w.id LIMIT 1) head`,
};

/** What the queue looks like; runs when nothing else told us, so it must stay cheap: as many rows as keys are waiting, or failed. */
export const readWorkState: Statement = {
  name: 'read-work-state',
  text: `
    WITH failed AS (
      SELECT queue, count(DISTINCT key)::int AS keys, min(first_failed_at) AS first_at
        FROM work WHERE first_failed_at IS NOT NULL GROUP BY queue)
    SELECT queue, coalesce(sum(pending) FILTER (WHERE NOT held), 0)::int AS pending, (count(*) FILTER (WHERE NOT held))::int AS keys,
           coalesce(sum(pending) FILTER (WHERE held), 0)::int AS held_rows, (count(*) FILTER (WHERE held))::int AS held_keys,
           (extract(epoch FROM min(available_at) FILTER (WHERE NOT held) - clock_timestamp()) * 1000)::float8 AS due_in_ms,
           coalesce(max(failed.keys), 0) AS parked_keys,
           coalesce(extract(epoch FROM clock_timestamp() - max(failed.first_at)), 0)::float8 AS parked_seconds
      FROM work_key k LEFT JOIN failed USING (queue) GROUP BY queue`,
};

export interface WorkState {
  queue: string;
  pending: number;
  keys: number;
  held_rows: number;
  held_keys: number;
  /** `null` where all keys are held. */
  due_in_ms: number | null;
  parked_keys: number;
  /** Since the first failure of what has waited longest. */
  parked_seconds: number;
}

export interface StoredWorkRow {
  id: string;
  queue: string;
  key: string;
  kind: 'state' | 'effect' | 'job';
  type: string;
  message_id: string;
  topic: string | null;
  partition: number | null;
  offset: string | null;
  headers: Record<string, string | { base64: string }> | null;
  value: Buffer | null;
  job: { id: string; payload: unknown } | null;
  traceparent: string | null;
  attempts: number;
  first_failed_at: Date | null;
  last_error: string | null;
  record_key: Buffer | null;
  dead_letter_id: string | null;
  failing_ms: number;
}
