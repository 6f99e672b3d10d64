import { codeOf } from '@throughline/contracts';
import {
  creditableAmount,
  creditsOtherwise,
  ownCreditNote,
  planTakingBack,
  toInvoiceCredited,
  toInvoiceVoided,
  toIssuedCreditNote,
  type IssuedCreditNote,
  type OnceKey,
  type Stripe,
  type StripeClient,
  type StripeTenant,
} from '@throughline/connectors/stripe';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import { answer } from '../answer.js';
import type { InvoiceDependencies } from './issue-invoice.js';
import { findInvoice, saveInvoice, type InvoiceRecord } from './store.js';

type Command = Message<'VoidInvoice'>;

/** How the attempt to void ended; recorded for good. */
type Voiding = { voidedAt: number } | { paid: true } | { refused: string };

/**
 * Effect handler: takes an invoice back in the way its state at Stripe asks for. A draft is deleted, an open invoice voided, a
 * paid one credited with all that credit notes for returns, or of people, have left; a payment that arrives while we void it turns the one
 * into the other.
 */
export function voidInvoice({ stripe, database, tenant, now }: InvoiceDependencies & { now: () => Date }) {
  return async (command: Command, context: EffectContext): Promise<EffectResult> => {
    const known = await findInvoice(database, command.payload.invoiceId);
    if (!known?.stripeInvoiceId || known.status === 'rejected') {
      return rejected(
        command,
        'never-issued',
        'No invoice of this id was ever issued, so there is nothing to take back.',
      );
    }
    const id = known.stripeInvoiceId;
    const nowSeconds = Math.floor(now().getTime() / 1000);
    let invoice = await stripe.retrieveInvoice(id);
    if (!invoice) return voided(command, known, known.voidedAt ? seconds(known.voidedAt) : nowSeconds, tenant);
    if (invoice.status === 'draft') {
      await stripe.deleteDraft(id);
      return voided(command, known, nowSeconds, tenant);
    }
    if (invoice.status === 'void') return voided(command, known, toVoidedAt(invoice), tenant);
    if (invoice.status !== 'paid') {
      const result = await context.once('void', { invoice: id }, (request, idempotencyKey, { mayHaveRun }) =>
        voidOrSeePaid(stripe, request.invoice, { idempotencyKey, mayHaveRun }),
      );
      if ('voidedAt' in result) return voided(command, known, result.voidedAt, tenant);
      if ('refused' in result) return rejected(command, 'refused-by-stripe', result.refused);
      invoice = (await stripe.retrieveInvoice(id)) ?? invoice;
    }
    // A total of zero counts as paid at Stripe, and a credit note over nothing is refused there: nothing is owed either way.
    if (invoice.total === 0) return voided(command, known, nowSeconds, tenant);
    for (;;) {
      context.signal.throwIfAborted();
      if (creditableAmount(invoice) === 0) return credited(command, known, await lastCreditNote(stripe, id), tenant);
      try {
        const creditNote = await context.once(
          'credit',
          planTakingBack(command.payload, command.envelope, invoice),
          (request, idempotencyKey, { mayHaveRun }) => stripe.ensureCreditNote(request, { idempotencyKey, mayHaveRun }),
          // Belongs to the invoice, not to the message: whoever asks again gets the credit note that stands.
          { scope: `invoice:${known.invoiceId}` },
        );
        return credited(command, known, creditNote, tenant);
      } catch (error) {
        if (codeOf(error) !== 'STRIPE_REQUEST_REFUSED') throw error;
        const after = await stripe.retrieveInvoice(id);
        if (!after || !creditsOtherwise(invoice, after)) {
          return rejected(command, 'refused-by-stripe', (error as Error).message);
        }
        // A credit note for a part landed between our reading and our call: less is left to credit.
        invoice = after;
      }
    }
  };
}

/** The one that took the invoice back; where there was nothing left to take back, the last of a part, which credits nothing more. */
async function lastCreditNote(stripe: StripeClient, invoice: string): Promise<IssuedCreditNote> {
  const notes = await stripe.listCreditNotes(invoice);
  const own = notes.find(({ metadata }) => {
    const reason = ownCreditNote(metadata);
    return reason !== undefined && reason.returnId === undefined;
  });
  return own ? toIssuedCreditNote(own) : { ...toIssuedCreditNote(notes[0]!), amount: 0 };
}

async function voidOrSeePaid(stripe: StripeClient, id: string, key: OnceKey): Promise<Voiding> {
  try {
    const invoice = await stripe.voidInvoice(id, key);
    return { voidedAt: toVoidedAt(invoice) };
  } catch (error) {
    if (codeOf(error) !== 'STRIPE_REQUEST_REFUSED') throw error;
    const invoice = await stripe.retrieveInvoice(id);
    if (invoice?.status === 'paid') return { paid: true };
    if (invoice?.status === 'void') return { voidedAt: toVoidedAt(invoice) };
    return { refused: (error as Error).message };
  }
}

function voided(command: Command, known: InvoiceRecord, voidedAt: number, tenant: StripeTenant): EffectResult {
  const payload = toInvoiceVoided(command.payload, { id: known.stripeInvoiceId!, voidedAt }, tenant);
  return {
    emit: [answer(command, 'InvoiceVoided', payload)],
    apply: (tx) => saveInvoice(tx, { ...known, status: 'voided', voidedAt: payload.voidedAt }),
  };
}

function credited(
  command: Command,
  known: InvoiceRecord,
  creditNote: IssuedCreditNote,
  tenant: StripeTenant,
): EffectResult {
  const payload = toInvoiceCredited(command.payload, creditNote, tenant);
  const { creditNoteNumber, amount: creditedAmount, creditedAt } = payload;
  const change = {
    ...known,
    status: 'credited' as const,
    stripeCreditNoteId: creditNote.id,
    creditNoteNumber,
    creditedAmount,
    creditedAt,
  };
  return { emit: [answer(command, 'InvoiceCredited', payload)], apply: (tx) => saveInvoice(tx, change) };
}

function rejected(command: Command, reason: string, message: string): EffectResult {
  const { invoiceId, orderId, opportunityId, occurrence } = command.payload;
  return {
    emit: [
      answer(command, 'InvoiceVoidRejected', {
        invoiceId,
        orderId,
        opportunityId,
        occurrence,
        reason,
        field: 'invoiceId',
        message,
      }),
    ],
  };
}

function toVoidedAt(invoice: Stripe.Invoice): number {
  return invoice.status_transitions.voided_at ?? invoice.created;
}

function seconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
