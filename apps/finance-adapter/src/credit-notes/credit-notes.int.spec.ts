import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { StripeClient } from '@throughline/connectors/stripe';
import { sumMoney, ThroughlineError, type IssueCreditNote } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message, OutgoingMessage } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { startSandbox, testDatabase, type RunningSandbox, type TestDatabase } from '@throughline/testing';
import { randomUUID } from 'node:crypto';
import { Stripe } from 'stripe';
import { issueInvoice } from '../invoices/issue-invoice.js';
import { voidInvoice } from '../invoices/void-invoice.js';
import { migrations } from '../migrations/index.js';
import { CallRecords } from '../spec/interrupted-context.js';
import * as run from '../spec/run-effect.js';
import { issueCreditNote } from './issue-credit-note.js';
import { findCreditNotes } from './store.js';

jest.setTimeout(60_000);

let test: TestDatabase;
let database: Database;
let sandbox: RunningSandbox;
let sdk: Stripe;
let issue: ReturnType<typeof issueInvoice>;
let credit: ReturnType<typeof issueCreditNote>;
let takeBack: ReturnType<typeof voidInvoice>;

beforeAll(async () => {
  [test, sandbox] = await Promise.all([testDatabase(migrations), startSandbox()]);
  database = await test.connect();
  const { hostname: host, port } = new URL(sandbox.url);
  const secretKey = sandbox.secrets.STRIPE_SECRET_KEY;
  sdk = new Stripe(secretKey, { host, port, protocol: 'http', maxNetworkRetries: 0 });
  const stripe = new StripeClient({ baseUrl: sandbox.url, secretKey, timeoutMs: 2_000 });
  const dependencies = { stripe, database, tenant: { accountId: 'acct_spec', paymentTermsDays: 30 } };
  issue = issueInvoice(dependencies);
  credit = issueCreditNote(dependencies);
  takeBack = voidInvoice({ ...dependencies, now: () => new Date() });
});
afterEach(() => sandbox?.faults());
afterAll(async () => {
  await sandbox?.stop();
  await test?.drop();
});

/** An invoice of ours as IssueInvoice leaves it, and what Stripe calls it. */
async function openInvoice(totalAmount = '1250.0000', currency = 'USD') {
  const accountId = randomUUID();
  const ids = { invoiceId: randomUUID(), orderId: randomUUID(), opportunityId: randomUUID(), occurrence: 1 };
  const line = { lineItemId: '1', productId: randomUUID(), sku: 'SKU', name: 'Platform', quantity: '1.0000' };
  const account = { accountId, name: 'Northwind', domain: null, billingEmail: null, country: 'US', externalIds: [] };
  const payload = {
    ...ids,
    orderNumber: '1042',
    account,
    currency,
    totalAmount,
    lineItems: [{ ...line, unitAmount: totalAmount, amount: totalAmount }],
  };
  const [issued] = await run.retrying(database, issue, message('IssueInvoice', payload));
  const { externalIds } = issued!.payload as { externalIds: { id: string }[] };
  return { ...ids, currency, stripeId: externalIds[0]!.id };
}
type OpenInvoice = Awaited<ReturnType<typeof openInvoice>>;
async function paidInvoice(totalAmount?: string, currency?: string): Promise<OpenInvoice> {
  const invoice = await openInvoice(totalAmount, currency);
  await pay(invoice);
  return invoice;
}
const pay = ({ stripeId }: OpenInvoice) => sdk.invoices.pay(stripeId, { paid_out_of_band: true });
const atStripe = ({ stripeId }: OpenInvoice) => sdk.invoices.retrieve(stripeId);
const notesOf = async ({ stripeId }: OpenInvoice) => (await sdk.creditNotes.list({ invoice: stripeId })).data;
const personCredits = ({ stripeId }: OpenInvoice, amount?: number) =>
  sandbox.control('POST', `/sandbox/invoices/${stripeId}/credit`, { amount });

