import type { Statement } from '@throughline/postgres';

/**
 * One array per column, in the order in which they died. A record that is read again does not become a second one. What died before
 * it stood in the work queue gets its place now: whoever holds its key has the key's lock, so that places follow the commits.
 */
export const insertDeadLetters: Statement = {
  name: 'insert-dead-letters',
  text: `
    INSERT INTO dead_letter (consumer, kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
                             error_code, error_message, error_stack, attempts, first_failed_at, queue, work_key, work_id, held)
    SELECT $1, kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
           error_code, error_message, error_stack, attempts, coalesce(first_failed_at, now()), queue, work_key,
           CASE WHEN queue IS NOT NULL THEN coalesce(work_id, nextval(pg_get_serial_sequence('work', 'id'))) END, held
      FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::uuid[], $8::text[], $9::jsonb[], $10::bytea[],
                  $11::jsonb[], $12::text[], $13::text[], $14::text[], $15::text[], $16::int[], $17::timestamptz[],
                  $18::text[], $19::text[], $20::bigint[], $21::boolean[])
        WITH ORDINALITY
        AS t (kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
              error_code, error_message, error_stack, attempts, first_failed_at, queue, work_key, work_id, held, n)
     ORDER BY n
    ON CONFLICT (consumer, topic, "partition", "offset") WHERE kind = 'record' DO NOTHING`,
};

/** $1 ids, $2 codes, $3 messages, $4 stacks, $5 attempts, $6 held: letters that were put back and died again stay what they are. */
export const recordDeathsAgain: Statement = {
  name: 'record-deaths-again',
  text: `
    UPDATE dead_letter d
       SET attempts = d.attempts + t.attempts, failed_at = now(), held = t.held,
           error_code = t.error_code, error_message = t.error_message, error_stack = t.error_stack
      FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::boolean[])
        AS t (id, error_code, error_message, error_stack, attempts, held)
     WHERE d.id = t.id`,
};
