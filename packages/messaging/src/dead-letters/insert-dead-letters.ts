import type { Statement } from '@throughline/postgres';

/**
 * The groups of `letters`: a new one for a defect nobody has met, and one that was settled is open again and says so, because then it
 * was not settled. In the order of fingerprints, so that two transactions wait for each other instead of deadlocking.
 */
const OPEN_GROUPS = `
  met AS (
    INSERT INTO dead_letter_group (fingerprint) SELECT DISTINCT fingerprint FROM letters ORDER BY fingerprint ON CONFLICT DO NOTHING
  ), settled AS (
    SELECT g.fingerprint, g.status FROM dead_letter_group g
     WHERE g.fingerprint IN (SELECT fingerprint FROM letters) AND g.status IN ('fixed', 'archived') ORDER BY g.fingerprint FOR UPDATE
  ), reopened AS (
    UPDATE dead_letter_group g SET status = 'new', reopened_at = now(), updated_at = now()
      FROM settled WHERE g.fingerprint = settled.fingerprint
    RETURNING g.fingerprint, settled.status AS before
  )
  INSERT INTO audit_log (actor, action, target_type, target_id, reason, before, after)
  SELECT 'system', 'group-reopened', 'group', fingerprint, 'a letter of this defect came in', jsonb_build_object('status', before),
         jsonb_build_object('status', 'new')
    FROM reopened`;

/**
 * One array per column, in the order in which they died. A record that is read again does not become a second one. What died before
 * it stood in the work queue gets its place now: whoever holds its key has the key's lock, so that places follow the commits.
 */
export const insertDeadLetters: Statement = {
  name: 'insert-dead-letters',
  text: `
    WITH letters AS (
      INSERT INTO dead_letter (consumer, kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
                               error_code, error_message, error_stack, attempts, first_failed_at, queue, work_key, work_id, held,
                               fingerprint, service_version, content)
      SELECT $1, kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
             error_code, error_message, error_stack, attempts, coalesce(first_failed_at, now()), queue, work_key,
             CASE WHEN queue IS NOT NULL THEN coalesce(work_id, nextval(pg_get_serial_sequence('work', 'id'))) END, held,
             fingerprint, $24::text, content
        FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::uuid[], $8::text[], $9::jsonb[], $10::bytea[],
                    $11::json[], $12::text[], $13::text[], $14::text[], $15::text[], $16::int[], $17::timestamptz[],
                    $18::text[], $19::text[], $20::bigint[], $21::boolean[], $22::text[], $23::bytea[])
          WITH ORDINALITY
          AS t (kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
                error_code, error_message, error_stack, attempts, first_failed_at, queue, work_key, work_id, held, fingerprint, content, n)
       ORDER BY n
      ON CONFLICT (consumer, topic, "partition", "offset", content) WHERE kind = 'record' DO NOTHING
      RETURNING fingerprint
    ), ${OPEN_GROUPS}`,
};

/**
 * $1 ids, $2 codes, $3 messages, $4 stacks, $5 attempts, $6 held, $7 fingerprints, $8 version of the service: letters that were put
 * back and died again stay what they are, though it may be of another defect.
 */
export const recordDeathsAgain: Statement = {
  name: 'record-deaths-again',
  text: `
    WITH letters AS (
      UPDATE dead_letter d
         SET attempts = d.attempts + t.attempts, failed_at = now(), held = t.held,
             error_code = t.error_code, error_message = t.error_message, error_stack = t.error_stack,
             fingerprint = t.fingerprint, service_version = $8::text
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::boolean[], $7::text[])
          AS t (id, error_code, error_message, error_stack, attempts, held, fingerprint)
       WHERE d.id = t.id
      RETURNING t.fingerprint
    ), ${OPEN_GROUPS}`,
};
