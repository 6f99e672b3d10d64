import type { MigrationInterface, QueryRunner } from '@throughline/postgres';

/** For how long a row has failed: a sum of waits and attempts, because its dates also span outages, which do not count. */
export class CountFailingTime1790000000006 implements MigrationInterface {
  name = 'CountFailingTime1790000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE work ADD COLUMN failing_ms bigint NOT NULL DEFAULT 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE work DROP COLUMN failing_ms`);
  }
}
