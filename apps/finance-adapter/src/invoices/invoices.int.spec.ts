import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { StripeClient } from '@throughline/connectors/stripe';
import type { IssueInvoice } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { startSandbox, testDatabase, type RunningSandbox, type TestDatabase } from '@throughline/testing';
import { randomUUID } from 'node:crypto';
import { Stripe } from 'stripe';
import { migrations } from '../migrations/index.js';
import { CallRecords } from '../spec/interrupted-context.js';
import * as run from '../spec/run-effect.js';
import { issueInvoice } from './issue-invoice.js';
import { findInvoice } from './store.js';
import { voidInvoice } from './void-invoice.js';

let test: TestDatabase;
let database: Database;
let sandbox: RunningSandbox;
let sdk: Stripe;
let issue: ReturnType<typeof issueInvoice>;
let voidIt: ReturnType<typeof voidInvoice>;

beforeAll(async () => {
  [test, sandbox] = await Promise.all([testDatabase(migrations), startSandbox()]);
  database = await test.connect();
  const { hostname: host, port } = new URL(sandbox.url);
  sdk = new Stripe(sandbox.secrets.STRIPE_SECRET_KEY, { host, port, protocol: 'http', maxNetworkRetries: 0 });
  const stripe = new StripeClient({
    baseUrl: sandbox.url,
    secretKey: sandbox.secrets.STRIPE_SECRET_KEY,
    timeoutMs: 2_000,
  });
  const dependencies = { stripe, database, tenant: { accountId: 'acct_spec', paymentTermsDays: 30 } };
  issue = issueInvoice(dependencies);
  voidIt = voidInvoice({ ...dependencies, now: () => new Date() });
}, 60_000);
afterEach(() => sandbox?.faults());
afterAll(async () => {
  await sandbox?.stop();
  await test?.drop();
});

function account(): IssueInvoice['account'] {
  const accountId = randomUUID();
  return {
    accountId,
    name: 'Northwind',
    domain: null,
    billingEmail: `${accountId}@northwind.example`,
    country: 'US',
    externalIds: [],
  };
}
const line = (amount: string, productId: string = randomUUID()) => ({
  lineItemId: randomUUID(),
  productId,
  sku: 'SKU',
  name: 'Platform',
  quantity: '1.0000',
  unitAmount: amount,
  amount,
});

function command(over: Partial<IssueInvoice> = {}): Message<'IssueInvoice'> {
  const payload: IssueInvoice = {
    invoiceId: randomUUID(),
    orderId: randomUUID(),
    orderNumber: '1042',
    opportunityId: randomUUID(),
    occurrence: 1,
    account: account(),
    currency: 'USD',
    totalAmount: '1250.5000',
    lineItems: [line('1250.5000')],
    ...over,
  };
  return {
    type: 'IssueInvoice',
    payload,
    envelope: {
      id: randomUUID(),
      type: 'IssueInvoice',
      source: 'spec',
      subject: payload.invoiceId,
      time: new Date().toISOString(),
      sequence: 1,
      correlationId: randomUUID(),
    },
  };
}
function voidCommand({ payload, envelope }: Message<'IssueInvoice'>): Message<'VoidInvoice'> {
  const { invoiceId, orderId, opportunityId, occurrence } = payload;
  return {
    type: 'VoidInvoice',
    payload: { invoiceId, orderId, opportunityId, occurrence, reason: 'OpportunityReopened' },
    envelope: { ...envelope, id: randomUUID(), type: 'VoidInvoice' },
  };
}

const settle = (result: EffectResult) => run.settle(database, result);
const retrying = <M extends Message>(
  handle: (message: M, context: EffectContext) => Promise<EffectResult>,
  message: M,
  calls?: CallRecords,
  pauseMs?: number,
) => run.retrying(database, handle, message, calls, pauseMs);

