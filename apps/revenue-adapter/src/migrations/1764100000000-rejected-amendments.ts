import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The way to deals that are due for another look, those whose amendment was rejected included. */
export class RejectedAmendments1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX deal_rejected;
      CREATE INDEX deal_rejected ON deal (greatest(read_at, rechecked_at))
        WHERE deleted_at IS NULL AND closings -> -1 ->> 'reopenedAt' IS NULL
          AND (closings -> -1 ->> 'status' = 'rejected' OR closings -> -1 -> 'amendmentRejection' IS NOT NULL);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX deal_rejected;
      CREATE INDEX deal_rejected ON deal (greatest(read_at, rechecked_at))
        WHERE deleted_at IS NULL AND closings -> -1 ->> 'status' = 'rejected' AND closings -> -1 ->> 'reopenedAt' IS NULL;
    `);
  }
}
