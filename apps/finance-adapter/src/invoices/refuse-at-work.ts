import { ThroughlineError } from '@throughline/contracts';
import { keysAtWork } from '@throughline/messaging';
import type { Queryable } from '@throughline/postgres';

/**
 * For what a person did at Stripe to an invoice or a credit note of it: a command of ours that works on the invoice may have made or undone
 * the same there, and recorded nothing of it yet. Rows that are read after this have its result.
 * Throws `FINANCE_INVOICE_AT_WORK`, to be tried later, while there is one.
 */
export async function refuseAtWork(database: Queryable, invoiceId: string): Promise<void> {
  if ((await keysAtWork(database, [invoiceId])).size === 0) return;
  throw new ThroughlineError(
    `A command works on invoice ${invoiceId}: what a person did to it is known when that has ended.`,
    { code: 'FINANCE_INVOICE_AT_WORK', retry: 'later' },
  );
}