function message<T extends 'IssueInvoice' | 'IssueCreditNote' | 'VoidInvoice'>(
  type: T,
  payload: Message<T>['payload'],
) {
  const envelope = {
    id: randomUUID(),
    type,
    source: 'spec',
    subject: payload.invoiceId,
    time: new Date().toISOString(),
    sequence: 1,
    correlationId: randomUUID(),
  };
  return { type, payload, envelope } as Message<T>;
}
function command(
  invoice: OpenInvoice,
  amount: string,
  over: Partial<IssueCreditNote> = {},
): Message<'IssueCreditNote'> {
  const { stripeId: _, ...identity } = invoice;
  return message('IssueCreditNote', { ...identity, returnId: randomUUID(), amount, ...over });
}
function voiding({ stripeId: _, currency: __, ...identity }: OpenInvoice): Message<'VoidInvoice'> {
  return message('VoidInvoice', { ...identity, reason: 'OpportunityReopened' });
}
const retrying = <M extends Message>(
  handle: (message: M, context: EffectContext) => Promise<EffectResult>,
  asked: M,
  calls?: CallRecords,
  pauseMs?: number,
) => run.retrying(database, handle, asked, calls, pauseMs);
/** Lets something happen at Stripe between our reading of the invoice and our call. */
function meanwhile(happens: () => Promise<unknown>): EffectContext {
  const context = new CallRecords().attempt(randomUUID());
  let first = true;
  return {
    ...context,
    once: async (...call) => {
      if (first) await happens();
      first = false;
      return context.once(...call);
    },
  };
}
const outcome = async (result: Promise<EffectResult>) => run.settle(database, await result);
const rejected = (reason: string, field: string): Partial<OutgoingMessage> =>
  ({ type: 'CreditNoteRejected', payload: expect.objectContaining({ reason, field }) }) as never;

