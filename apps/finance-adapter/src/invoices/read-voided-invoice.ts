import { toInvoiceVoided, toReference } from '@throughline/connectors/stripe';
import type { EffectResult, Job } from '@throughline/messaging';
import { linkSpan, traceparentOf, withSpan } from '@throughline/telemetry';
import { concludeEvent, type EventOutcome } from '../payments/event-store.js';
import type { ReadPayment } from '../payments/receive-event.js';
import type { InvoiceDependencies } from './issue-invoice.js';
import { refuseAtWork } from './refuse-at-work.js';
import { findInvoice, saveInvoice } from './store.js';

/**
 * Job: an invoice of ours is void, and the event does not say by whom. While a command of ours works on it, that has to answer first; what
 * none of ours has voided, a person did. It has a trace of its own, linked to the one of the deal.
 */
export function readVoidedInvoice({ stripe, database, tenant }: InvoiceDependencies) {
  return ({ payload: { eventId, stripeInvoiceId } }: Job<ReadPayment>): Promise<EffectResult> =>
    withSpan('read voided invoice', { attributes: { 'stripe.invoice.id': stripeInvoiceId } }, async (span) => {
      const invoice = await stripe.retrieveInvoice(stripeInvoiceId);
      const reference = toReference(invoice?.metadata);
      if (!invoice || !reference) return conclusion(eventId, 'invoice-gone');
      const { correlationId, invoiceId } = reference;
      await refuseAtWork(database, invoiceId);
      const known = await findInvoice(database, invoiceId);
      if (known?.status !== 'issued' || invoice.status !== 'void') return conclusion(eventId, 'echo');
      linkSpan(span, [reference.traceparent]);
      const traceparent = traceparentOf(span);
      const voidedAt = invoice.status_transitions.voided_at ?? invoice.created;
      const payload = toInvoiceVoided(reference, { id: stripeInvoiceId, voidedAt }, tenant);
      return {
        apply: async (tx) => {
          await saveInvoice(tx, { ...known, status: 'voided', voidedAt: payload.voidedAt });
          tx.emit([{ type: 'InvoiceVoided', payload, correlationId, traceparent }]);
          await concludeEvent(tx, eventId, 'invoice-voided');
        },
      };
    });
}

function conclusion(eventId: string, outcome: EventOutcome): EffectResult {
  return { apply: (tx) => concludeEvent(tx, eventId, outcome) };
}
