import { codeOf } from '@throughline/contracts';
import {
  creditsOtherwise,
  ownCreditNote,
  planCreditNote,
  toCreditNoteIssued,
  toIssuedCreditNote,
  type IssuedCreditNote,
  type Refusal,
  type StripeTenant,
} from '@throughline/connectors/stripe';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import { answer } from '../answer.js';
import type { InvoiceDependencies } from '../invoices/issue-invoice.js';
import { findInvoice } from '../invoices/store.js';
import { insertCreditNote } from './store.js';

type Command = Message<'IssueCreditNote'>;

/**
 * Effect handler: credits a part of an invoice for a return, once per return however often it is asked for. How Stripe wants it depends
 * on whether the invoice is paid by then; a payment, or a person's credit note, that lands in between is seen and planned for anew.
 */
export function issueCreditNote({ stripe, database, tenant }: InvoiceDependencies) {
  return async (command: Command, context: EffectContext): Promise<EffectResult> => {
    const { invoiceId, returnId } = command.payload;
    const known = await findInvoice(database, invoiceId);
    if (!known?.stripeInvoiceId || known.status === 'rejected') {
      const message = 'No invoice of this id was ever issued, so there is nothing to credit.';
      return rejected(command, { reason: 'never-issued', field: 'invoiceId', message });
    }
    for (;;) {
      context.signal.throwIfAborted();
      // The invoice first: a credit note of ours that Stripe applies late is then either on the list, or not yet in its amounts.
      const invoice = await stripe.retrieveInvoice(known.stripeInvoiceId);
      const notes = invoice ? await stripe.listCreditNotes(invoice.id) : [];
      const standing = notes.find(({ metadata }) => ownCreditNote(metadata)?.returnId === returnId);
      if (standing) return issued(command, toIssuedCreditNote(standing), tenant);
      if (!invoice) {
        const message = `The draft ${known.stripeInvoiceId} was deleted at Stripe, so there is nothing to credit.`;
        return rejected(command, { reason: 'draft-deleted', field: 'invoiceId', message });
      }
      const plan = planCreditNote(command.payload, command.envelope, invoice);
      if (!('request' in plan)) return rejected(command, plan);
      try {
        const note = await context.once(
          `credit-note-${returnId}`,
          plan.request,
          (request, idempotencyKey, { mayHaveRun }) => stripe.ensureCreditNote(request, { idempotencyKey, mayHaveRun }),
          // Belongs to the invoice, not to the message: whoever asks again gets the credit note that stands.
          { scope: `invoice:${invoiceId}` },
        );
        return issued(command, note, tenant);
      } catch (error) {
        if (codeOf(error) !== 'STRIPE_REQUEST_REFUSED') throw error;
        const after = await stripe.retrieveInvoice(invoice.id);
        if (after && creditsOtherwise(invoice, after)) continue;
        const { message, field } = error as Error & { field?: string };
        return rejected(command, { reason: 'refused-by-stripe', field: field ?? 'invoiceId', message });
      }
    }
  };
}

function issued(command: Command, note: IssuedCreditNote, tenant: StripeTenant): EffectResult {
  const payload = toCreditNoteIssued(command.payload, note, command.payload.returnId, tenant);
  return {
    emit: [answer(command, 'CreditNoteIssued', payload)],
    apply: async (tx) => void (await insertCreditNote(tx, payload, note.id)),
  };
}

function rejected(command: Command, refusal: Refusal): EffectResult {
  const { invoiceId, orderId, opportunityId, occurrence, returnId } = command.payload;
  const identity = { invoiceId, orderId, opportunityId, occurrence, returnId };
  return { emit: [answer(command, 'CreditNoteRejected', { ...identity, ...refusal })] };
}
