import type { Statement } from '@throughline/postgres';

/** $1 fingerprint. Locked: what it was before a change is part of the record of the change. */
export const lockGroup: Statement = {
  name: 'lock-dead-letter-group',
  text: `SELECT status, owner, notes FROM dead_letter_group WHERE fingerprint = $1 FOR UPDATE`,
};

/** $1 fingerprint, $2 status, $3 owner, $4 notes. Whoever sets a status has seen that it was reopened. */
export const changeGroup: Statement = {
  name: 'change-dead-letter-group',
  text: `
    UPDATE dead_letter_group
       SET status = $2, owner = $3, notes = $4, updated_at = now(),
           reopened_at = CASE WHEN status = $2 THEN reopened_at END
     WHERE fingerprint = $1`,
};

/** $1 letters. Their groups that are archived. */
export const findArchivedGroups: Statement = {
  name: 'find-archived-groups-of-letters',
  text: `
    SELECT g.fingerprint FROM dead_letter_group g
     WHERE g.status = 'archived' AND g.fingerprint IN (SELECT fingerprint FROM dead_letter WHERE id = ANY($1::bigint[]))
     ORDER BY g.fingerprint`,
};
