import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The table that stands for a vendor. `calls` above 1 is an effect that was doubled. */
export class CreateVendorEffect1790000000100 implements MigrationInterface {
  name = 'CreateVendorEffect1790000000100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE vendor_effect (
        idempotency_key text PRIMARY KEY,
        correlation_id  uuid NOT NULL,
        kind            text NOT NULL,
        calls           integer NOT NULL DEFAULT 1,
        committed_at    timestamptz NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE vendor_effect');
  }
}
