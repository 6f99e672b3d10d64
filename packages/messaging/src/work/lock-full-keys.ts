import type { Statement } from '@throughline/postgres';

/** $1 bound: held keys with so many rows. */
export const readFullKeys: Statement = {
  name: 'read-full-keys',
  text: `SELECT queue, key FROM work_key WHERE held AND pending >= $1`,
};

/** $1 queues, $2 keys, $3 bound: those that are held and full, locked, so that whoever releases them finds what is turned away now. */
export const lockFullKeys: Statement = {
  name: 'lock-full-keys',
  text: `
    SELECT queue, key FROM work_key
     WHERE (queue, key) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND held AND pending >= $3
     ORDER BY queue, key FOR UPDATE`,
};
