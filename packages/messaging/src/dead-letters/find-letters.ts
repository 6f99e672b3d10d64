import type { Queryable, Statement } from '@throughline/postgres';
import { STATUS, SUMMARY, type LetterStatus, type LetterSummary } from './letter.js';

/** Conditions that must all hold; those not given do not count. */
export interface LetterFilter {
  /** Fingerprint. */
  group?: string | undefined;
  status?: LetterStatus | undefined;
  type?: string | undefined;
  /** Key of the message, as text. */
  key?: string | undefined;
  code?: string | undefined;
  /** Last failure at or after, and before. */
  since?: Date | undefined;
  until?: Date | undefined;
  /** Only letters older than this one: the next page. */
  before?: string | undefined;
  limit: number;
}

const statement: Statement = {
  name: 'find-dead-letters',
  text: `
    SELECT ${STATUS} AS status, ${SUMMARY}
      FROM dead_letter d
     WHERE ($1::text IS NULL OR d.fingerprint = $1)
       AND ($2::text IS NULL OR ${STATUS} = $2)
       AND ($3::text IS NULL OR d.type = $3)
       AND ($4::text IS NULL OR d.key = convert_to($4, 'UTF8'))
       AND ($5::text IS NULL OR d.error_code = $5)
       AND ($6::timestamptz IS NULL OR d.failed_at >= $6)
       AND ($7::timestamptz IS NULL OR d.failed_at < $7)
       AND ($8::bigint IS NULL OR d.id < $8)
     ORDER BY d.id DESC LIMIT $9`,
};

/** The newest first. */
export function findLetters(database: Queryable, filter: LetterFilter): Promise<LetterSummary[]> {
  const { group, status, type, key, code, since, until, before, limit } = filter;
  const values = [group, status, type, key, code, since, until, before].map((value) => value ?? null);
  return database.query<LetterSummary>(statement, [...values, limit]);
}

const waiting: Statement = {
  name: 'count-waiting-dead-letters',
  text: `SELECT count(*)::int AS n FROM dead_letter d WHERE ${STATUS} = 'new'`,
};

/** Those that wait for a person. */
export async function countWaiting(database: Queryable): Promise<number> {
  const [row] = await database.query<{ n: number }>(waiting);
  return row!.n;
}
