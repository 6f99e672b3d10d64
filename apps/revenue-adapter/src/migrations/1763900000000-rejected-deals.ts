import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When a deal whose last closing was rejected was last looked at again, and the way to those that are due. */
export class RejectedDeals1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE deal ADD COLUMN rechecked_at timestamptz;
      CREATE INDEX deal_rejected ON deal (greatest(read_at, rechecked_at))
        WHERE deleted_at IS NULL AND closings -> -1 ->> 'status' = 'rejected' AND closings -> -1 ->> 'reopenedAt' IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX deal_rejected; ALTER TABLE deal DROP COLUMN rechecked_at');
  }
}
