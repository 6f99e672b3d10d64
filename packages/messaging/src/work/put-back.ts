import type { Statement, Tx } from '@throughline/postgres';
import { KEY_HELD } from '../errors.js';

/**
 * Puts dead letters back into the work queue, each at its old place: before everything of its key that came after it. A key that
 * waited for them goes on, unless another letter holds it, and what had found no room behind it follows (`MSG_KEY_HELD`). Returns the
 * ids of all those put back: not what waits in the queue already, was handled or archived since, or never had a place because nobody
 * could read it.
 *
 * The message keeps its id, and its attempts count anew. If it dies again, it is the same letter again.
 */
export async function putBack(tx: Tx, letterIds: string[]): Promise<string[]> {
  await tx.query(lockKeysOfLetters, [letterIds]);
  const back = await returnRows(tx, letterIds);
  return [...back, ...(await goOn(tx, letterIds))];
}

/**
 * Lets the successors of dead letters go on without them, those included that had found no room. The letters stay where they are.
 * Returns the ids of those that were held.
 */
export async function letGo(tx: Tx, letterIds: string[]): Promise<string[]> {
  await tx.query(lockKeysOfLetters, [letterIds]);
  const gone = await tx.query<{ id: string }>(holdNoLonger, [letterIds]);
  await goOn(tx, letterIds);
  return gone.map(({ id }) => id);
}

async function returnRows(tx: Tx, letterIds: string[]): Promise<string[]> {
  const back = await tx.query<{ dead_letter_id: string }>(takeBack, [letterIds]);
  const ids = back.map((row) => row.dead_letter_id);
  if (ids.length > 0) await tx.query(addToKeys, [ids]);
  return ids;
}

/** Releases the keys that nothing holds any more, and returns the letters that follow because they had only found no room. */
async function goOn(tx: Tx, letterIds: string[]): Promise<string[]> {
  const followers = await tx.query<{ id: string }>(readFollowers, [letterIds, KEY_HELD]);
  const followed =
    followers.length > 0
      ? await returnRows(
          tx,
          followers.map(({ id }) => id),
        )
      : [];
  await tx.query(deleteEmptyKeys, [letterIds]);
  await tx.query(releaseHeldKeys, [letterIds]);
  return followed;
}

/** $1 letters. Locks their keys, in order, before anything is read: whoever settles or stores work of a key holds that lock too. */
export const lockKeysOfLetters: Statement = {
  name: 'lock-keys-of-letters',
  text: `
    INSERT INTO work_key AS k (queue, key, pending, available_at, held)
    SELECT queue, work_key, 0, clock_timestamp(), true FROM dead_letter
     WHERE id = ANY($1::bigint[]) AND work_id IS NOT NULL GROUP BY queue, work_key ORDER BY queue, work_key
    ON CONFLICT (queue, key) DO UPDATE SET held = k.held`,
};

/** $1 letters. */
const takeBack: Statement = {
  name: 'take-letters-back',
  text: `
    WITH letters AS (
      UPDATE dead_letter d SET held = false
       WHERE id = ANY($1::bigint[]) AND work_id IS NOT NULL AND handled_at IS NULL AND archived_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM work w WHERE w.id = d.work_id)
      RETURNING id, work_id, queue, work_key, kind, type, message_id, topic, "partition", "offset", headers, value, job, traceparent, key
    )
    INSERT INTO work (id, queue, key, kind, type, message_id, topic, "partition", "offset", headers, value, job, traceparent,
                      record_key, dead_letter_id)
    OVERRIDING SYSTEM VALUE
    SELECT work_id, queue, work_key, kind, type, message_id, topic, "partition", "offset", headers, value, job, traceparent,
           nullif(key, convert_to(work_key, 'UTF8')), id
      FROM letters
    RETURNING dead_letter_id`,
};

/** $1 letters that are back: their keys have these rows more, and the first of them may run now. */
const addToKeys: Statement = {
  name: 'add-letters-to-keys',
  text: `
    UPDATE work_key k
       SET pending = k.pending + t.rows, available_at = CASE WHEN k.lease IS NULL THEN clock_timestamp() ELSE k.available_at END
      FROM (SELECT queue, work_key, count(*)::int AS rows FROM dead_letter WHERE id = ANY($1::bigint[]) GROUP BY queue, work_key) t
     WHERE k.queue = t.queue AND k.key = t.work_key`,
};

/** $1 letters. */
const holdNoLonger: Statement = {
  name: 'hold-keys-no-longer',
  text: `UPDATE dead_letter SET held = false WHERE id = ANY($1::bigint[]) AND held RETURNING id`,
};

/** $1 letters, $2 code of those that found no room: these, of keys that no other letter holds. */
const readFollowers: Statement = {
  name: 'read-followers-of-letters',
  text: `
    SELECT d.id FROM dead_letter d
     WHERE d.held AND d.error_code = $2 AND (d.queue, d.work_key) IN (SELECT queue, work_key FROM dead_letter WHERE id = ANY($1::bigint[]))
       AND NOT EXISTS (SELECT 1 FROM dead_letter o
                        WHERE o.held AND o.error_code <> $2 AND o.queue = d.queue AND o.work_key = d.work_key)`,
};

const NOTHING_HOLDS = `
       k.held AND (k.queue, k.key) IN (SELECT queue, work_key FROM dead_letter WHERE id = ANY($1::bigint[]))
   AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.held AND d.queue = k.queue AND d.work_key = k.key)`;

/** $1 letters, by whose keys nobody waits any more. */
const deleteEmptyKeys: Statement = {
  name: 'delete-empty-keys-of-letters',
  text: `DELETE FROM work_key k WHERE k.pending = 0 AND ${NOTHING_HOLDS}`,
};

/** $1 letters, whose keys no letter holds any more. */
const releaseHeldKeys: Statement = {
  name: 'release-keys-of-letters',
  text: `UPDATE work_key k SET held = false, available_at = clock_timestamp() WHERE ${NOTHING_HOLDS}`,
};
