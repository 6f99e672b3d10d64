import type { Statement } from '@throughline/postgres';
import { STATUS, SUMMARY, type Letter } from './letter.js';

/** $1 ids. Whole letters, in the order in which they are put back: by their place in the queue. */
export const readLetters: Statement = {
  name: 'read-dead-letters',
  text: `
    SELECT ${STATUS} AS status, ${SUMMARY}, d.topic, d."partition", d."offset", d.headers, d.value, d.job, d.error_stack AS "errorStack",
           d.service_version AS "serviceVersion", d.queue, d.work_key AS "workKey", d.handled_at AS "handledAt",
           d.archived_at AS "archivedAt", d.xmin::text AS version,
           (SELECT min(h.id) FROM dead_letter h WHERE h.held AND h.queue = d.queue AND h.work_key = d.work_key AND h.work_id < d.work_id
           ) AS "waitsFor"
      FROM dead_letter d WHERE d.id = ANY($1::bigint[]) ORDER BY d.work_id, d.id`,
};

/** $1 ids. As readLetters, without what they carry, which may be much. */
export const readStatuses: Statement = {
  name: 'read-dead-letter-statuses',
  text: `SELECT d.id, d.kind, ${STATUS} AS status FROM dead_letter d WHERE d.id = ANY($1::bigint[]) ORDER BY d.work_id, d.id`,
};

export type LetterState = Pick<Letter, 'id' | 'kind' | 'status'>;

/** $1 group, $2 limit: ids of the letters of a group that can be put back, in that order. */
export const readLettersOfGroup: Statement = {
  name: 'read-dead-letters-of-group',
  text: `SELECT d.id FROM dead_letter d WHERE d.fingerprint = $1 AND ${STATUS} = ANY($3::text[]) ORDER BY d.work_id, d.id LIMIT $2`,
};

/** $1 letter, $2 its version as it was read: locked, or nothing where somebody has changed it since. */
export const lockLetter: Statement = {
  name: 'lock-dead-letter',
  text: `SELECT id FROM dead_letter WHERE id = $1 AND xmin = $2::xid FOR UPDATE`,
};