/** Everything Stripe has of a command's account: through the SDK, never our tables. */
async function atStripe({ payload }: Message<'IssueInvoice'>) {
  const customers = (await sdk.customers.list({ email: payload.account.billingEmail!, limit: 100 })).data;
  const invoices = (
    await Promise.all(customers.map((customer) => sdk.invoices.list({ customer: customer.id, limit: 100 })))
  ).flatMap((page) => page.data);
  const items = (
    await Promise.all(customers.map((customer) => sdk.invoiceItems.list({ customer: customer.id, limit: 100 })))
  ).flatMap((page) => page.data);
  return { customers, invoices, items };
}
async function expectOne(message: Message<'IssueInvoice'>) {
  const { customers, invoices, items } = await atStripe(message);
  expect({
    customers: customers.length,
    invoices: invoices.map(({ status, total }) => `${status} ${total}`),
    items: items.length,
  }).toEqual({ customers: 1, invoices: ['open 125050'], items: message.payload.lineItems.length });
  return invoices[0]!;
}

// Stripe's answers to a hundred calls, one after the other.
jest.setTimeout(120_000);

/** Customer, product, draft, line, number. */
const CALLS = 5;

describe('IssueInvoice', () => {
  it('issues an invoice that says whose it is', async () => {
    const message = command();
    const [event] = await retrying(issue, message);
    const invoice = await expectOne(message);
    const { invoiceId, orderId, opportunityId } = message.payload;
    expect(event).toMatchObject({
      type: 'InvoiceIssued',
      correlationId: message.envelope.correlationId,
      causationId: message.envelope.id,
      payload: {
        invoiceId,
        orderId,
        invoiceNumber: invoice.number,
        currency: 'USD',
        totalAmount: '1250.5000',
        externalIds: [{ system: 'stripe', tenant: 'acct_spec', type: 'invoice', id: invoice.id }, { type: 'customer' }],
      },
    });
    expect(invoice.metadata).toEqual({
      throughline_invoice_id: invoiceId,
      throughline_order_id: orderId,
      throughline_opportunity_id: opportunityId,
      throughline_occurrence: '1',
      throughline_correlation_id: message.envelope.correlationId,
    });
    expect(await findInvoice(database, invoiceId)).toMatchObject({
      status: 'issued',
      stripeInvoiceId: invoice.id,
      invoiceNumber: invoice.number,
      totalAmount: '1250.5000',
    });
  });

  it.each(['before', 'after'] as const)('repeats no call after a crash %s any of them', async (moment) => {
    for (let call = 1; call <= CALLS; call++) {
      const message = command();
      const calls = new CallRecords();
      await expect(issue(message, calls.attempt(message.envelope.id, 1, { call, moment }))).rejects.toThrow('crashed');
      expect(await retrying(issue, message, calls)).toMatchObject([{ type: 'InvoiceIssued' }]);
      await expectOne(message);
    }
  });

  it.each(['apply-then-drop', 'drop', 'timeout-then-apply', 'answer-429', 'answer-500'])(
    'survives %s at every call',
    async (kind) => {
      const late = kind === 'timeout-then-apply';
      const messages: Message<'IssueInvoice'>[] = [];
      for (let skip = 0; skip < CALLS; skip++) {
        const message = command();
        messages.push(message);
        const fault = { kind, vendor: 'stripe', method: 'POST', skip, count: 1 };
        await sandbox.faults(late ? { ...fault, applyAfterMs: 300 } : fault);
        expect(await retrying(issue, message, undefined, 25)).toMatchObject([{ type: 'InvoiceIssued' }]);
      }
      // What Stripe applies late comes after our own retry; nothing tells us when it has.
      if (late) await new Promise((resolve) => setTimeout(resolve, 600));
      for (const message of messages) await expectOne(message);
    },
  );

  it('gets past a 500 that Stripe keeps under the key, with one of everything', async () => {
    for (let skip = 0; skip < CALLS; skip++) {
      const message = command();
      await sandbox.faults({ kind: 'answer-500', remember: true, vendor: 'stripe', method: 'POST', skip, count: 1 });
      expect(await retrying(issue, message)).toMatchObject([{ type: 'InvoiceIssued' }]);
      await expectOne(message);
    }
  });

  it('makes one customer and one product for two deals of a new account at once', async () => {
    const shared = { account: account(), lineItems: [line('1250.5000')] };
    const calls = new CallRecords();
    const messages = [command(shared), command(shared)];
    await retrying(issue, messages[0]!, calls);
    await retrying(issue, messages[1]!, calls);
    const { customers, invoices } = await atStripe(messages[0]!);
    expect([customers.length, invoices.length]).toEqual([1, 2]);
    expect((await sdk.products.retrieve(shared.lineItems[0]!.productId)).name).toBe('Platform');
  });

  it('issues an invoice once although it is asked for by two commands', async () => {
    const message = command();
    const calls = new CallRecords();
    const [first] = await retrying(issue, message, calls);
    const [second] = await retrying(issue, { ...message, envelope: { ...message.envelope, id: randomUUID() } }, calls);
    expect(second!.payload).toEqual(first!.payload);
    await expectOne(message);
  });

  it.each([
    ['JPY', '150000.0000', 150_000],
    ['KWD', '12.3400', 12_340],
    ['ISK', '700.0000', 70_000],
  ])('bills %s as Stripe counts it', async (currency, totalAmount, total) => {
    const message = command({ currency, totalAmount, lineItems: [line(totalAmount)] });
    expect(await retrying(issue, message)).toMatchObject([
      { type: 'InvoiceIssued', payload: { currency, totalAmount } },
    ]);
    expect((await atStripe(message)).invoices).toMatchObject([{ total, currency: currency.toLowerCase() }]);
  });

  it('bills a discount as a line of its own', async () => {
    const message = command({ totalAmount: '90.0000', lineItems: [line('100.0000'), line('-10.0000')] });
    expect(await retrying(issue, message)).toMatchObject([
      { type: 'InvoiceIssued', payload: { totalAmount: '90.0000' } },
    ]);
  });

  it('refuses before any call what Stripe cannot bill', async () => {
    const message = command({ currency: 'KWD', totalAmount: '12.3450', lineItems: [line('12.3450')] });
    expect(await retrying(issue, message)).toMatchObject([
      { type: 'InvoiceRejected', payload: { reason: 'amount-not-expressible', field: 'totalAmount' } },
    ]);
    expect((await atStripe(message)).customers).toEqual([]);
    expect(await findInvoice(database, message.payload.invoiceId)).toMatchObject({
      status: 'rejected',
      rejection: { reason: 'amount-not-expressible' },
    });
  });

  it('leaves nothing open when Stripe refuses', async () => {
    // Libya's dinar has a minor unit, and Stripe does not take it.
    const message = command({ currency: 'LYD', totalAmount: '10.0000', lineItems: [line('10.0000')] });
    expect(await retrying(issue, message)).toMatchObject([
      { type: 'InvoiceRejected', payload: { reason: 'refused-by-stripe', field: 'currency' } },
    ]);
    expect((await atStripe(message)).invoices).toEqual([]);
  });

  it('takes the corrected command after a refusal', async () => {
    const calls = new CallRecords();
    const wrong = command({ currency: 'LYD', totalAmount: '10.0000', lineItems: [line('10.0000')] });
    expect(await retrying(issue, wrong, calls)).toMatchObject([{ type: 'InvoiceRejected' }]);
    const right = { ...wrong, payload: { ...wrong.payload, currency: 'USD' } };
    expect(await retrying(issue, right, calls)).toMatchObject([
      { type: 'InvoiceIssued', payload: { currency: 'USD' } },
    ]);
  });

  it('leaves nothing open when Stripe comes to another total', async () => {
    const message = command();
    const calls = new CallRecords();
    await expect(
      issue(message, calls.attempt(message.envelope.id, 1, { call: CALLS, moment: 'before' })),
    ).rejects.toThrow('crashed');
    const [draft] = (await atStripe(message)).invoices;
    await sdk.invoiceItems.create({
      customer: draft!.customer as string,
      invoice: draft!.id,
      amount: 500,
      currency: 'usd',
      description: 'Added by hand',
    });
    expect(await retrying(issue, message, calls)).toMatchObject([
      { type: 'InvoiceRejected', payload: { reason: 'total-mismatch', message: expect.stringContaining('1255.5000') } },
    ]);
    expect((await atStripe(message)).invoices).toEqual([]);
  });
});

