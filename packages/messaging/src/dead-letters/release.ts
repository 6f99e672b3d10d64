import type { Queryable, Statement } from '@throughline/postgres';
import { STATUS } from './letter.js';
import type { ReleaseProgress } from './decide-release.js';

export const releaseStatuses = ['running', 'done', 'stopped', 'cancelled'] as const;
export type ReleaseStatus = (typeof releaseStatuses)[number];

/** Letters that are put back in stages. */
export interface Release {
  id: string;
  status: ReleaseStatus;
  /** Of the group, where it is one. */
  fingerprint: string | null;
  actor: string;
  reason: string;
  /** Why it ended. */
  why: string | null;
  createdAt: Date;
  endedAt: Date | null;
  progress: ReleaseProgress & { handled: number };
}

const PROGRESS = `
  SELECT r.total, l.*,
         (SELECT count(*)::int FROM dead_letter d
           WHERE d.failed_at >= r.created_at AND (r.ended_at IS NULL OR d.failed_at <= r.ended_at)
             AND d.fingerprint IN (SELECT o.fingerprint FROM dead_letter o JOIN dead_letter_release_letter m ON m.letter_id = o.id
                                    WHERE m.release_id = r.id)
             AND NOT EXISTS (SELECT 1 FROM dead_letter_release_letter m WHERE m.release_id = r.id AND m.letter_id = d.id)) AS newcomers
    FROM (SELECT count(*) FILTER (WHERE released)::int AS released,
                 count(*) FILTER (WHERE released AND status = 'retrying')::int AS waiting,
                 count(*) FILTER (WHERE released AND (status = 'new' OR died_elsewhere))::int AS failed,
                 count(*) FILTER (WHERE released AND status = 'handled' AND NOT died_elsewhere)::int AS handled
            FROM (SELECT m.released_at IS NOT NULL AS released, ${STATUS} AS status,
                         -- A record that could be read at last goes on as a message, and may die as one.
                         d.kind = 'record' AND EXISTS (
                           SELECT 1 FROM dead_letter e
                            WHERE e.topic = d.topic AND e."partition" = d."partition" AND e."offset" = d."offset"
                              AND e.id <> d.id AND e.failed_at >= r.created_at AND e.handled_at IS NULL) AS died_elsewhere
                    FROM dead_letter_release_letter m JOIN dead_letter d ON d.id = m.letter_id
                   WHERE m.release_id = r.id) states) l`;

const find: Statement = {
  name: 'find-releases',
  text: `
    SELECT r.id, r.status, r.fingerprint, r.actor, r.reason, r.why, r.created_at AS "createdAt", r.ended_at AS "endedAt",
           row_to_json(p) AS progress
      FROM dead_letter_release r CROSS JOIN LATERAL (${PROGRESS}) p
     WHERE ($1::bigint IS NULL OR r.id = $1)
       AND ($2::text IS NULL OR r.status = $2)
       AND ($3::bigint IS NULL OR r.id < $3)
     ORDER BY r.id DESC LIMIT $4`,
};

export interface ReleaseFilter {
  id?: string | undefined;
  status?: ReleaseStatus | undefined;
  before?: string | undefined;
  limit: number;
}

/** The newest first. */
export function findReleases(database: Queryable, { id, status, before, limit }: ReleaseFilter): Promise<Release[]> {
  return database.query<Release>(find, [id ?? null, status ?? null, before ?? null, limit]);
}

/** $1 fingerprint, $2 actor, $3 reason, $4 ids in the order in which they are put back. Returns the id of the release. */
export const insertRelease: Statement = {
  name: 'insert-release',
  text: `
    WITH release AS (
      INSERT INTO dead_letter_release (fingerprint, actor, reason, total) VALUES ($1, $2, $3, cardinality($4::bigint[])) RETURNING id
    ), letters AS (
      INSERT INTO dead_letter_release_letter (release_id, position, letter_id)
      SELECT release.id, position, letter_id FROM release, unnest($4::bigint[]) WITH ORDINALITY AS t (letter_id, position)
    )
    SELECT id FROM release`,
};

/** $1 ids. The running release that has one of these letters already, if any. */
export const findReleaseOfLetters: Statement = {
  name: 'find-release-of-letters',
  text: `
    SELECT r.id FROM dead_letter_release r JOIN dead_letter_release_letter m ON m.release_id = r.id
     WHERE r.status = 'running' AND m.letter_id = ANY($1::bigint[]) LIMIT 1`,
};

export const findRunningReleases: Statement = {
  name: 'find-running-releases',
  text: `SELECT id FROM dead_letter_release WHERE status = 'running' ORDER BY id`,
};

/** $1 release. One instance advances it; the others go past, and nobody advances one that has ended. */
export const lockRelease: Statement = {
  name: 'lock-release',
  text: `SELECT id FROM dead_letter_release WHERE id = $1 AND status = 'running' FOR UPDATE SKIP LOCKED`,
};

/** $1 release, $2 position up to which letters are put back. Returns those whose turn it is, marked. */
export const takeTurns: Statement = {
  name: 'take-turns-of-release',
  text: `
    UPDATE dead_letter_release_letter SET released_at = clock_timestamp()
     WHERE release_id = $1 AND position <= $2 AND released_at IS NULL
    RETURNING letter_id AS id`,
};

/** $1 release, $2 status, $3 why. */
export const endRelease: Statement = {
  name: 'end-release',
  text: `
    UPDATE dead_letter_release SET status = $2, why = $3, ended_at = now()
     WHERE id = $1 AND status = 'running' RETURNING id`,
};
