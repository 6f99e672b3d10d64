import { codeOf } from '@throughline/contracts';
import {
  fromStripeAmount,
  planInvoice,
  toInvoiceIssued,
  toIssuedInvoice,
  type InvoicePlan,
  type IssuedInvoice,
  type OnceKey,
  type Refusal,
  type StripeClient,
  type StripeTenant,
} from '@throughline/connectors/stripe';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { answer } from '../answer.js';
import { saveInvoice, type InvoiceChange } from './store.js';

type Command = Message<'IssueInvoice'>;

export interface InvoiceDependencies {
  stripe: StripeClient;
  database: Database;
  tenant: StripeTenant;
}

/** How Stripe ended it; recorded for good. */
type Finalised = { issued: IssuedInvoice } | { refused: Refusal };

/**
 * Effect handler: customer, products, draft, lines, number, each call recorded, so that a crash between any two repeats none.
 * The record belongs to the invoice, not to the message: the same invoice asked for twice is issued once.
 */
export function issueInvoice({ stripe, database, tenant }: InvoiceDependencies) {
  return async (command: Command, context: EffectContext): Promise<EffectResult> => {
    const plan = planInvoice(command.payload, command.envelope, tenant);
    if ('reason' in plan) return rejected(command, plan);
    let draft: { id: string } | undefined;
    try {
      const customer = await ensureParties(stripe, command, plan, context);
      draft = await inScope(context, command, 'invoice', { ...plan.invoice, customer: customer.id }, (request, key) =>
        stripe.ensureDraftInvoice(request, key),
      );
      await saveInvoice(database, {
        ...toChange(command),
        status: 'draft',
        stripeCustomerId: customer.id,
        stripeInvoiceId: draft.id,
      });
      for (const [index, item] of plan.items.entries()) {
        const request = {
          ...item,
          customer: customer.id,
          invoice: draft.id,
          metadata: item.metadata as Record<string, string>,
        };
        await inScope(context, command, `item-${index + 1}`, request, (pinned, key) =>
          stripe.ensureInvoiceItem(pinned, key),
        );
      }
      const result = await inScope(
        context,
        command,
        'finalize',
        { invoice: draft.id, total: plan.total },
        (pinned, key) => finaliseExactly(stripe, pinned, key),
      );
      return 'issued' in result ? issued(command, result.issued, tenant) : rejected(command, result.refused);
    } catch (error) {
      // What Stripe refuses in a request of ours it will refuse again: the order's owner must see it, and nothing may stay open.
      if (codeOf(error) !== 'STRIPE_REQUEST_REFUSED') throw error;
      if (draft) await discard(stripe, draft.id, context.idempotencyKey('discard'));
      const { message, field } = error as Error & { field?: string };
      return rejected(command, { reason: 'refused-by-stripe', field: field ?? 'invoiceId', message });
    }
  };
}

/** Two deals of one new account at once share one customer, and likewise their products. */
async function ensureParties(
  stripe: StripeClient,
  command: Command,
  plan: InvoicePlan,
  context: EffectContext,
): Promise<{ id: string }> {
  const customer = await context.once(
    'customer',
    plan.customer,
    (request, idempotencyKey, { mayHaveRun }) => stripe.ensureCustomer(request, { idempotencyKey, mayHaveRun }),
    { scope: `account:${command.payload.account.accountId}` },
  );
  for (const product of plan.products) {
    await context.once(
      `product-${product.id}`,
      product,
      (request, idempotencyKey, { mayHaveRun }) => stripe.ensureProduct(request, { idempotencyKey, mayHaveRun }),
      { scope: `product:${product.id}` },
    );
  }
  return customer;
}

function inScope<Request, Response>(
  context: EffectContext,
  command: Command,
  call: string,
  request: Request,
  perform: (request: Request, key: OnceKey) => Promise<Response>,
): Promise<Response> {
  context.signal.throwIfAborted();
  const scope = `invoice:${command.payload.invoiceId}`;
  return context.once(
    call,
    request,
    (pinned, idempotencyKey, { mayHaveRun }) => perform(pinned, { idempotencyKey, mayHaveRun }),
    { scope },
  );
}

/** Numbers the draft only where Stripe comes to our total: taxes or coupons of the account's settings would change it. */
async function finaliseExactly(
  stripe: StripeClient,
  { invoice: id, total }: { invoice: string; total: number },
  key: OnceKey,
): Promise<Finalised> {
  const draft = await stripe.retrieveInvoice(id);
  if (!draft)
    return {
      refused: { reason: 'draft-deleted', field: 'invoiceId', message: `The draft ${id} was deleted at Stripe.` },
    };
  if (draft.total !== total) return refuseTotal(stripe, draft, total, key);
  const invoice = await stripe.finalizeInvoice(id, key);
  if (invoice.total !== total) return refuseTotal(stripe, invoice, total, key);
  if (invoice.status === 'void')
    return {
      refused: {
        reason: 'voided-at-stripe',
        field: 'invoiceId',
        message: `Invoice ${invoice.number} was voided at Stripe.`,
      },
    };
  return { issued: toIssuedInvoice(invoice) };
}

async function refuseTotal(
  stripe: StripeClient,
  invoice: { id: string; total: number; currency: string },
  total: number,
  key: OnceKey,
): Promise<Finalised> {
  await discard(stripe, invoice.id, `${key.idempotencyKey}:discard`);
  const [theirs, ours] = [fromStripeAmount(invoice.total, invoice.currency), fromStripeAmount(total, invoice.currency)];
  const message = `Stripe comes to ${theirs}, the order says ${ours}: check taxes and discounts in the account's settings.`;
  return { refused: { reason: 'total-mismatch', field: 'totalAmount', message } };
}

/** Leaves nothing that asks for money. */
async function discard(stripe: StripeClient, id: string, idempotencyKey: string): Promise<void> {
  const invoice = await stripe.retrieveInvoice(id);
  if (invoice?.status === 'draft') await stripe.deleteDraft(id);
  if (invoice?.status === 'open') await stripe.voidInvoice(id, { idempotencyKey, mayHaveRun: true });
}

function issued(command: Command, invoice: IssuedInvoice, tenant: StripeTenant): EffectResult {
  const payload = toInvoiceIssued(command.payload, invoice, tenant);
  const { invoiceNumber, issuedAt } = payload;
  const change: InvoiceChange = {
    ...toChange(command),
    status: 'issued',
    stripeInvoiceId: invoice.id,
    invoiceNumber,
    issuedAt,
  };
  return { emit: [answer(command, 'InvoiceIssued', payload)], apply: (tx) => saveInvoice(tx, change) };
}

function rejected(command: Command, refusal: Refusal): EffectResult {
  const { invoiceId, orderId, opportunityId, occurrence } = command.payload;
  return {
    emit: [answer(command, 'InvoiceRejected', { invoiceId, orderId, opportunityId, occurrence, ...refusal })],
    apply: (tx) => saveInvoice(tx, { ...toChange(command), status: 'rejected', rejection: refusal }),
  };
}

function toChange({ payload, envelope }: Command): Omit<InvoiceChange, 'status'> {
  const { invoiceId, orderId, opportunityId, occurrence, currency, totalAmount } = payload;
  return {
    invoiceId,
    orderId,
    opportunityId,
    occurrence,
    correlationId: envelope.correlationId,
    currency,
    totalAmount,
  };
}
