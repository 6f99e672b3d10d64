import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often the numbers of a closing had to be written again. */
export class WriteBackRepairs1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE write_back ADD COLUMN repairs integer NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE write_back DROP COLUMN repairs');
  }
}
