import type { Statement } from '@throughline/postgres';

/**
 * $1 letter, $2 actor, $3 reason, $4 key, $5 headers, $6 value, $7 job, $8 version of the letter that was edited. What it held is kept; the
 * oldest edit kept the original. Only that version: whoever has put it back, archived or edited it meanwhile did so with what it held
 * then. Returns the letter, or nothing.
 */
export const storeEdit: Statement = {
  name: 'store-dead-letter-edit',
  text: `
    WITH before AS (
      SELECT d.id, d.key, d.headers, d.value, d.job FROM dead_letter d WHERE d.id = $1 AND d.xmin = $8::xid FOR UPDATE
    ), kept AS (
      INSERT INTO dead_letter_edit (letter_id, actor, reason, key, headers, value, job)
      SELECT id, $2, $3, key, headers, value, job FROM before
    )
    UPDATE dead_letter d SET key = $4::bytea, headers = $5::jsonb, value = $6::bytea, job = $7::json
      FROM before WHERE d.id = before.id
    RETURNING d.id`,
};

/** $1 letter. What it held before each edit, the oldest first: the first one is the original. */
export const readEdits: Statement = {
  name: 'read-dead-letter-edits',
  text: `SELECT at, actor, reason, key, headers, value, job FROM dead_letter_edit WHERE letter_id = $1 ORDER BY id`,
};
