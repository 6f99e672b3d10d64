import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The deals as we know them, the webhooks that told us, what was written back, and how far the sweep has come. */
export class Revenue1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The row a decision locks. Created empty when a deal is first read, and filled in the same transaction.
      CREATE TABLE deal (
        deal_id text PRIMARY KEY,
        opportunity_id uuid NOT NULL UNIQUE,
        name text,
        stage text,
        source_version text,
        modified_at timestamptz,
        stage_history jsonb NOT NULL DEFAULT '[]',
        closings jsonb NOT NULL DEFAULT '[]',
        is_edited_after_close boolean NOT NULL DEFAULT false,
        deleted_at timestamptz,
        read_at timestamptz NOT NULL DEFAULT now()
      );

      -- Not part of deal: a write-back must not wait for, nor deadlock with, a read of the same deal.
      CREATE TABLE write_back (
        opportunity_id uuid NOT NULL,
        occurrence integer NOT NULL,
        order_number text NOT NULL,
        invoice_number text NOT NULL,
        written_at timestamptz NOT NULL,
        PRIMARY KEY (opportunity_id, occurrence)
      );

      CREATE TABLE webhook_event (
        event_id text PRIMARY KEY,
        deal_id text,
        subscription_type text NOT NULL,
        occurred_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX webhook_event_received ON webhook_event (received_at);

      CREATE TABLE sweep (
        name text PRIMARY KEY,
        swept_until timestamptz,
        holder text,
        leased_until timestamptz NOT NULL DEFAULT '-infinity',
        finished_at timestamptz NOT NULL DEFAULT '-infinity'
      );
      INSERT INTO sweep (name) VALUES ('hubspot-deals');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sweep, webhook_event, write_back, deal');
  }
}
