import { ControlInstances1795613000000 } from './control/migration.js';
import { LinkInstances1795710000000, SearchInstances1795612000000 } from './search/migration.js';

/** The part of TypeORM's query runner that a migration needs. */
interface Runner {
  query(text: string): Promise<unknown>;
}

/** The tables of the process store; a service adds them to its own migrations. */
class CreateProcessStore1763800000000 {
  readonly name = 'CreateProcessStore1763800000000';

  async up(runner: Runner): Promise<void> {
    // Every version that ever started an instance, as it was written: an instance is pinned to its version for life.
    await runner.query(`
      CREATE TABLE process_definition (
        process text NOT NULL,
        version int NOT NULL,
        definition jsonb NOT NULL,
        stored_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (process, version)
      )`);
    // Columns that change with every input stay out of the indexes wherever that is possible, because each index entry of a
    // changed row is written again. The status is indexed for the few instances that need a look, not for the many that do not.
    await runner.query(`
      CREATE TABLE process_instance (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        process text NOT NULL,
        version int NOT NULL,
        key text NOT NULL,
        occurrence int NOT NULL,
        correlation_id text NOT NULL,
        status text NOT NULL,
        state jsonb NOT NULL,
        next_timer_at timestamptz,
        trace_id text,
        started_at timestamptz,
        ended_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        UNIQUE (key, occurrence, process)
      ) WITH (fillfactor = 80)`);
    await runner.query(
      `CREATE INDEX process_instance_next_timer_at ON process_instance (next_timer_at) WHERE next_timer_at IS NOT NULL`,
    );
    await runner.query(`
      CREATE INDEX process_instance_status ON process_instance (status, id) WHERE status NOT IN ('running', 'completed')`);
    // Baseline per stage: one row per command that was answered, written with its answer.
    await runner.query(`
      CREATE TABLE process_step (
        instance_id bigint NOT NULL,
        step text NOT NULL,
        direction text NOT NULL,
        owner text NOT NULL,
        service text NOT NULL,
        command text NOT NULL,
        commanded_at timestamptz NOT NULL,
        outcome text NOT NULL,
        outcome_at timestamptz NOT NULL,
        PRIMARY KEY (instance_id, step, direction)
      )`);
    // Every input and what it did, for good: append-only. An input is taken once per instance.
    await runner.query(`
      CREATE TABLE process_event (
        instance_id bigint NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY,
        message_id text NOT NULL,
        type text NOT NULL,
        effect text NOT NULL,
        step text,
        source text,
        commands text[] NOT NULL,
        payload jsonb,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        trace_id text,
        PRIMARY KEY (instance_id, message_id)
      )`);
    // How other systems name what an instance is about, so that a person can come with an invoice number.
    await runner.query(`
      CREATE TABLE process_external_id (
        id text NOT NULL,
        instance_id bigint NOT NULL,
        system text NOT NULL,
        tenant text NOT NULL,
        type text NOT NULL,
        PRIMARY KEY (id, instance_id, system, type)
      )`);
  }

  async down(runner: Runner): Promise<void> {
    await runner.query(
      'DROP TABLE process_external_id, process_event, process_step, process_instance, process_definition',
    );
  }
}

/**
 * State and payloads are written and read whole, several times per instance: as text of the row itself they are copied, where jsonb
 * out of line is parsed, compressed and written elsewhere each time.
 */
class KeepStateInline1795600000000 {
  readonly name = 'KeepStateInline1795600000000';

  async up(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_instance ALTER COLUMN state TYPE json USING state::json');
    await runner.query('ALTER TABLE process_instance SET (toast_tuple_target = 8160)');
    await runner.query('ALTER TABLE process_event ALTER COLUMN payload TYPE json USING payload::json');
    await runner.query('ALTER TABLE process_event SET (toast_tuple_target = 8160)');
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_event RESET (toast_tuple_target)');
    await runner.query('ALTER TABLE process_event ALTER COLUMN payload TYPE jsonb USING payload::jsonb');
    await runner.query('ALTER TABLE process_instance RESET (toast_tuple_target)');
    await runner.query('ALTER TABLE process_instance ALTER COLUMN state TYPE jsonb USING state::jsonb');
  }
}

/** What people do and decide is history, too; and a step may be awaited or decided without a command or a service that answers. */
class KeepDecisions1795700000000 {
  readonly name = 'KeepDecisions1795700000000';

