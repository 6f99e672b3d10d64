import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Invoices and payments as Stripe has them, the events Stripe told us about, and the revenue-recognition subledger. */
export class Finance1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE invoice (
        invoice_id uuid PRIMARY KEY,
        order_id uuid NOT NULL,
        opportunity_id uuid NOT NULL,
        occurrence integer NOT NULL,
        correlation_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('draft', 'issued', 'rejected', 'voided', 'credited')),
        currency text NOT NULL,
        total_amount numeric(19,4) NOT NULL,
        stripe_customer_id text,
        stripe_invoice_id text UNIQUE,
        invoice_number text,
        issued_at timestamptz,
        voided_at timestamptz,
        stripe_credit_note_id text,
        credit_note_number text,
        credited_amount numeric(19,4),
        credited_at timestamptz,
        rejection jsonb,
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX invoice_order ON invoice (order_id);
      CREATE INDEX invoice_opportunity ON invoice (opportunity_id);

      -- No foreign key to invoice: a payment may be known before the invoice is.
      CREATE TABLE payment (
        payment_id uuid PRIMARY KEY,
        invoice_id uuid NOT NULL,
        order_id uuid NOT NULL,
        currency text NOT NULL,
        amount numeric(19,4) NOT NULL CHECK (amount > 0),
        received_at timestamptz NOT NULL,
        stripe_invoice_id text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX payment_invoice ON payment (invoice_id);

      CREATE TABLE stripe_event (
        event_id text PRIMARY KEY,
        type text NOT NULL,
        object_id text NOT NULL,
        created_at timestamptz NOT NULL,
        found_by text NOT NULL CHECK (found_by IN ('webhook', 'sweep')),
        received_at timestamptz NOT NULL DEFAULT now(),
        outcome text NOT NULL
      );

      CREATE TABLE sweep (
        name text PRIMARY KEY,
        swept_until timestamptz,
        holder text,
        leased_until timestamptz NOT NULL DEFAULT '-infinity',
        finished_at timestamptz
      );
      INSERT INTO sweep (name) VALUES ('stripe-events');

      CREATE TABLE revenue_schedule (
        schedule_id uuid PRIMARY KEY,
        order_id uuid NOT NULL UNIQUE,
        invoice_id uuid NOT NULL,
        opportunity_id uuid NOT NULL,
        occurrence integer NOT NULL,
        correlation_id uuid NOT NULL,
        currency text NOT NULL,
        total_amount numeric(19,4) NOT NULL,
        service_start date NOT NULL,
        service_end date NOT NULL,
        entry_count integer NOT NULL,
        recorded_at timestamptz NOT NULL,
        reversed_at timestamptz
      );
      CREATE INDEX revenue_schedule_opportunity ON revenue_schedule (opportunity_id);

      CREATE TABLE revenue_schedule_entry (
        schedule_id uuid NOT NULL REFERENCES revenue_schedule,
        kind text NOT NULL CHECK (kind IN ('recognition', 'reversal')),
        sequence integer NOT NULL,
        period_start date NOT NULL,
        period_end date NOT NULL,
        recognised_on date NOT NULL,
        currency text NOT NULL,
        amount numeric(19,4) NOT NULL CHECK (CASE kind WHEN 'recognition' THEN amount >= 0 ELSE amount <= 0 END),
        PRIMARY KEY (schedule_id, kind, sequence)
      );
      CREATE INDEX revenue_schedule_entry_recognised ON revenue_schedule_entry (recognised_on);

      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is append-only: write an opposite entry instead', TG_TABLE_NAME;
      END $$;
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON revenue_schedule_entry
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE revenue_schedule_entry, revenue_schedule, sweep, stripe_event, payment, invoice;
      DROP FUNCTION refuse_change;
    `);
  }
}