describe('VoidInvoice', () => {
  const issued = async () => {
    const message = command();
    await retrying(issue, message);
    const invoice = await expectOne(message);
    return { message, id: invoice.id };
  };
  const statusOf = async (id: string) => (await sdk.invoices.retrieve(id)).status;

  it('voids what is open, once, and says so again when asked again', async () => {
    const { message, id } = await issued();
    const [first] = await retrying(voidIt, voidCommand(message));
    const [second] = await retrying(voidIt, voidCommand(message));
    expect(first).toMatchObject({ type: 'InvoiceVoided', payload: { invoiceId: message.payload.invoiceId } });
    expect(second!.payload).toEqual(first!.payload);
    expect(await statusOf(id)).toBe('void');
    expect(await findInvoice(database, message.payload.invoiceId)).toMatchObject({ status: 'voided' });
  });

  it('credits what is paid, in full and once', async () => {
    const { message, id } = await issued();
    await sdk.invoices.pay(id, { paid_out_of_band: true });
    const calls = new CallRecords();
    const [first] = await retrying(voidIt, voidCommand(message), calls);
    const [second] = await retrying(voidIt, voidCommand(message), calls);
    const { data } = await sdk.creditNotes.list({ invoice: id });
    expect(data).toMatchObject([{ amount: 125_050, metadata: { throughline_invoice_id: message.payload.invoiceId } }]);
    expect(first).toMatchObject({
      type: 'InvoiceCredited',
      payload: { creditNoteNumber: data[0]!.number, amount: '1250.5000', currency: 'USD' },
    });
    expect(second!.payload).toEqual(first!.payload);
    expect(await findInvoice(database, message.payload.invoiceId)).toMatchObject({
      status: 'credited',
      creditNoteNumber: data[0]!.number,
    });
  });

  it('credits what is paid while it is being voided', async () => {
    const { message, id } = await issued();
    const calls = new CallRecords();
    const context = calls.attempt(randomUUID());
    // The payment lands between our reading of the invoice and our call.
    const racing: EffectContext = {
      ...context,
      once: async (call, request, perform, options) => {
        if (call === 'void') await sdk.invoices.pay(id, { paid_out_of_band: true });
        return context.once(call, request, perform, options);
      },
    };
    expect(await settle(await voidIt(voidCommand(message), racing))).toMatchObject([{ type: 'InvoiceCredited' }]);
    expect((await sdk.creditNotes.list({ invoice: id })).data).toHaveLength(1);
  });

  it.each(['apply-then-drop', 'timeout-then-apply', 'answer-500'])(
    'survives %s while voiding and while crediting',
    async (kind) => {
      const fault = {
        kind,
        vendor: 'stripe',
        method: 'POST',
        count: 1,
        ...(kind === 'timeout-then-apply' ? { applyAfterMs: 300 } : {}),
      };
      const open = await issued();
      await sandbox.faults({ ...fault, path: '/void$' });
      expect(await retrying(voidIt, voidCommand(open.message), undefined, 100)).toMatchObject([
        { type: 'InvoiceVoided' },
      ]);
      expect(await statusOf(open.id)).toBe('void');

      const paid = await issued();
      await sdk.invoices.pay(paid.id, { paid_out_of_band: true });
      await sandbox.faults({ ...fault, path: '/credit_notes$' });
      expect(await retrying(voidIt, voidCommand(paid.message), undefined, 100)).toMatchObject([
        { type: 'InvoiceCredited' },
      ]);
      await new Promise((resolve) => setTimeout(resolve, kind === 'timeout-then-apply' ? 600 : 0));
      expect((await sdk.creditNotes.list({ invoice: paid.id })).data).toHaveLength(1);
    },
  );

  it('deletes the draft of an invoice that never got its number', async () => {
    const message = command();
    const calls = new CallRecords();
    await expect(
      issue(message, calls.attempt(message.envelope.id, 1, { call: CALLS, moment: 'before' })),
    ).rejects.toThrow('crashed');
    expect(await retrying(voidIt, voidCommand(message))).toMatchObject([{ type: 'InvoiceVoided' }]);
    expect((await atStripe(message)).invoices).toEqual([]);
  });

  it('owes nothing for an invoice over nothing', async () => {
    const message = command({ totalAmount: '0.0000', lineItems: [line('0.0000')] });
    expect(await retrying(issue, message)).toMatchObject([
      { type: 'InvoiceIssued', payload: { totalAmount: '0.0000' } },
    ]);
    expect(await retrying(voidIt, voidCommand(message))).toMatchObject([{ type: 'InvoiceVoided' }]);
  });

  it('says visibly that there is nothing to take back', async () => {
    expect(await retrying(voidIt, voidCommand(command()))).toMatchObject([
      { type: 'InvoiceVoidRejected', payload: { reason: 'never-issued' } },
    ]);
  });
});
