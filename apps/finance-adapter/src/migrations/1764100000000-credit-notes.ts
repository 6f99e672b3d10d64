import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Parts of invoices that were credited, by our commands and by people at Stripe. */
export class CreditNotes1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // No foreign key to invoice: Stripe may tell of a credit note before the invoice's own end is recorded here.
    await runner.query(`
      CREATE TABLE credit_note (
        credit_note_id uuid PRIMARY KEY,
        invoice_id uuid NOT NULL,
        order_id uuid NOT NULL,
        return_id uuid,
        stripe_credit_note_id text NOT NULL UNIQUE,
        number text NOT NULL,
        currency text NOT NULL,
        amount numeric(19,4) NOT NULL CHECK (amount > 0),
        issued_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (invoice_id, return_id)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE credit_note');
  }
}
