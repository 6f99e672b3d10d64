import { toCreditNoteVoided, toReference } from '@throughline/connectors/stripe';
import type { EffectResult, Job } from '@throughline/messaging';
import { linkSpan, traceparentOf, withSpan } from '@throughline/telemetry';
import type { InvoiceDependencies } from '../invoices/issue-invoice.js';
import { refuseAtWork } from '../invoices/refuse-at-work.js';
import { concludeEvent, type EventOutcome } from '../payments/event-store.js';
import type { ReadCreditNote } from './read-credit-note.js';
import { voidCreditNote } from './store.js';

/**
 * Job: a person voided a credit note at Stripe, whoever had made it. The event is a hint, so it is read again. One that was never announced
 * is not announced as voided either; while a command of ours works on its invoice, that may be about to announce it. It has a trace of its own, linked to the one of the deal.
 */
export function readVoidedCreditNote({ stripe, database, tenant }: InvoiceDependencies) {
  return ({ payload: { eventId, stripeCreditNoteId } }: Job<ReadCreditNote>): Promise<EffectResult> =>
    withSpan(
      'read voided credit note',
      { attributes: { 'stripe.credit_note.id': stripeCreditNoteId } },
      async (span) => {
        const found = await stripe.retrieveCreditNote(stripeCreditNoteId);
        if (found?.status !== 'void') return conclusion(eventId, 'credit-note-stands');
        const invoiceId = typeof found.invoice === 'string' ? found.invoice : found.invoice.id;
        const reference = toReference((await stripe.retrieveInvoice(invoiceId))?.metadata);
        if (!reference) return conclusion(eventId, 'not-ours');
        await refuseAtWork(database, reference.invoiceId);
        linkSpan(span, [reference.traceparent]);
        const { correlationId } = reference;
        const traceparent = traceparentOf(span);
        return {
          apply: async (tx) => {
            const payload = toCreditNoteVoided(reference, found, tenant);
            const known = await voidCreditNote(tx, stripeCreditNoteId, payload.voidedAt);
            if (known)
              tx.emit([
                {
                  type: 'CreditNoteVoided',
                  payload: { ...payload, returnId: known.returnId },
                  correlationId,
                  traceparent,
                },
              ]);
            await concludeEvent(tx, eventId, known ? 'credit-note-voided' : 'credit-note-gone');
          },
        };
      },
    );
}

function conclusion(eventId: string, outcome: EventOutcome): EffectResult {
  return { apply: (tx) => concludeEvent(tx, eventId, outcome) };
}
