import type { Queryable, Tx } from '@throughline/postgres';

export type InvoiceStatus = 'draft' | 'issued' | 'rejected' | 'voided' | 'credited';

/** What we know of an invoice; Stripe is the master. Amounts as decimals, times as ISO 8601. */
export interface InvoiceRecord {
  invoiceId: string;
  orderId: string;
  opportunityId: string;
  occurrence: number;
  correlationId: string;
  status: InvoiceStatus;
  currency: string;
  totalAmount: string;
  stripeCustomerId: string | null;
  stripeInvoiceId: string | null;
  invoiceNumber: string | null;
  issuedAt: string | null;
  voidedAt: string | null;
  stripeCreditNoteId: string | null;
  creditNoteNumber: string | null;
  creditedAmount: string | null;
  creditedAt: string | null;
  rejection: { reason: string; field: string; message: string } | null;
}

const COLUMNS: Record<keyof InvoiceRecord, string> = {
  invoiceId: 'invoice_id',
  orderId: 'order_id',
  opportunityId: 'opportunity_id',
  occurrence: 'occurrence',
  correlationId: 'correlation_id',
  status: 'status',
  currency: 'currency',
  totalAmount: 'total_amount',
  stripeCustomerId: 'stripe_customer_id',
  stripeInvoiceId: 'stripe_invoice_id',
  invoiceNumber: 'invoice_number',
  issuedAt: 'issued_at',
  voidedAt: 'voided_at',
  stripeCreditNoteId: 'stripe_credit_note_id',
  creditNoteNumber: 'credit_note_number',
  creditedAmount: 'credited_amount',
  creditedAt: 'credited_at',
  rejection: 'rejection',
};
const names = Object.values(COLUMNS);

/**
 * One statement for every state: absent fields keep what they have, and a state never goes back, so that a command that comes
 * twice erases nothing.
 */
const upsert = {
  name: 'invoice-upsert',
  text: `INSERT INTO invoice (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})
    ON CONFLICT (invoice_id) DO UPDATE SET updated_at = now(),
      status = CASE WHEN invoice.status IN ('voided', 'credited') AND excluded.status NOT IN ('voided', 'credited')
        OR excluded.status = 'draft' THEN invoice.status ELSE excluded.status END,
      ${names
        .slice(names.indexOf('stripe_customer_id'))
        .map((name) => `${name} = coalesce(excluded.${name}, invoice.${name})`)
        .join(', ')}`,
};

/** What every writer knows; the rest is what its step has learnt. */
export type InvoiceChange = Pick<
  InvoiceRecord,
  'invoiceId' | 'orderId' | 'opportunityId' | 'occurrence' | 'correlationId' | 'status' | 'currency' | 'totalAmount'
> &
  Partial<InvoiceRecord>;

export async function saveInvoice(tx: Queryable, change: InvoiceChange): Promise<void> {
  const keys = Object.keys(COLUMNS) as (keyof InvoiceRecord)[];
  await tx.query(
    upsert,
    keys.map((key) => change[key] ?? null),
  );
}

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
const find = {
  name: 'invoice-find',
  text: `SELECT ${Object.entries(COLUMNS)
    .map(([key, name]) => `${key.endsWith('At') ? `to_char(${name} AT TIME ZONE 'UTC', ${ISO})` : name} AS "${key}"`)
    .join(', ')} FROM invoice WHERE invoice_id = $1`,
};

export async function findInvoice(database: Queryable, invoiceId: string): Promise<InvoiceRecord | undefined> {
  return (await database.query<InvoiceRecord>(find, [invoiceId]))[0];
}

export interface PaymentRecord {
  paymentId: string;
  currency: string;
  amount: string;
  receivedAt: string;
}

const findPaymentsOf = {
  name: 'payment-find',
  text: `SELECT payment_id AS "paymentId", currency, amount, to_char(received_at AT TIME ZONE 'UTC', ${ISO}) AS "receivedAt"
    FROM payment WHERE invoice_id = $1 ORDER BY received_at`,
};

export async function findPayments(database: Queryable, invoiceId: string): Promise<PaymentRecord[]> {
  return database.query(findPaymentsOf, [invoiceId]);
}

const insertPaymentRow = {
  name: 'payment-insert',
  text: `INSERT INTO payment (payment_id, invoice_id, order_id, currency, amount, received_at, stripe_invoice_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING payment_id`,
};

export interface NewPayment extends PaymentRecord {
  invoiceId: string;
  orderId: string;
  stripeInvoiceId: string;
}

/** @returns false where this payment is known: it is announced once, whoever finds it first. */
export async function insertPayment(tx: Tx, payment: NewPayment): Promise<boolean> {
  const { paymentId, invoiceId, orderId, currency, amount, receivedAt, stripeInvoiceId } = payment;
  const rows = await tx.query(insertPaymentRow, [
    paymentId,
    invoiceId,
    orderId,
    currency,
    amount,
    receivedAt,
    stripeInvoiceId,
  ]);
  return rows.length === 1;
}
