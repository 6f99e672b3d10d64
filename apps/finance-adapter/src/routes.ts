import { defineRoutes, effect, job, state, type Routes } from '@throughline/messaging';
import { issueCreditNote } from './credit-notes/issue-credit-note.js';
import { readCreditNote } from './credit-notes/read-credit-note.js';
import { readVoidedCreditNote } from './credit-notes/read-voided-credit-note.js';
import { issueInvoice, type InvoiceDependencies } from './invoices/issue-invoice.js';
import { voidInvoice } from './invoices/void-invoice.js';
import { readVoidedInvoice } from './invoices/read-voided-invoice.js';
import { readPayment } from './payments/read-payment.js';
import { recordRevenueSchedule } from './revenue/record-revenue-schedule.js';
import { reduceRevenueSchedule } from './revenue/reduce-revenue-schedule.js';
import { reverseRevenueSchedule } from './revenue/reverse-revenue-schedule.js';
import { startRevenueRecognition } from './revenue/start-revenue-recognition.js';

export interface FinanceDependencies extends InvoiceDependencies {
  now: () => Date;
}

/**
 * What finance-adapter does. While Stripe is away everything that calls it waits and is probed, no attempt counted; a 429 lets all of it
 * wait for as long as Stripe asks; a lock or a 500, while Stripe is up, lets the invoice wait and try again; what Stripe or the plan refuses
 * becomes the `...Rejected` event of the command; anything else is a defect of ours and becomes a dead letter, behind which the invoice is
 * held until a person has decided: it is money. The subledger is our own SQL and needs no vendor.
 */
export function financeRoutes(dependencies: FinanceDependencies): Routes {
  const { stripe: client, tenant } = dependencies;
  const stripe = {
    dependency: `stripe:${tenant.accountId}`,
    timeoutMs: 60_000,
    // Some twenty-five minutes: an invoice is not given up because Stripe fails for a quarter of an hour.
    retry: { maxAttempts: 40, backoffMs: [200, 60_000] as [number, number] },
  };
  const { now } = dependencies;
  return defineRoutes({
    group: 'finance-adapter',
    dependencies: { [stripe.dependency]: { probe: () => client.ping() } },
    routes: {
      // Customer, products, draft, lines, number: -> InvoiceIssued | InvoiceRejected (nothing left open)
      IssueInvoice: effect(issueInvoice(dependencies), stripe),
      // Draft: deleted, open: voided -> InvoiceVoided; paid: the rest credited -> InvoiceCredited; otherwise -> InvoiceVoidRejected
      VoidInvoice: effect(voidInvoice(dependencies), stripe),
      // A part, for a return -> CreditNoteIssued | CreditNoteRejected
      IssueCreditNote: effect(issueCreditNote(dependencies), stripe),
      // Dated entries that sum to the contract -> RevenueScheduleRecorded | RevenueScheduleRejected
      RecordRevenueSchedule: state(recordRevenueSchedule(now)),
      // A first shipment after the planned start plans anew from its day -> RevenueRecognitionStarted | RevenueRecognitionStartRejected
      StartRevenueRecognition: state(startRevenueRecognition(now)),
      // A credit note comes off what is not yet recognised -> RevenueScheduleReduced | RevenueScheduleReductionRejected
      ReduceRevenueSchedule: state(reduceRevenueSchedule(now)),
      // Equal and opposite entries to all that stands -> RevenueScheduleReversed | RevenueScheduleReversalRejected
      ReverseRevenueSchedule: state(reverseRevenueSchedule(now)),
    },
    jobs: {
      // From POST /webhooks/stripe and from the sweep: invoice.paid -> PaymentReceived, once per payment
      ReadPayment: job(readPayment(dependencies), stripe),
      // As above: invoice.voided -> InvoiceVoided, where no command of ours did it
      ReadVoidedInvoice: job(readVoidedInvoice(dependencies), stripe),
      // As above: credit_note.created -> CreditNoteIssued, once per credit note that a person made; ours end as echoes
      ReadCreditNote: job(readCreditNote(dependencies), stripe),
      // As above: credit_note.voided -> CreditNoteVoided, once; only people void
      ReadVoidedCreditNote: job(readVoidedCreditNote(dependencies), stripe),
    },
    emits: [
      'InvoiceIssued',
      'InvoiceRejected',
      'InvoiceVoided',
      'InvoiceCredited',
      'InvoiceVoidRejected',
      'CreditNoteIssued',
      'CreditNoteVoided',
      'CreditNoteRejected',
      'PaymentReceived',
      'RevenueScheduleRecorded',
      'RevenueScheduleRejected',
      'RevenueScheduleReversed',
      'RevenueScheduleReversalRejected',
      'RevenueRecognitionStarted',
      'RevenueRecognitionStartRejected',
      'RevenueScheduleReduced',
      'RevenueScheduleReductionRejected',
    ],
  });
}
