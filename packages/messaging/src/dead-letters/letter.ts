import type { RawHeaders } from '../raw-headers.js';

/** A letter's way: `new` until it is put back, then `retrying` until it was handled, or died and is `new` again. */
export const letterStatuses = ['new', 'retrying', 'handled', 'archived'] as const;
export type LetterStatus = (typeof letterStatuses)[number];

/** What a list shows. */
export interface LetterSummary {
  id: string;
  status: LetterStatus;
  /** Its group. */
  fingerprint: string;
  kind: 'record' | 'state' | 'effect' | 'job';
  type: string | null;
  key: Buffer | null;
  messageId: string | null;
  errorCode: string;
  errorMessage: string;
  attempts: number;
  firstFailedAt: Date;
  failedAt: Date;
  /** Its key waits for it. */
  held: boolean;
  traceparent: string | null;
}

/** Everything that is kept of a letter. */
export interface Letter extends LetterSummary {
  topic: string | null;
  partition: number | null;
  offset: string | null;
  headers: RawHeaders | null;
  value: Buffer | null;
  job: { id: string; payload: unknown } | null;
  errorStack: string | null;
  serviceVersion: string | null;
  queue: string | null;
  workKey: string | null;
  handledAt: Date | null;
  archivedAt: Date | null;
  /** An earlier letter that its key waits for, while this one is back in the queue. */
  waitsFor: string | null;
  /** Another one after whatever is done about the letter; to be compared and nothing else. PostgreSQL's `xmin` of its row. */
  version: string;
}

/** SQL: what `status` is of a letter `d`. It is in the queue exactly as long as its row there stands. */
export const STATUS = `
  CASE WHEN d.archived_at IS NOT NULL THEN 'archived'
       WHEN d.handled_at IS NOT NULL THEN 'handled'
       WHEN d.work_id IS NOT NULL AND EXISTS (SELECT 1 FROM work w WHERE w.id = d.work_id) THEN 'retrying'
       ELSE 'new' END`;

/** SQL: the columns of {@link LetterSummary} of a letter `d`, but its status. */
export const SUMMARY = `
  d.id, d.fingerprint, d.kind, d.type, d.key, d.message_id AS "messageId", d.error_code AS "errorCode",
  d.error_message AS "errorMessage", d.attempts, d.first_failed_at AS "firstFailedAt", d.failed_at AS "failedAt", d.held, d.traceparent`;
