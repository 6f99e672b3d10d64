import { toPaymentReceived, type StripeClient, type StripeTenant } from '@throughline/connectors/stripe';
import type { EffectResult, Job } from '@throughline/messaging';
import { linkSpan, traceparentOf, withSpan } from '@throughline/telemetry';
import { insertPayment } from '../invoices/store.js';
import { concludeEvent, type EventOutcome } from './event-store.js';
import type { ReadPayment } from './receive-event.js';

/**
 * Job: an event is a hint, so the invoice is read again. A payment is announced by whoever writes its row first, whether its
 * invoice is known here yet, or was completed long ago: all it needs stands in the invoice's metadata. It has a trace of its own,
 * linked to the one of the deal.
 */
export function readPayment({ stripe, tenant }: { stripe: StripeClient; tenant: StripeTenant }) {
  return ({ payload: { eventId, stripeInvoiceId } }: Job<ReadPayment>): Promise<EffectResult> =>
    withSpan('read payment', { attributes: { 'stripe.invoice.id': stripeInvoiceId } }, async (span) => {
      const invoice = await stripe.retrieveInvoice(stripeInvoiceId);
      if (!invoice) return conclusion(eventId, 'invoice-gone');
      const reading = toPaymentReceived(invoice, tenant);
      if (reading.kind === 'ignored') return conclusion(eventId, reading.reason);
      const { payload, reference } = reading;
      linkSpan(span, [reference.traceparent]);
      const { correlationId } = reference;
      const traceparent = traceparentOf(span);
      return {
        apply: async (tx) => {
          const isNew = await insertPayment(tx, { ...payload, stripeInvoiceId });
          if (isNew) tx.emit([{ type: 'PaymentReceived', payload, correlationId, traceparent }]);
          await concludeEvent(tx, eventId, isNew ? 'payment-received' : 'payment-known');
        },
      };
    });
}

function conclusion(eventId: string, outcome: EventOutcome): EffectResult {
  return { apply: (tx) => concludeEvent(tx, eventId, outcome) };
}
