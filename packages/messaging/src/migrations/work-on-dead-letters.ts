import type { MigrationInterface, QueryRunner } from '@throughline/postgres';
import { fingerprintOf } from '../dead-letters/fingerprint.js';

/** Dead letters become a queue for people: grouped by defect, edited, released in stages, and every action on record. */
export class WorkOnDeadLetters1790000000003 implements MigrationInterface {
  name = 'WorkOnDeadLetters1790000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE dead_letter ADD COLUMN fingerprint text, ADD COLUMN service_version text, ADD COLUMN archived_at timestamptz`);
    await nameDefects(runner);
    await runner.query(`ALTER TABLE dead_letter ALTER COLUMN fingerprint SET NOT NULL`);
    await runner.query(`CREATE INDEX dead_letter_defect ON dead_letter (fingerprint, id)`);
    await runner.query(`CREATE INDEX dead_letter_origin ON dead_letter (topic, "partition", "offset")`);

    await runner.query(`
      CREATE TABLE dead_letter_group (
        fingerprint text PRIMARY KEY,
        status      text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'investigating', 'fixed', 'archived')),
        owner       text,
        notes       text NOT NULL DEFAULT '',
        created_at  timestamptz NOT NULL DEFAULT now(),
        updated_at  timestamptz NOT NULL DEFAULT now(),
        reopened_at timestamptz
      )`);
    await runner.query(`INSERT INTO dead_letter_group (fingerprint) SELECT DISTINCT fingerprint FROM dead_letter`);

    // What a letter held before each edit: the oldest row is the original.
    await runner.query(`
      CREATE TABLE dead_letter_edit (
        id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        letter_id bigint NOT NULL,
        at        timestamptz NOT NULL DEFAULT now(),
        actor     text NOT NULL,
        reason    text NOT NULL,
        key       bytea,
        headers   jsonb,
        value     bytea,
        job       jsonb
      )`);
    await runner.query(`CREATE INDEX dead_letter_edit_letter ON dead_letter_edit (letter_id, id)`);

    // Staged releases: any instance takes the next step, under the row's lock.
    await runner.query(`
      CREATE TABLE dead_letter_release (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        fingerprint text,
        status      text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'stopped', 'cancelled')),
        actor       text NOT NULL,
        reason      text NOT NULL,
        total       integer NOT NULL,
        why         text,
        created_at  timestamptz NOT NULL DEFAULT now(),
        ended_at    timestamptz
      )`);
    await runner.query(`CREATE INDEX dead_letter_release_running ON dead_letter_release (id) WHERE status = 'running'`);
    await runner.query(`
      CREATE TABLE dead_letter_release_letter (
        release_id  bigint NOT NULL REFERENCES dead_letter_release,
        position    integer NOT NULL,
        letter_id   bigint NOT NULL,
        released_at timestamptz,
        PRIMARY KEY (release_id, position)
      )`);
    await runner.query(`CREATE INDEX dead_letter_release_letter_letter ON dead_letter_release_letter (letter_id)`);

    await runner.query(`
      CREATE TABLE audit_log (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at          timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor       text NOT NULL,
        action      text NOT NULL,
        target_type text NOT NULL,
        target_id   text NOT NULL,
        reason      text,
        before      jsonb,
        after       jsonb
      )`);
    await runner.query(`CREATE INDEX audit_log_target ON audit_log (target_type, target_id, id)`);
    // A slip must not rewrite history; who owns the table could still drop this, and then that is what is seen.
    await runner.query(`
      CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'audit_log is append-only: add an entry that corrects the earlier one';
      END $$`);
    await runner.query(`
      CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE audit_log, dead_letter_release_letter, dead_letter_release, dead_letter_edit, dead_letter_group`);
    await runner.query(`DROP FUNCTION refuse_audit_change`);
    await runner.query(`DROP INDEX dead_letter_origin, dead_letter_defect`);
    await runner.query(`
      ALTER TABLE dead_letter DROP COLUMN archived_at, DROP COLUMN service_version, DROP COLUMN fingerprint`);
  }
}

/** Letters of before, in pages, so that a large table is not read into memory at once. */
async function nameDefects(runner: QueryRunner): Promise<void> {
  type Row = { id: string; code: string; message: string; stack: string | null };
  for (let after = '0'; ;) {
    const rows = (await runner.query(
      `SELECT id, error_code AS code, error_message AS message, error_stack AS stack
         FROM dead_letter WHERE id > $1 ORDER BY id LIMIT 1000`,
      [after],
    )) as Row[];
    if (rows.length === 0) return;
    await runner.query(
      `UPDATE dead_letter d SET fingerprint = t.fingerprint FROM unnest($1::bigint[], $2::text[]) AS t (id, fingerprint) WHERE d.id = t.id`,
      [rows.map(({ id }) => id), rows.map(fingerprintOf)],
    );
    after = rows.at(-1)!.id;
  }
}
