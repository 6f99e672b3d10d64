import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Orders as Medusa has them, and how far its changes have been read. */
export class Operations1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sales_order (
        order_id uuid PRIMARY KEY,
        opportunity_id uuid NOT NULL,
        occurrence integer NOT NULL,
        correlation_id uuid NOT NULL,
        -- Two of an order's three axes; the third, billing, belongs to finance-adapter.
        life_cycle text NOT NULL CHECK (life_cycle IN ('creating', 'created', 'rejected', 'cancelled')),
        fulfilment text NOT NULL DEFAULT 'open' CHECK (fulfilment IN ('open', 'partial', 'fulfilled')),
        currency text,
        total_amount numeric(19,4),
        order_number text,
        medusa_order_id text UNIQUE,
        medusa_customer_id text,
        medusa_fulfilment_ids text[] NOT NULL DEFAULT '{}',
        source_version text,
        rejection jsonb,
        requested_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz,
        provisioned_at timestamptz,
        released_at timestamptz,
        cancelled_at timestamptz,
        version integer NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX sales_order_opportunity ON sales_order (opportunity_id, occurrence);

      CREATE TABLE poll_cursor (
        name text PRIMARY KEY,
        polled_until timestamptz,
        holder text,
        leased_until timestamptz NOT NULL DEFAULT '-infinity',
        finished_at timestamptz
      );
      INSERT INTO poll_cursor (name) VALUES ('orders'), ('draft-orders');
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE poll_cursor, sales_order`);
  }
}
