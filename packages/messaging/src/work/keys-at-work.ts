import type { Queryable, Statement } from '@throughline/postgres';

/** $1 keys. */
const findKeysAtWork: Statement = {
  name: 'find-keys-at-work',
  text: `SELECT DISTINCT key FROM work_key WHERE key = ANY($1::text[])`,
};

/**
 * Those of these keys with an effect or a job that has not ended: what it does elsewhere may be done, and not recorded here yet. It
 * ends in one transaction with what it records, so rows that are locked before this is asked, or read after it, have the result of
 * every one that is not among these.
 */
export async function keysAtWork(database: Queryable, keys: string[]): Promise<Set<string>> {
  const rows = await database.query<{ key: string }>(findKeysAtWork, [keys]);
  return new Set(rows.map(({ key }) => key));
}
