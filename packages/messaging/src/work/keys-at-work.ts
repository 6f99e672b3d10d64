import type { Queryable, Statement } from '@throughline/postgres';

/** $1 keys. */
const findKeysAtWork: Statement = {
  name: 'find-keys-at-work',
  text: `SELECT DISTINCT key FROM work_key WHERE key = ANY($1::text[]) AND NOT held`,
};

/**
 * Those of these keys with an effect or a job that has not ended: what it does elsewhere may be done, and not recorded here yet. It
 * ends in one transaction with what it records, so rows that are locked before this is asked, or read after it, have the result of
 * every one that is not among these. A key that is held behind a dead letter is not at work: that may take a person weeks.
 */
export async function keysAtWork(database: Queryable, keys: string[]): Promise<Set<string>> {
  const rows = await database.query<{ key: string }>(findKeysAtWork, [keys]);
  return new Set(rows.map(({ key }) => key));
}
