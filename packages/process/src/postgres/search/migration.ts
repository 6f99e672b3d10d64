/** The part of TypeORM's query runner that a migration needs. */
interface Runner {
  query(text: string): Promise<unknown>;
}

/**
 * What instances are searched by lies beside them, in narrow rows of its own: an input changes the wide row of its instance each
 * time, and every index there would be written each time. These rows are written only when what they say has changed.
 */
export class SearchInstances1795612000000 {
  readonly name = 'SearchInstances1795612000000';

  async up(runner: Runner): Promise<void> {
    // Changes with the status of its instance: two or three times in its life.
    await runner.query(`
      CREATE TABLE process_search (
        instance_id bigint PRIMARY KEY,
        process text NOT NULL,
        version int NOT NULL,
        status text NOT NULL,
        status_since timestamptz NOT NULL,
        started_at timestamptz,
        amount numeric,
        currency text,
        paused boolean NOT NULL,
        attention boolean NOT NULL
      )`);
    await runner.query(`CREATE INDEX process_search_status ON process_search (status, instance_id)`);
    await runner.query(`CREATE INDEX process_search_age ON process_search (status, status_since, instance_id)`);
    await runner.query(`
      CREATE INDEX process_search_amount ON process_search (currency, amount, instance_id) WHERE amount IS NOT NULL`);
    await runner.query(`CREATE INDEX process_search_paused ON process_search (instance_id) WHERE paused`);
    await runner.query(`CREATE INDEX process_search_attention ON process_search (instance_id) WHERE attention`);
    // Written once, with the start, and again when the thing itself is amended.
    await runner.query(`
      CREATE TABLE process_attribute (
        instance_id bigint NOT NULL,
        field text NOT NULL,
        value text NOT NULL,
        number numeric,
        PRIMARY KEY (instance_id, field)
      )`);
    await runner.query(`CREATE INDEX process_attribute_value ON process_attribute (field, value, instance_id)`);
    // Comes and goes with each step, so it has the one index that finds it.
    await runner.query(`
      CREATE TABLE process_wait (
        step text NOT NULL,
        instance_id bigint NOT NULL,
        owner text NOT NULL,
        PRIMARY KEY (step, instance_id)
      )`);
    await runner.query(`
      INSERT INTO process_search (instance_id, process, version, status, status_since, started_at, paused, attention)
      SELECT id, process, version, status, updated_at, started_at, false, json_array_length(state -> 'attention') > 0
      FROM process_instance`);
    await runner.query(`
      INSERT INTO process_attribute (instance_id, field, value, number)
      SELECT id, field, left(value, 200), CASE WHEN value ~ '^-?\\d{1,30}(\\.\\d{1,20})?$' THEN value::numeric END
      FROM process_instance, json_each_text(state -> 'attributes') AS attribute(field, value)
      WHERE json_typeof(state -> 'attributes' -> field) IN ('string', 'number', 'boolean')`);
    await runner.query(`
      INSERT INTO process_wait (step, instance_id, owner)
      SELECT step.key, id, coalesce(definition -> 'steps' -> step.key ->> 'owner', '')
      FROM process_instance JOIN process_definition USING (process, version), json_each(state -> 'steps') AS step
      WHERE step.value ->> 'status' IN ('commanded', 'compensating', 'compensation-refused')
         OR (step.value ->> 'status' = 'refused' AND state ->> 'phase' = 'forward')
      UNION ALL
      SELECT 'start', id, definition ->> 'owner'
      FROM process_instance JOIN process_definition USING (process, version) WHERE status = 'expected'`);
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('DROP TABLE process_wait, process_attribute, process_search');
  }
}

/** All that follows from one thing, in whichever process, is found by what its messages share. */
export class LinkInstances1795710000000 {
  readonly name = 'LinkInstances1795710000000';

  async up(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_search ADD COLUMN correlation_id text');
    await runner.query(`
      UPDATE process_search AS search SET correlation_id = instance.correlation_id
      FROM process_instance AS instance WHERE instance.id = search.instance_id`);
    await runner.query('ALTER TABLE process_search ALTER COLUMN correlation_id SET NOT NULL');
    await runner.query('CREATE INDEX process_search_correlation ON process_search (correlation_id, instance_id)');
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('ALTER TABLE process_search DROP COLUMN correlation_id');
  }
}
