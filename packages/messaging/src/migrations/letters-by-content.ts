import type { MigrationInterface, QueryRunner } from '@throughline/postgres';
import { digestOfHashes, type HashedContent } from '../dead-letters/content-digest.js';
import { BATCH_UNREADABLE } from '../errors.js';
import { HEAD_BYTES } from '../kafka/record-set.js';

/**
 * What nobody could read was known by its place alone. A topic that is deleted and made again has the same places anew: what could not be
 * read there was taken for the letter of before, and lost. An instance of before this migration names an index that is gone (42P10): it writes
 * no new letter of any kind, and what would become one waits, until it is replaced.
 */
export class LettersByContent1790000000007 implements MigrationInterface {
  name = 'LettersByContent1790000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE dead_letter ADD COLUMN content bytea`);
    await digestRecords(runner);
    await runner.query(`
      ALTER TABLE dead_letter ADD CONSTRAINT dead_letter_content_check CHECK (kind <> 'record' OR content IS NOT NULL)`);
    await runner.query(`DROP INDEX dead_letter_record`);
    await runner.query(`
      CREATE UNIQUE INDEX dead_letter_record ON dead_letter (consumer, topic, "partition", "offset", content) WHERE kind = 'record'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX dead_letter_record`);
    // Of several letters at one place only the newest one's record can still be there.
    await runner.query(`
      UPDATE dead_letter d SET "offset" = NULL
       WHERE kind = 'record' AND EXISTS (
         SELECT 1 FROM dead_letter newer
          WHERE newer.kind = 'record' AND newer.id > d.id AND newer.consumer = d.consumer
            AND newer.topic = d.topic AND newer."partition" = d."partition" AND newer."offset" = d."offset")`);
    await runner.query(`
      CREATE UNIQUE INDEX dead_letter_record ON dead_letter (consumer, topic, "partition", "offset") WHERE kind = 'record'`);
    await runner.query(`ALTER TABLE dead_letter DROP COLUMN content`);
  }
}

/** Of letters of before, as they came: an edit has kept what they held. In pages, and without their bytes, which may be many. */
async function digestRecords(runner: QueryRunner): Promise<void> {
  for (let after = '0'; ;) {
    const rows = (await runner.query(
      `SELECT d.id, encode(sha256(held.key), 'hex') AS key, held.headers,
              encode(sha256(CASE WHEN held.headers ? $2 THEN substring(held.value FOR $3) ELSE held.value END), 'hex') AS value
         FROM dead_letter d CROSS JOIN LATERAL (
                SELECT id, key, headers, value FROM dead_letter_edit WHERE letter_id = d.id
                UNION ALL SELECT NULL, d.key, d.headers, d.value
                ORDER BY id NULLS LAST LIMIT 1) held
        WHERE d.kind = 'record' AND d.id > $1 ORDER BY d.id LIMIT 1000`,
      [after, BATCH_UNREADABLE, HEAD_BYTES],
    )) as (HashedContent & { id: string })[];
    if (rows.length === 0) return;
    await runner.query(
      `UPDATE dead_letter d SET content = t.content FROM unnest($1::bigint[], $2::bytea[]) AS t (id, content) WHERE d.id = t.id`,
      [rows.map(({ id }) => id), rows.map(digestOfHashes)],
    );
    after = rows.at(-1)!.id;
  }
}
