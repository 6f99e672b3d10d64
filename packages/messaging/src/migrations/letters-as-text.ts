import type { MigrationInterface, QueryRunner } from '@throughline/postgres';

/**
 * What died, and what was done about it, is kept as it came. A text in it may hold NUL or half of a surrogate pair, which `jsonb` refuses:
 * such a job could not become a letter, and the edit that takes them out of a message could not be told in the log of actions.
 */
export class LettersAsText1790000000008 implements MigrationInterface {
  name = 'LettersAsText1790000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE dead_letter ALTER COLUMN job TYPE json`);
    await runner.query(`ALTER TABLE dead_letter_edit ALTER COLUMN job TYPE json`);
    await runner.query(`ALTER TABLE audit_log ALTER COLUMN before TYPE json, ALTER COLUMN after TYPE json`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE audit_log ALTER COLUMN before TYPE jsonb, ALTER COLUMN after TYPE jsonb`);
    await runner.query(`ALTER TABLE dead_letter_edit ALTER COLUMN job TYPE jsonb`);
    await runner.query(`ALTER TABLE dead_letter ALTER COLUMN job TYPE jsonb`);
  }
}
