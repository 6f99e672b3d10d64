import type { Statement } from '@throughline/postgres';

/** $1 ids. Not what waits in the queue or was handled. Returns those archived. */
export const archiveLetters: Statement = {
  name: 'archive-dead-letters',
  text: `
    UPDATE dead_letter d SET archived_at = now()
     WHERE id = ANY($1::bigint[]) AND archived_at IS NULL AND handled_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM work w WHERE w.id = d.work_id)
    RETURNING id`,
};

/** $1 ids. Returns those that had been archived. Their keys went on without them and are not held again. */
export const restoreLetters: Statement = {
  name: 'restore-dead-letters',
  text: `UPDATE dead_letter SET archived_at = NULL WHERE id = ANY($1::bigint[]) AND archived_at IS NOT NULL RETURNING id`,
};
