import type { MigrationInterface, QueryRunner } from '@throughline/postgres';

/** A key waits for its dead letter: nobody claims it, and what comes later lines up behind it. */
export class HoldKeys1790000000002 implements MigrationInterface {
  name = 'HoldKeys1790000000002';

  async up(runner: QueryRunner): Promise<void> {
    // A held key may be empty: it stays, so that whoever comes next finds it.
    await runner.query(`
      ALTER TABLE work_key
        ADD COLUMN held boolean NOT NULL DEFAULT false,
        DROP CONSTRAINT work_key_pending_check,
        ADD CONSTRAINT work_key_pending_check CHECK (pending > 0 OR (pending = 0 AND held))`);
    await runner.query(`DROP INDEX work_key_available`);
    await runner.query(`CREATE INDEX work_key_available ON work_key (queue, available_at) WHERE NOT held`);

    // record_key: the key of the Kafka record, where the work is ordered by another one.
    await runner.query(`ALTER TABLE work ADD COLUMN record_key bytea, ADD COLUMN dead_letter_id bigint`);

    // Where a letter stood in the work queue, so that it can go back to its very place. Letters of before have none.
    await runner.query(`
      ALTER TABLE dead_letter
        ADD COLUMN queue text,
        ADD COLUMN work_key text,
        ADD COLUMN work_id bigint,
        ADD COLUMN held boolean NOT NULL DEFAULT false,
        ADD COLUMN handled_at timestamptz,
        DROP CONSTRAINT dead_letter_consumer_topic_partition_offset_key`);
    // What nobody could read is known by its place in the topic alone; everything else went through the inbox.
    await runner.query(`
      CREATE UNIQUE INDEX dead_letter_record ON dead_letter (consumer, topic, "partition", "offset") WHERE kind = 'record'`);
    await runner.query(`CREATE UNIQUE INDEX dead_letter_work ON dead_letter (work_id) WHERE work_id IS NOT NULL`);
    await runner.query(`CREATE INDEX dead_letter_held ON dead_letter (queue, work_key) WHERE held`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX dead_letter_held, dead_letter_work, dead_letter_record`);
    await runner.query(`
      ALTER TABLE dead_letter
        DROP COLUMN handled_at, DROP COLUMN held, DROP COLUMN work_id, DROP COLUMN work_key, DROP COLUMN queue,
        ADD UNIQUE (consumer, topic, "partition", "offset")`);
    await runner.query(`ALTER TABLE work DROP COLUMN dead_letter_id, DROP COLUMN record_key`);
    await runner.query(`DROP INDEX work_key_available`);
    await runner.query(`DELETE FROM work_key WHERE pending = 0`);
    await runner.query(`
      ALTER TABLE work_key
        DROP COLUMN held, ADD CONSTRAINT work_key_pending_check CHECK (pending > 0)`);
    await runner.query(`CREATE INDEX work_key_available ON work_key (queue, available_at)`);
  }
}
