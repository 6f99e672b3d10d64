import type { CreditNoteIssued } from '@throughline/contracts';
import type { Queryable, Tx } from '@throughline/postgres';

const insert = {
  name: 'credit-note-insert',
  text: `INSERT INTO credit_note (credit_note_id, invoice_id, order_id, return_id, stripe_credit_note_id, number, currency, amount, issued_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING credit_note_id`,
};

/** @returns false where this credit note is known: one that a person made is announced once, whoever finds it first. */
export async function insertCreditNote(tx: Tx, note: CreditNoteIssued, stripeCreditNoteId: string): Promise<boolean> {
  const { creditNoteId, invoiceId, orderId, returnId, creditNoteNumber, currency, amount, issuedAt } = note;
  const rows = await tx.query(insert, [
    creditNoteId,
    invoiceId,
    orderId,
    returnId,
    stripeCreditNoteId,
    creditNoteNumber,
    currency,
    amount,
    issuedAt,
  ]);
  return rows.length === 1;
}

const markVoided = {
  name: 'credit-note-void',
  text: `UPDATE credit_note SET voided_at = $2 WHERE stripe_credit_note_id = $1 AND voided_at IS NULL
    RETURNING return_id AS "returnId"`,
};

/** @returns `undefined` where it is voided already, or was never announced */
export async function voidCreditNote(
  tx: Tx,
  stripeCreditNoteId: string,
  voidedAt: string,
): Promise<{ returnId: string | null } | undefined> {
  return (await tx.query<{ returnId: string | null }>(markVoided, [stripeCreditNoteId, voidedAt]))[0];
}

export interface CreditNoteRecord {
  creditNoteId: string;
  /** The return it credits; null where a person made it at Stripe. */
  returnId: string | null;
  creditNoteNumber: string;
  currency: string;
  amount: string;
  issuedAt: string;
  /** When a person voided it at Stripe. */
  voidedAt: string | null;
}

const find = {
  name: 'credit-note-find',
  text: `SELECT credit_note_id AS "creditNoteId", return_id AS "returnId", number AS "creditNoteNumber", currency, amount,
      to_char(issued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "issuedAt",
      to_char(voided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "voidedAt"
    FROM credit_note WHERE invoice_id = $1 ORDER BY issued_at, number`,
};

export async function findCreditNotes(database: Queryable, invoiceId: string): Promise<CreditNoteRecord[]> {
  return database.query(find, [invoiceId]);
}
