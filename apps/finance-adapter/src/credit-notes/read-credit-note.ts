import {
  ownCreditNote,
  toCreditNoteIssued,
  toIssuedCreditNote,
  toReference,
  type StripeClient,
  type StripeTenant,
} from '@throughline/connectors/stripe';
import type { EffectResult, Job } from '@throughline/messaging';
import { linkSpan, traceparentOf, withSpan } from '@throughline/telemetry';
import { concludeEvent, type EventOutcome } from '../payments/event-store.js';
import { insertCreditNote } from './store.js';

export interface ReadCreditNote {
  eventId: string;
  stripeCreditNoteId: string;
}

/**
 * Job: a person credited an invoice at Stripe. The event is a hint, so credit note and invoice are read again; whose invoice it is stands
 * in the invoice's metadata. What we asked for ourselves is answered by its command and ends here. It has a trace of its own, linked to
 * the one of the deal.
 */
export function readCreditNote({ stripe, tenant }: { stripe: StripeClient; tenant: StripeTenant }) {
  return ({ payload: { eventId, stripeCreditNoteId } }: Job<ReadCreditNote>): Promise<EffectResult> =>
    withSpan('read credit note', { attributes: { 'stripe.credit_note.id': stripeCreditNoteId } }, async (span) => {
      const found = await stripe.retrieveCreditNote(stripeCreditNoteId);
      if (!found || found.status === 'void') return conclusion(eventId, 'credit-note-gone');
      if (ownCreditNote(found.metadata)) return conclusion(eventId, 'echo');
      const note = toIssuedCreditNote(found);
      const reference = toReference((await stripe.retrieveInvoice(note.invoiceId))?.metadata);
      if (!reference) return conclusion(eventId, 'not-ours');
      linkSpan(span, [reference.traceparent]);
      const { correlationId } = reference;
      const traceparent = traceparentOf(span);
      const payload = toCreditNoteIssued(reference, note, null, tenant);
      return {
        apply: async (tx) => {
          const isNew = await insertCreditNote(tx, payload, note.id);
          if (isNew) tx.emit([{ type: 'CreditNoteIssued', payload, correlationId, traceparent }]);
          await concludeEvent(tx, eventId, isNew ? 'credit-note-issued' : 'credit-note-known');
        },
      };
    });
}

function conclusion(eventId: string, outcome: EventOutcome): EffectResult {
  return { apply: (tx) => concludeEvent(tx, eventId, outcome) };
}
