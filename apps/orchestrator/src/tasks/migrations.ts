import type { MigrationInterface, QueryRunner } from '@throughline/postgres';

/** Decisions that people owe, what was done about them for good, and who stands in for whom. */
class CreateTasks1797000000000 implements MigrationInterface {
  readonly name = 'CreateTasks1797000000000';

  async up(runner: QueryRunner): Promise<void> {
    // The state is the task; the columns are what is looked for, and follow from it with every change.
    await runner.query(`
      CREATE TABLE task (
        id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        instance_id   bigint NOT NULL,
        unit          text NOT NULL,
        process       text NOT NULL,
        key           text NOT NULL,
        checkpoint    text NOT NULL,
        status        text NOT NULL,
        version       int NOT NULL,
        roles         text[] NOT NULL,
        assignee      text,
        requested_by  text,
        approved_by   text[] NOT NULL,
        amount        numeric(19, 4),
        currency      text,
        opened_at     timestamptz NOT NULL,
        due_at        timestamptz,
        ended_at      timestamptz,
        next_timer_at timestamptz,
        trace_id      text,
        state         json NOT NULL
      )`);
    // A checkpoint asks once; when its step is done again after an amendment, the earlier task has ended.
    await runner.query(`CREATE UNIQUE INDEX task_of_unit ON task (instance_id, unit) WHERE ended_at IS NULL`);
    await runner.query(`CREATE INDEX task_instance ON task (instance_id)`);
    // What has ended grows for ever; what waits for somebody stays short.
    await runner.query(`CREATE INDEX task_waiting ON task ((coalesce(due_at, 'infinity')), id) WHERE ended_at IS NULL`);
    await runner.query(`CREATE INDEX task_next_timer_at ON task (next_timer_at, id) WHERE next_timer_at IS NOT NULL`);
    await runner.query(`CREATE INDEX task_assignee ON task (assignee) WHERE assignee IS NOT NULL AND ended_at IS NULL`);

    await runner.query(`
      CREATE TABLE task_event (
        id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        task_id      bigint NOT NULL REFERENCES task,
        at           timestamptz NOT NULL,
        kind         text NOT NULL,
        actor        text NOT NULL,
        on_behalf_of text,
        reason       text,
        details      jsonb,
        status       text NOT NULL,
        version      int NOT NULL,
        notified     text[] NOT NULL,
        policy       jsonb,
        facts        jsonb,
        UNIQUE (task_id, version)
      )`);
    await runner.query(`CREATE INDEX task_event_notified ON task_event USING gin (notified)`);
    // Who decided what on which facts is evidence: a slip must not rewrite it. Who owns the table could still drop this, and then
    // that is what is seen.
    await runner.query(`
      CREATE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is kept for good: who decided what, and in whose name, must not change afterwards', TG_TABLE_NAME;
      END $$`);
    await runner.query(`
      CREATE TRIGGER task_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON task_event
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_forget()`);

    // A delegation lets the delegate act in the name of the person; an absence says that the person is away.
    await runner.query(`
      CREATE TABLE task_stand_in (
        id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind      text NOT NULL CHECK (kind IN ('delegation', 'absence')),
        person    text NOT NULL,
        delegate  text,
        starts_at timestamptz NOT NULL,
        ends_at   timestamptz NOT NULL,
        reason    text,
        made_by   text NOT NULL,
        made_at   timestamptz NOT NULL,
        ended_by  text,
        ended_at  timestamptz,
        CHECK (ends_at > starts_at),
        CHECK ((kind = 'delegation') = (delegate IS NOT NULL))
      )`);
    await runner.query(`CREATE INDEX task_stand_in_until ON task_stand_in (ends_at) WHERE ended_at IS NULL`);
    await runner.query(`
      CREATE TRIGGER task_stand_in_kept BEFORE DELETE OR TRUNCATE ON task_stand_in
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_forget()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE task_stand_in, task_event, task');
    await runner.query('DROP FUNCTION refuse_to_forget');
  }
}

/** Everybody who asked is kept from deciding, not only whoever asked last. */
class AddTaskRequesters1797200000000 implements MigrationInterface {
  readonly name = 'AddTaskRequesters1797200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE task ADD COLUMN requesters text[] NOT NULL DEFAULT '{}'`);
    await runner.query(`
      UPDATE task SET requesters = array_remove(ARRAY[requested_by], NULL),
        state = (state::jsonb || jsonb_build_object('requesters', array_remove(ARRAY[requested_by], NULL)))::json`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE task DROP COLUMN requesters');
  }
}

/** What has ended is looked through from its end, without sorting all that ever was. */
class IndexEndedTasks1797300000000 implements MigrationInterface {
  readonly name = 'IndexEndedTasks1797300000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX task_ended ON task (ended_at DESC, id DESC) WHERE ended_at IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX task_ended');
  }
}

export const taskMigrations = [CreateTasks1797000000000, AddTaskRequesters1797200000000, IndexEndedTasks1797300000000];
