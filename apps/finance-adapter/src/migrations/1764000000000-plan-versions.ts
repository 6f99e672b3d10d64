import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Schedules that are re-planned: entries know the plan version that wrote them, and shipments and credit notes are on record. */
export class PlanVersions1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Every new column has a default, so that instances of the release before can still record and reverse meanwhile.
    await runner.query(`
      ALTER TABLE revenue_schedule
        ADD COLUMN plan_version integer NOT NULL DEFAULT 1,
        ADD COLUMN credited_amount numeric(19,4) NOT NULL DEFAULT 0,
        ADD COLUMN recognised_from date,
        ADD CONSTRAINT revenue_schedule_credited CHECK (credited_amount BETWEEN 0 AND total_amount),
        DROP CONSTRAINT revenue_schedule_order_id_key;
      -- One schedule stands per order and occurrence; a reversed one makes room for the next.
      CREATE UNIQUE INDEX revenue_schedule_standing ON revenue_schedule (order_id, occurrence) WHERE reversed_at IS NULL;
      CREATE INDEX revenue_schedule_order ON revenue_schedule (order_id);

      -- A reversal bears the sequence of the entry it takes back: the primary key lets each be taken back once.
      ALTER TABLE revenue_schedule_entry
        ADD COLUMN plan_version integer NOT NULL DEFAULT 1,
        ADD COLUMN reason text NOT NULL DEFAULT 'recorded' CHECK (reason IN ('recorded', 'shipment', 'credit-note', 'reversed')),
        DROP CONSTRAINT revenue_schedule_entry_kind_check,
        DROP CONSTRAINT revenue_schedule_entry_check,
        ADD CONSTRAINT revenue_schedule_entry_kind CHECK (kind IN ('recognition', 'adjustment', 'reversal')),
        ADD CONSTRAINT revenue_schedule_entry_sign
          CHECK (CASE kind WHEN 'recognition' THEN amount >= 0 WHEN 'adjustment' THEN amount <= 0 ELSE true END);

      -- No amount or day of what was booked is touched: entries that are there already get the version they always had.
      ALTER TABLE revenue_schedule_entry DISABLE TRIGGER append_only;
      UPDATE revenue_schedule_entry SET plan_version = 2, reason = 'reversed' WHERE kind = 'reversal';
      ALTER TABLE revenue_schedule_entry ENABLE TRIGGER append_only;
      UPDATE revenue_schedule SET plan_version = 2 WHERE reversed_at IS NOT NULL;

      CREATE TABLE revenue_schedule_change (
        schedule_id uuid NOT NULL REFERENCES revenue_schedule,
        kind text NOT NULL CHECK (kind IN ('shipment', 'credit-note')),
        change_id uuid NOT NULL,
        effective_on date NOT NULL,
        amount numeric(19,4),
        remaining_amount numeric(19,4) NOT NULL CHECK (remaining_amount >= 0),
        plan_version integer NOT NULL,
        recorded_at timestamptz NOT NULL,
        PRIMARY KEY (schedule_id, kind, change_id),
        CHECK (CASE kind WHEN 'credit-note' THEN amount > 0 ELSE amount IS NULL END)
      );
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON revenue_schedule_change
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE revenue_schedule_change;
      DROP INDEX revenue_schedule_order, revenue_schedule_standing;
      ALTER TABLE revenue_schedule_entry
        DROP COLUMN plan_version,
        DROP COLUMN reason,
        DROP CONSTRAINT revenue_schedule_entry_kind,
        DROP CONSTRAINT revenue_schedule_entry_sign,
        ADD CONSTRAINT revenue_schedule_entry_kind_check CHECK (kind IN ('recognition', 'reversal')),
        ADD CONSTRAINT revenue_schedule_entry_check CHECK (CASE kind WHEN 'recognition' THEN amount >= 0 ELSE amount <= 0 END);
      ALTER TABLE revenue_schedule
        DROP COLUMN plan_version,
        DROP COLUMN credited_amount,
        DROP COLUMN recognised_from,
        ADD CONSTRAINT revenue_schedule_order_id_key UNIQUE (order_id);
    `);
  }
}