describe('IssueCreditNote', () => {
  it('lowers what an open invoice asks for, and says whose the credit note is', async () => {
    const invoice = await openInvoice();
    const asked = command(invoice, '250.0000');
    const [event] = await retrying(credit, asked);
    const [note] = await notesOf(invoice);
    expect(note).toMatchObject({
      amount: 25_000,
      type: 'pre_payment',
      metadata: { throughline_return_id: asked.payload.returnId },
    });
    expect(await atStripe(invoice)).toMatchObject({ status: 'open', amount_remaining: 100_000 });
    const { invoiceId, orderId } = invoice;
    expect(event).toMatchObject({
      type: 'CreditNoteIssued',
      correlationId: asked.envelope.correlationId,
      causationId: asked.envelope.id,
      payload: {
        invoiceId,
        orderId,
        returnId: asked.payload.returnId,
        creditNoteNumber: note!.number,
        currency: 'USD',
        amount: '250.0000',
        externalIds: [
          { type: 'credit_note', id: note!.id },
          { type: 'invoice', id: invoice.stripeId },
        ],
      },
    });
    expect(await findCreditNotes(database, invoiceId)).toMatchObject([
      { returnId: asked.payload.returnId, amount: '250.0000', creditNoteNumber: note!.number },
    ]);
  });

  it.each([
    ['USD', '1250.0000', '250.0000', 25_000],
    ['JPY', '1250.0000', '250.0000', 250],
    ['KWD', '12.3400', '2.3400', 2_340],
  ])('gives what was paid in %s back to the balance of the customer', async (currency, total, amount, minor) => {
    const invoice = await paidInvoice(total, currency);
    expect(await retrying(credit, command(invoice, amount))).toMatchObject([
      { type: 'CreditNoteIssued', payload: { amount, currency } },
    ]);
    expect(await notesOf(invoice)).toMatchObject([{ amount: minor, type: 'post_payment' }]);
    const { customer } = await atStripe(invoice);
    expect(await sdk.customers.retrieve(customer as string)).toMatchObject({ balance: -minor });
  });

  it.each(['before', 'after'] as const)(
    'repeats nothing after a crash %s its call, also where it takes all that is left',
    async (moment) => {
      const invoice = await paidInvoice();
      const asked = command(invoice, '1250.0000');
      const calls = new CallRecords();
      await expect(credit(asked, calls.attempt(asked.envelope.id, 1, { call: 1, moment }))).rejects.toThrow('crashed');
      expect(await retrying(credit, asked, calls)).toMatchObject([
        { type: 'CreditNoteIssued', payload: { amount: '1250.0000' } },
      ]);
      expect(await notesOf(invoice)).toHaveLength(1);
    },
  );

  it.each([
    { kind: 'apply-then-drop' },
    { kind: 'drop' },
    { kind: 'timeout-then-apply', applyAfterMs: 300 },
    { kind: 'answer-429' },
    { kind: 'answer-500' },
    { kind: 'answer-500', remember: true },
  ])('survives %j with one credit note', async (fault) => {
    const invoice = await openInvoice();
    await sandbox.faults({ ...fault, vendor: 'stripe', method: 'POST', path: '/credit_notes$', count: 1 });
    expect(await retrying(credit, command(invoice, '250.0000'), undefined, 25)).toMatchObject([
      { type: 'CreditNoteIssued' },
    ]);
    // What Stripe applies late comes after our own retry; nothing tells us when it has.
    if (fault.applyAfterMs) await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await notesOf(invoice)).toHaveLength(1);
  });

  it('credits a return once although two commands ask, and the next return by a credit note of its own', async () => {
    const invoice = await openInvoice();
    const asked = command(invoice, '250.0000');
    const calls = new CallRecords();
    const [first] = await retrying(credit, asked, calls);
    const [second] = await retrying(credit, command(invoice, '250.0000', { returnId: asked.payload.returnId }), calls);
    expect(second!.payload).toEqual(first!.payload);
    await retrying(credit, command(invoice, '250.0000'), calls);
    expect((await notesOf(invoice)).map(({ amount, number }) => [amount, number.slice(-5)])).toEqual([
      [25_000, 'CN-02'],
      [25_000, 'CN-01'],
    ]);
    expect(await findCreditNotes(database, invoice.invoiceId)).toHaveLength(2);
  });

  it('credits as Stripe asks for it where the invoice is paid meanwhile', async () => {
    const invoice = await openInvoice();
    const context = meanwhile(() => pay(invoice));
    expect(await outcome(credit(command(invoice, '250.0000'), context))).toMatchObject([{ type: 'CreditNoteIssued' }]);
    expect(await notesOf(invoice)).toMatchObject([{ amount: 25_000, type: 'post_payment' }]);
  });

  it('is refused with what is left where a person credits meanwhile', async () => {
    const invoice = await openInvoice();
    const context = meanwhile(() => personCredits(invoice, 110_000));
    expect(await outcome(credit(command(invoice, '250.0000'), context))).toMatchObject([
      {
        type: 'CreditNoteRejected',
        payload: { reason: 'amount-exceeds-invoice', message: expect.stringContaining('150.0000') },
      },
    ]);
  });

  it('refuses what cannot be credited, and credits nothing', async () => {
    const invoice = await openInvoice('1250.0000', 'JPY');
    const asked = [
      command(invoice, '1251.0000'),
      command(invoice, '0.0000'),
      command(invoice, '1.5000'),
      command(invoice, '1.0000', { currency: 'USD' }),
    ];
    const events = (await Promise.all(asked.map((one) => retrying(credit, one)))).flat();
    expect(events).toMatchObject([
      rejected('amount-exceeds-invoice', 'amount'),
      rejected('amount-not-positive', 'amount'),
      rejected('amount-not-expressible', 'amount'),
      rejected('currency-differs', 'currency'),
    ]);
    expect(events[0]!.payload).toMatchObject({ returnId: asked[0]!.payload.returnId });
    await sdk.invoices.voidInvoice(invoice.stripeId);
    expect(await retrying(credit, command(invoice, '1.0000'))).toMatchObject([
      rejected('invoice-not-creditable', 'invoiceId'),
    ]);
    expect(await notesOf(invoice)).toEqual([]);
    expect(await retrying(credit, command({ ...invoice, invoiceId: randomUUID() }, '1.0000'))).toMatchObject([
      rejected('never-issued', 'invoiceId'),
    ]);
  });

  it('says what Stripe says where it refuses for a reason of its own', async () => {
    const invoice = await openInvoice();
    const refusing: EffectContext = {
      ...new CallRecords().attempt(randomUUID()),
      once: () =>
        Promise.reject(new ThroughlineError('No.', { code: 'STRIPE_REQUEST_REFUSED', retry: 'never', field: 'memo' })),
    };
    expect(await outcome(credit(command(invoice, '1.0000'), refusing))).toMatchObject([
      rejected('refused-by-stripe', 'memo'),
    ]);
  });
});

