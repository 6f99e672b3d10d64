import type { Statement } from '@throughline/postgres';

/** One array per column. A record that is read again, or was a dead letter before, does not become a second one. */
export const insertDeadLetters: Statement = {
  name: 'insert-dead-letters',
  text: `
    INSERT INTO dead_letter (consumer, kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
                             error_code, error_message, error_stack, attempts, first_failed_at)
    SELECT $1, kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
           error_code, error_message, error_stack, attempts, coalesce(first_failed_at, now())
      FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::uuid[], $8::text[], $9::jsonb[], $10::bytea[],
                  $11::jsonb[], $12::text[], $13::text[], $14::text[], $15::text[], $16::int[], $17::timestamptz[])
        AS t (kind, topic, "partition", "offset", key, message_id, type, headers, value, job, traceparent,
              error_code, error_message, error_stack, attempts, first_failed_at)
    ON CONFLICT (consumer, topic, "partition", "offset") DO NOTHING`,
};
