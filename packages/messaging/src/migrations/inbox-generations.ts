import type { MigrationInterface, QueryRunner } from '@throughline/postgres';

/** A rebuild takes history in anew, under the next generation of its consumer's inbox; replays are recorded for good. */
export class InboxGenerations1790000000004 implements MigrationInterface {
  name = 'InboxGenerations1790000000004';

  async up(runner: QueryRunner): Promise<void> {
    // A consumer without a row is in its first generation. While `rebuild` names a replay, the inbox is open to that one alone.
    await runner.query(`
      CREATE TABLE inbox_generation (
        consumer   text PRIMARY KEY,
        generation integer NOT NULL CHECK (generation > 0),
        rebuild    bigint
      )`);

    // The consumer's name in the inbox. It is asked for by the very statement that inserts: whoever opens a generation locks the
    // table against those first, so that no batch is ever taken in under a generation that is over.
    await runner.query(`
      CREATE FUNCTION inbox_of(a_consumer text, a_rebuild bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
      DECLARE
        known inbox_generation;
      BEGIN
        SELECT * INTO known FROM inbox_generation WHERE consumer = a_consumer;
        IF known.rebuild IS DISTINCT FROM a_rebuild THEN
          RAISE EXCEPTION 'the inbox of % is open to rebuild % alone', a_consumer, known.rebuild USING ERRCODE = 'TL001';
        END IF;
        RETURN CASE WHEN coalesce(known.generation, 1) = 1 THEN a_consumer ELSE a_consumer || '#' || known.generation END;
      END $$`);

    await runner.query(`
      CREATE TABLE replay (
        id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer      text NOT NULL,
        mode          text NOT NULL CHECK (mode IN ('missed', 'rebuild')),
        filter        jsonb NOT NULL,
        ranges        jsonb NOT NULL,
        counts        jsonb NOT NULL,
        status        text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'cancelled', 'failed')),
        actor         text NOT NULL,
        reason        text NOT NULL,
        cancelled_by  text,
        cancel_reason text,
        error_code    text,
        error_message text,
        started_at    timestamptz NOT NULL DEFAULT now(),
        ended_at      timestamptz
      )`);
    // What failed and waits is few, and asked for every second.
    await runner.query(
      `CREATE INDEX work_failed ON work (queue, first_failed_at, key) WHERE first_failed_at IS NOT NULL`,
    );
    await runner.query(`CREATE UNIQUE INDEX replay_running ON replay (consumer) WHERE status = 'running'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX work_failed`);
    await runner.query(`DROP TABLE replay`);
    await runner.query(`DROP FUNCTION inbox_of`);
    await runner.query(`DROP TABLE inbox_generation`);
  }
}