  async up(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_event ADD COLUMN detail json');
    await runner.query(
      'ALTER TABLE process_step ALTER COLUMN service DROP NOT NULL, ALTER COLUMN command DROP NOT NULL',
    );
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('DELETE FROM process_step WHERE service IS NULL OR command IS NULL');
    await runner.query('ALTER TABLE process_step ALTER COLUMN service SET NOT NULL, ALTER COLUMN command SET NOT NULL');
    await runner.query('ALTER TABLE process_event DROP COLUMN detail');
  }
}

/**
 * When to look at an instance lies in a row of its own, which most of what happens to the instance leaves alone; and whatever changes
 * within an instance is in no index, so that its row is updated in place. Its timer is in its state.
 */
class KeepTimersApart1795800000000 {
  readonly name = 'KeepTimersApart1795800000000';

  async up(runner: Runner): Promise<void> {
    await runner.query('CREATE TABLE process_timer (due_at timestamptz NOT NULL, instance_id bigint NOT NULL)');
    await runner.query(`
      INSERT INTO process_timer (due_at, instance_id)
      SELECT next_timer_at, id FROM process_instance WHERE next_timer_at IS NOT NULL`);
    await runner.query('CREATE INDEX process_timer_due ON process_timer (due_at, instance_id)');
    await runner.query('ALTER TABLE process_instance DROP COLUMN next_timer_at');
    await runner.query('DROP INDEX process_instance_status');
    await runner.query('CREATE INDEX process_instance_correlation ON process_instance (correlation_id)');
    await runner.query('ALTER TABLE process_search DROP COLUMN correlation_id');
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_instance ADD COLUMN next_timer_at timestamptz');
    await runner.query(`
      UPDATE process_instance AS instance SET next_timer_at = timer.due_at
      FROM (SELECT instance_id, min(due_at) AS due_at FROM process_timer GROUP BY instance_id) AS timer
      WHERE timer.instance_id = instance.id`);
    await runner.query(
      `CREATE INDEX process_instance_next_timer_at ON process_instance (next_timer_at) WHERE next_timer_at IS NOT NULL`,
    );
    await runner.query(`
      CREATE INDEX process_instance_status ON process_instance (status, id) WHERE status NOT IN ('running', 'completed')`);
    await runner.query('ALTER TABLE process_search ADD COLUMN correlation_id text');
    await runner.query(`
      UPDATE process_search AS search SET correlation_id = instance.correlation_id
      FROM process_instance AS instance WHERE instance.id = search.instance_id`);
    await runner.query('ALTER TABLE process_search ALTER COLUMN correlation_id SET NOT NULL');
    await runner.query('CREATE INDEX process_search_correlation ON process_search (correlation_id, instance_id)');
    await runner.query('DROP INDEX process_instance_correlation');
    await runner.query('DROP TABLE process_timer');
  }
}

/**
 * The state of an instance doubles while it lives. A row that finds room for its next version on its own page is updated there, and none
 * of the three indexes hears of it; otherwise each gets an entry, on a page of its own that has to be read, changed and logged.
 */
class LeaveRoomToGrow1795900000000 {
  readonly name = 'LeaveRoomToGrow1795900000000';

  async up(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_instance SET (fillfactor = 50)');
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_instance SET (fillfactor = 80)');
  }
}

/** Correlation ids are looked up one by one and lie in no order: half the pages hold their hashes, and as few are changed by new instances. */
class HashCorrelations1795910000000 {
  readonly name = 'HashCorrelations1795910000000';

  async up(runner: Runner): Promise<void> {
    // The lock that excludes everybody comes first: one that has to grow meets in a deadlock whoever reads and then writes meanwhile.
    await runner.query('DROP INDEX process_instance_correlation');
    await runner.query('CREATE INDEX process_instance_correlation ON process_instance USING hash (correlation_id)');
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('DROP INDEX process_instance_correlation');
    await runner.query('CREATE INDEX process_instance_correlation ON process_instance (correlation_id)');
  }
}

export const processMigrations = [
  CreateProcessStore1763800000000,
  KeepStateInline1795600000000,
  SearchInstances1795612000000,
  ControlInstances1795613000000,
  KeepDecisions1795700000000,
  LinkInstances1795710000000,
  KeepTimersApart1795800000000,
  LeaveRoomToGrow1795900000000,
  HashCorrelations1795910000000,
];
