/** The part of TypeORM's query runner that a migration needs. */
interface Runner {
  query(text: string): Promise<unknown>;
}

/** What people do to instances: asked for once, carried out in bounded transactions, and recorded for good. */
export class ControlInstances1795613000000 {
  readonly name = 'ControlInstances1795613000000';

  async up(runner: Runner): Promise<void> {
    // The id comes from whoever asks, so that a repeated request is the same action.
    await runner.query(`
      CREATE TABLE process_action (
        id text PRIMARY KEY,
        action text NOT NULL,
        parameters json NOT NULL,
        actor text NOT NULL,
        reason text NOT NULL,
        total int NOT NULL,
        requested_at timestamptz NOT NULL,
        ended_at timestamptz,
        stopped_by text,
        stopped_because text
      )`);
    await runner.query(`CREATE INDEX process_action_running ON process_action (requested_at) WHERE ended_at IS NULL`);
    await runner.query(`CREATE INDEX process_action_requested_at ON process_action (requested_at DESC, id)`);
    // Settled when it is asked for: what a search finds later is not part of it.
    await runner.query(`
      CREATE TABLE process_action_target (
        action_id text NOT NULL,
        instance_id bigint NOT NULL,
        PRIMARY KEY (action_id, instance_id)
      )`);
    await runner.query(`
      CREATE TABLE process_audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        action_id text NOT NULL,
        instance_id bigint NOT NULL,
        reason text NOT NULL,
        outcome text NOT NULL,
        why text,
        commands text[] NOT NULL,
        before json,
        after json
      )`);
    await runner.query(`CREATE UNIQUE INDEX process_audit_action ON process_audit (action_id, instance_id)`);
    await runner.query(`CREATE INDEX process_audit_instance ON process_audit (instance_id, id)`);
    await runner.query(`CREATE INDEX process_audit_actor ON process_audit (actor, id)`);
    // A slip must not rewrite history; who owns the table could still drop this, and then that is what is seen.
    await runner.query(`
      CREATE FUNCTION refuse_process_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'process_audit is append-only: add an entry that corrects the earlier one';
      END $$`);
    await runner.query(`
      CREATE TRIGGER process_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON process_audit
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_process_audit_change()`);
  }

  async down(runner: Runner): Promise<void> {
    await runner.query('DROP TABLE process_audit, process_action_target, process_action');
    await runner.query('DROP FUNCTION refuse_process_audit_change');
  }
}
