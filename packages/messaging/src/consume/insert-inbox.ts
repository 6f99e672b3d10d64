import { asserting, type Statement } from '@throughline/postgres';

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

/** $1 consumer, $2 message ids, sorted: as insertInbox, but fails where one of them is known. */
export const insertNewInbox: Statement = {
  name: 'insert-new-inbox',
  text: `
    INSERT INTO inbox (consumer, message_id)
    SELECT (SELECT inbox_of($1, NULL)), id FROM unnest($2::uuid[]) AS t (id)`,
};

/** $1 this service's consumer, $2 consumers, $3 message ids: as insertInbox, where each id has a consumer of its own. */
export const insertInboxes: Statement = {
  name: 'insert-inboxes',
  text: `
    INSERT INTO inbox (consumer, message_id)
    SELECT CASE consumer WHEN $1 THEN (SELECT inbox_of($1, NULL)) ELSE consumer END, id
      FROM unnest($2::text[], $3::uuid[]) AS t (consumer, id) ORDER BY id
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

/** $1 keys: as lockParkedKeys, but fails where one of them has parked messages. */
export const assertNoneParked: Statement = {
  name: 'assert-none-parked',
  text: `SELECT ${asserting(`NOT EXISTS (SELECT FROM work_key WHERE queue = 'state' AND key = ANY($1::text[]))`, 'nothing of these keys is parked')}`,
};
