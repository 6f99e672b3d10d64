import type { Statement } from '@throughline/postgres';

/**
 * $1 consumer, $2 message ids, sorted so that two instances with the same messages wait for each other instead of deadlocking, $3 the
 * rebuild this is for. Returns the ids that are new; waits for a transaction that holds one of them. Fails with TL001 while the inbox
 * is open to another rebuild alone.
 */
export const insertInbox: Statement = {
  name: 'insert-inbox',
  text: `
    INSERT INTO inbox (consumer, message_id)
    SELECT (SELECT inbox_of($1, $3)), id FROM unnest($2::uuid[]) AS t (id)
    ON CONFLICT DO NOTHING
    RETURNING message_id`,
};

/** $1 consumers, $2 message ids: as insertInbox, for jobs, where each type is a consumer of its own. */
export const insertJobInbox: Statement = {
  name: 'insert-job-inbox',
  text: `
    INSERT INTO inbox (consumer, message_id)
    SELECT consumer, id FROM unnest($1::text[], $2::uuid[]) AS t (consumer, id)
    ON CONFLICT DO NOTHING
    RETURNING message_id`,
};

/**
 * $1 keys. Keys with parked messages of state routes, locked: a newcomer must line up behind them, and while we hold the lock the
 * last one cannot be released past us. Runs after the inbox insert, whose waiting makes an earlier parking visible.
 */
export const lockParkedKeys: Statement = {
  name: 'lock-parked-keys',
  text: `SELECT key FROM work_key WHERE queue = 'state' AND key = ANY($1::text[]) ORDER BY key FOR UPDATE`,
};
