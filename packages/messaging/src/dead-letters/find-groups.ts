import type { Queryable, Statement } from '@throughline/postgres';
import { STATUS } from './letter.js';

export const groupStatuses = ['new', 'investigating', 'fixed', 'archived'] as const;
export type GroupStatus = (typeof groupStatuses)[number];

/** Letters of one defect, and who looks after it. */
export interface Group {
  fingerprint: string;
  status: GroupStatus;
  owner: string | null;
  notes: string;
  /** When a letter came in although the group was fixed or archived; `null` where none did, or somebody has set a status since. */
  reopenedAt: Date | null;
  /** Letters by their own status. */
  counts: { new: number; retrying: number; handled: number; archived: number };
  firstFailedAt: Date;
  failedAt: Date;
  /** Of the newest letter. */
  errorCode: string;
  errorMessage: string;
  /** Of all its letters, at most five. */
  types: string[];
}

export interface GroupFilter {
  fingerprint?: string | undefined;
  status?: GroupStatus | undefined;
  owner?: string | undefined;
  /** Only groups that come after this one: the next page. */
  before?: string | undefined;
  limit: number;
}

const statement: Statement = {
  name: 'find-dead-letter-groups',
  text: `
    SELECT g.fingerprint, g.status, g.owner, g.notes, g.reopened_at AS "reopenedAt", l.counts, l.first_failed_at AS "firstFailedAt",
           l.failed_at AS "failedAt", newest.error_code AS "errorCode", newest.error_message AS "errorMessage", l.types
      FROM dead_letter_group g
      JOIN (SELECT fingerprint, min(first_failed_at) AS first_failed_at, max(failed_at) AS failed_at, max(id) AS newest,
                   coalesce((array_agg(DISTINCT type) FILTER (WHERE type IS NOT NULL))[1:5], '{}') AS types,
                   json_build_object('new', count(*) FILTER (WHERE status = 'new'),
                                     'retrying', count(*) FILTER (WHERE status = 'retrying'),
                                     'handled', count(*) FILTER (WHERE status = 'handled'),
                                     'archived', count(*) FILTER (WHERE status = 'archived')) AS counts
              FROM (SELECT d.fingerprint, d.first_failed_at, d.failed_at, d.id, d.type, ${STATUS} AS status
                      FROM dead_letter d WHERE $1::text IS NULL OR d.fingerprint = $1) d
             GROUP BY fingerprint) l USING (fingerprint)
      JOIN dead_letter newest ON newest.id = l.newest
     WHERE ($2::text IS NULL OR g.status = $2)
       AND ($3::text IS NULL OR g.owner = $3)
       AND ($4::text IS NULL OR
            (l.failed_at, g.fingerprint) < ((SELECT max(failed_at) FROM dead_letter WHERE fingerprint = $4), $4))
     ORDER BY l.failed_at DESC, g.fingerprint DESC LIMIT $5`,
};

/** The one that failed last comes first. A group without letters, for they all turned out to be another defect, is not shown. */
export function findGroups(database: Queryable, filter: GroupFilter): Promise<Group[]> {
  const { fingerprint, status, owner, before, limit } = filter;
  return database.query<Group>(statement, [fingerprint ?? null, status ?? null, owner ?? null, before ?? null, limit]);
}