describe('VoidInvoice of an invoice that was credited in part', () => {
  const creditedAt = async (invoice: OpenInvoice) =>
    (await notesOf(invoice)).reduce((sum, { amount }) => sum + amount, 0);

  it('credits the rest of what was paid, once', async () => {
    const invoice = await openInvoice();
    await retrying(credit, command(invoice, '250.0000'));
    await pay(invoice);
    await retrying(credit, command(invoice, '100.0000'));
    await personCredits(invoice, 5_000);
    const calls = new CallRecords();
    const [first] = await retrying(takeBack, voiding(invoice), calls);
    const [second] = await retrying(takeBack, voiding(invoice), calls);
    expect(first).toMatchObject({ type: 'InvoiceCredited', payload: { amount: '850.0000', currency: 'USD' } });
    expect(second!.payload).toEqual(first!.payload);
    expect([await creditedAt(invoice), (await notesOf(invoice)).length]).toEqual([125_000, 4]);
    // For the subledger they are three parts; the taking back is told by InvoiceCredited alone.
    const parts = await findCreditNotes(database, invoice.invoiceId);
    expect(sumMoney(parts.map(({ amount }) => amount))).toBe('350.0000');
  });

  it.each(['before', 'after'] as const)('repeats nothing after a crash %s its call', async (moment) => {
    const invoice = await paidInvoice();
    await retrying(credit, command(invoice, '250.0000'));
    const asked = voiding(invoice);
    const calls = new CallRecords();
    await expect(takeBack(asked, calls.attempt(asked.envelope.id, 1, { call: 1, moment }))).rejects.toThrow('crashed');
    expect(await retrying(takeBack, asked, calls)).toMatchObject([
      { type: 'InvoiceCredited', payload: { amount: '1000.0000' } },
    ]);
    expect((await notesOf(invoice)).map(({ amount }) => amount)).toEqual([100_000, 25_000]);
  });

  it('has nothing to credit where parts came to the total, and says by which number', async () => {
    const invoice = await paidInvoice();
    await retrying(credit, command(invoice, '250.0000'));
    await retrying(credit, command(invoice, '1000.0000'));
    const [last] = await notesOf(invoice);
    expect(await retrying(takeBack, voiding(invoice))).toMatchObject([
      { type: 'InvoiceCredited', payload: { amount: '0.0000', creditNoteNumber: last!.number } },
    ]);
    expect(await creditedAt(invoice)).toBe(125_000);
  });

  it('credits what a person leaves, who credits meanwhile', async () => {
    const invoice = await paidInvoice();
    const context = meanwhile(() => personCredits(invoice, 25_000));
    expect(await outcome(takeBack(voiding(invoice), context))).toMatchObject([
      { type: 'InvoiceCredited', payload: { amount: '1000.0000' } },
    ]);
    expect(await creditedAt(invoice)).toBe(125_000);
  });

  it('voids what is still open', async () => {
    const invoice = await openInvoice();
    await retrying(credit, command(invoice, '250.0000'));
    expect(await retrying(takeBack, voiding(invoice))).toMatchObject([{ type: 'InvoiceVoided' }]);
  });
});
