import type { MigrationInterface, QueryRunner } from '@throughline/postgres';

/** Headers and jobs are written once and read whole: text is copied, where jsonb is taken apart and put together again. */
export class WorkAsText1790000000005 implements MigrationInterface {
  name = 'WorkAsText1790000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE work ALTER COLUMN headers TYPE json, ALTER COLUMN job TYPE json`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE work ALTER COLUMN headers TYPE jsonb, ALTER COLUMN job TYPE jsonb`);
  }
}
