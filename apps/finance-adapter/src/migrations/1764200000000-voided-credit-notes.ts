import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Credit notes that people void at Stripe. */
export class VoidedCreditNotes1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE credit_note ADD COLUMN voided_at timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE credit_note DROP COLUMN voided_at');
  }
}
