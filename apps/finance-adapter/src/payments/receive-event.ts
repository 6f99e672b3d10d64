import { ownCreditNote, toReference, type Stripe } from '@throughline/connectors/stripe';
import type { Job, MessagingTx } from '@throughline/messaging';
import { counter } from '@throughline/telemetry';
import type { ReadCreditNote } from '../credit-notes/read-credit-note.js';
import { insertEvents, type EventOutcome, type FoundBy } from './event-store.js';

/** The events we ask Stripe for; the others of an invoice's life are our own doing. */
export const SWEPT_EVENT_TYPES = ['invoice.paid', 'invoice.voided', 'credit_note.created', 'credit_note.voided'];

/** An invoice to be read again. */
export interface ReadPayment {
  eventId: string;
  stripeInvoiceId: string;
}

const events = counter('throughline.finance.stripe.events', {
  description: 'Events of Stripe that were stored, by how they were found and what they mean.',
  unit: '{event}',
});

/** What a transaction of ours is opened by; `Messaging` is one. */
export interface Transactions {
  transaction<T>(fn: (tx: MessagingTx) => Promise<T>): Promise<T>;
}

/** Stores each event once, whether Stripe pushed it or the sweep found it, with the work it asks for. @returns how many were new. */
export async function receiveEvents(
  messaging: Transactions,
  received: Stripe.Event[],
  foundBy: FoundBy,
): Promise<number> {
  const read = received.map((event) => ({
    eventId: event.id,
    type: event.type,
    created: event.created,
    ...classifyEvent(event),
  }));
  if (read.length === 0) return 0;
  const fresh = await messaging.transaction(async (tx) => {
    const inserted = await insertEvents(tx, read, foundBy);
    const isNew = read.filter(({ eventId }) => inserted.has(eventId));
    tx.enqueue(isNew.flatMap(({ job }) => job ?? []));
    return isNew;
  });
  for (const { outcome } of fresh) events.add(1, { 'throughline.found_by': foundBy, 'throughline.outcome': outcome });
  return fresh.length;
}

/**
 * A paid or voided invoice of ours is worth a look, and so is a credit note that we did not ask for: its invoice may be ours. Nobody but people
 * void one. Everything else of
 * ours is an echo of what we did. Pure.
 */
function classifyEvent({ id: eventId, type, data }: Stripe.Event): Classified {
  const object = data.object as {
    id?: string;
    object?: string;
    metadata?: Stripe.Metadata | null;
    invoice?: string | Stripe.Invoice | null;
  };
  const objectId = object.id ?? '';
  const isVoided = type === 'credit_note.voided';
  if ((isVoided || type === 'credit_note.created') && object.object === 'credit_note') {
    if (!isVoided && ownCreditNote(object.metadata)) return { objectId, outcome: 'echo' };
    const job = isVoided ? 'ReadVoidedCreditNote' : 'ReadCreditNote';
    const invoice = typeof object.invoice === 'string' ? object.invoice : object.invoice?.id;
    return {
      objectId,
      outcome: 'queued',
      job: toJob<ReadCreditNote>(job, invoice ?? objectId, { eventId, stripeCreditNoteId: objectId }),
    };
  }
  if (!toReference(object.metadata)) return { objectId, outcome: 'not-ours' };
  const read = object.object === 'invoice' ? INVOICE_JOBS[type] : undefined;
  if (!read) return { objectId, outcome: 'echo' };
  const job = toJob<ReadPayment>(read, objectId, { eventId, stripeInvoiceId: objectId });
  return { objectId, outcome: 'queued', job };
}

const INVOICE_JOBS: Readonly<Record<string, string>> = {
  'invoice.paid': 'ReadPayment',
  'invoice.voided': 'ReadVoidedInvoice',
};

interface Classified {
  objectId: string;
  outcome: Extract<EventOutcome, 'queued' | 'echo' | 'not-ours'>;
  /** What is to be read again, exactly where the outcome is `queued`. */
  job?: Job;
}

/** Keyed by Stripe's invoice, so that a payment never waits behind a command of ours that is stuck. */
function toJob<P extends { eventId: string }>(type: string, stripeInvoiceId: string, payload: P): Job<P> {
  return { type, key: stripeInvoiceId, id: payload.eventId, payload };
}
