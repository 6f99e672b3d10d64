import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { StripeClient, toCreditNoteIssued, toIssuedCreditNote, verifyWebhook } from '@throughline/connectors/stripe';
import type { EffectResult, Job, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { startSandbox, testDatabase, type RunningSandbox, type TestDatabase } from '@throughline/testing';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Stripe } from 'stripe';
import { migrations } from '../migrations/index.js';
import { encodeAll } from '../spec/encode-all.js';
import { readCreditNote, type ReadCreditNote } from '../credit-notes/read-credit-note.js';
import { readVoidedCreditNote } from '../credit-notes/read-voided-credit-note.js';
import { findCreditNotes, insertCreditNote } from '../credit-notes/store.js';
import { readVoidedInvoice } from '../invoices/read-voided-invoice.js';
import { saveInvoice } from '../invoices/store.js';
import { readPayment } from './read-payment.js';
import { receiveEvents, type ReadPayment, type Transactions } from './receive-event.js';
import { sweepEvents } from './sweep-events.js';

jest.setTimeout(60_000);

let test: TestDatabase;
let database: Database;
let sandbox: RunningSandbox;
let sdk: Stripe;
let stripe: StripeClient;
let webhooks: Server;
let emitted: OutgoingMessage[] = [];
let received: string[] = [];

/** Jobs run as soon as they are stored, as the work queue would, once per id. */
const messaging: Transactions = { transaction: (fn) => runTransaction(fn) };
const done = new Set<string>();
async function runTransaction<T>(fn: (tx: MessagingTx) => Promise<T>): Promise<T> {
  const jobs: Job[] = [];
  const result = await database.transaction((tx) => fn(collecting(tx, jobs)));
  for (const job of jobs.filter(({ id }) => !done.has(id))) {
    done.add(job.id);
    const { apply } = await handle(job);
    if (apply) await database.transaction((tx) => apply(collecting(tx, [])));
  }
  return result;
}
function handle(job: Job): Promise<EffectResult> {
  if (job.type === 'ReadPayment') return readPayment({ stripe, tenant })(job as Job<ReadPayment>);
  if (job.type === 'ReadVoidedInvoice') return readVoidedInvoice({ stripe, database, tenant })(job as Job<ReadPayment>);
  const read = job.type === 'ReadCreditNote' ? readCreditNote : readVoidedCreditNote;
  return read({ stripe, database, tenant })(job as Job<ReadCreditNote>);
}
function collecting(tx: Pick<MessagingTx, 'query'>, jobs: Job[]): MessagingTx {
  return {
    query: (...call) => tx.query(...call),
    emit: (messages) => void emitted.push(...messages),
    enqueue: (more) => void jobs.push(...more),
    onCommit: () => {},
  };
}
const tenant = { accountId: 'acct_spec', paymentTermsDays: 30 };

beforeAll(async () => {
  test = await testDatabase(migrations);
  database = await test.connect();
  webhooks = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const event = verifyWebhook(
        Buffer.concat(chunks),
        request.headers['stripe-signature'] as string,
        sandbox.secrets.STRIPE_WEBHOOK_SECRET,
        new Date(),
      );
      void receiveEvents(messaging, [event], 'webhook').then(() => {
        received.push(event.type);
        response.end();
      });
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => webhooks.once('listening', resolve));
  sandbox = await startSandbox({ STRIPE_WEBHOOK_URLS: `http://127.0.0.1:${(webhooks.address() as AddressInfo).port}` });
  const { hostname: host, port } = new URL(sandbox.url);
  sdk = new Stripe(sandbox.secrets.STRIPE_SECRET_KEY, { host, port, protocol: 'http', maxNetworkRetries: 0 });
  stripe = new StripeClient({ baseUrl: sandbox.url, secretKey: sandbox.secrets.STRIPE_SECRET_KEY });
});
afterEach(async () => {
  await sandbox.faults();
  [emitted, received] = [[], []];
});
afterAll(async () => {
  webhooks?.closeAllConnections();
  webhooks?.close();
  await sandbox?.stop();
  await test?.drop();
});

/** An open invoice as IssueInvoice leaves it, or one of somebody else. */
async function openInvoice(ours = true): Promise<{ id: string; reference: Record<string, string> }> {
  const customer = await sdk.customers.create({ name: 'Northwind' });
  const reference = {
    throughline_invoice_id: randomUUID(),
    throughline_order_id: randomUUID(),
    throughline_opportunity_id: randomUUID(),
    throughline_occurrence: '1',
    throughline_correlation_id: randomUUID(),
  };
  const { id } = await sdk.invoices.create({
    customer: customer.id,
    currency: 'usd',
    auto_advance: false,
    ...(ours ? { metadata: reference } : {}),
  });
  await sdk.invoiceItems.create({ customer: customer.id, invoice: id, amount: 125_050, currency: 'usd' });
  await sdk.invoices.finalizeInvoice(id);
  return { id, reference };
}
const credit = (id: string, amount: number) =>
  sandbox.control<{ id: string; number: string }>('POST', `/sandbox/invoices/${id}/credit`, { amount });
const atWork = (key: string) =>
  database.query(
    {
      name: 'spec-at-work',
      text: `INSERT INTO work_key (queue, key, pending, available_at) VALUES ('stripe', $1, 1, now())`,
    },
    [key],
  );
const noLongerAtWork = (key: string) =>
  database.query({ name: 'spec-done', text: 'DELETE FROM work_key WHERE key = $1' }, [key]);
const pay = (id: string) => sdk.invoices.pay(id, { paid_out_of_band: true });
async function until(holds: () => unknown): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 25)))
    if (await holds()) return;
  throw new Error(`not in time; webhooks so far: ${received.join(', ')}`);
}
async function outcomesOf(id: string): Promise<string[]> {
  const rows = await database.query<{ type: string; outcome: string }>(
    { name: 'outcomes', text: 'SELECT type, outcome FROM stripe_event WHERE object_id = $1 ORDER BY created_at, type' },
    [id],
  );
  return rows.map(({ type, outcome }) => `${type} ${outcome}`);
}
const sweep = (instanceId = 'one', over: object = {}) =>
  sweepEvents({
    stripe,
    database,
    messaging,
    instanceId,
    now: () => new Date(),
    overlapMs: 600_000,
    leaseMs: 60_000,
    ...over,
  });

describe('payments', () => {
  it('announces a payment whose invoice is not known here yet, with all that its metadata says', async () => {
    const { id, reference } = await openInvoice();
    await pay(id);
    await until(() => emitted.length > 0);
    await encodeAll(emitted);
    expect(emitted).toMatchObject([
      {
        type: 'PaymentReceived',
        correlationId: reference['throughline_correlation_id'],
        payload: {
          invoiceId: reference['throughline_invoice_id'],
          orderId: reference['throughline_order_id'],
          opportunityId: reference['throughline_opportunity_id'],
          occurrence: 1,
          currency: 'USD',
          amount: '1250.5000',
        },
      },
    ]);
  });

  it('ends the echoes of our own doing', async () => {
    const { id } = await openInvoice();
    await sdk.invoices.voidInvoice(id);
    await until(() => received.includes('invoice.voided'));
    expect(emitted).toEqual([]);
    expect(new Set((await outcomesOf(id)).map((line) => line.split(' ')[1]))).toEqual(new Set(['echo']));
  });

  it('announces an invoice that a person voids, once, and what a command of ours voided not at all', async () => {
    const issued = async () => {
      const { id, reference } = await openInvoice();
      const invoiceId = reference['throughline_invoice_id']!;
      const keys = { invoiceId, orderId: randomUUID(), opportunityId: randomUUID(), occurrence: 1 };
      const invoice = { ...keys, correlationId: randomUUID(), currency: 'USD', totalAmount: '1250.5000' };
      const save = (status: 'issued' | 'voided') => saveInvoice(database, { ...invoice, status, stripeInvoiceId: id });
      await save('issued');
      return { id, invoiceId, save, read: () => handleVoided(id) };
    };
    const handleVoided = (stripeInvoiceId: string) =>
      readVoidedInvoice({ stripe, database, tenant })({ payload: { eventId: 'evt_x', stripeInvoiceId } } as never);
    const byPerson = await issued();
    await sdk.invoices.voidInvoice(byPerson.id);
    await until(() => emitted.length > 0);
    await sweep();
    await encodeAll(emitted);
    expect(emitted).toMatchObject([
      { type: 'InvoiceVoided', payload: { invoiceId: byPerson.invoiceId, occurrence: 1 } },
    ]);
    expect(await outcomesOf(byPerson.id)).toContain('invoice.voided invoice-voided');

    await sandbox.faults({ kind: 'webhook-drop', vendor: 'stripe' });
    const ours = await issued();
    await atWork(ours.invoiceId);
    await sdk.invoices.voidInvoice(ours.id);
    await expect(ours.read()).rejects.toMatchObject({ code: 'FINANCE_INVOICE_AT_WORK', retry: 'later' });
    await ours.save('voided');
    await noLongerAtWork(ours.invoiceId);
    await sweep();
    expect(emitted).toHaveLength(1);
    expect(await outcomesOf(ours.id)).toContain('invoice.voided echo');
  });

  it('keeps apart what is not ours, visibly', async () => {
    const { id } = await openInvoice(false);
    await pay(id);
    await until(() => received.includes('invoice.paid'));
    expect(emitted).toEqual([]);
    expect(await outcomesOf(id)).toContain('invoice.paid not-ours');
  });

  it('announces a payment once, whether webhooks double or the sweep comes too', async () => {
    await sandbox.faults({ kind: 'webhook-duplicate', vendor: 'stripe', delayMs: 50 });
    const { id } = await openInvoice();
    await pay(id);
    const twice = (type: string): boolean => received.filter((each) => each === type).length === 2;
    await until(() => twice('invoice.paid') && twice('invoice.payment_succeeded'));
    await sweep();
    expect(emitted).toHaveLength(1);
  });

  it('finds by the sweep what no webhook brought, and leaves the rest alone', async () => {
    await sweep();
    await sandbox.faults({ kind: 'webhook-drop', vendor: 'stripe' });
    const invoices = await Promise.all([openInvoice(), openInvoice(), openInvoice()]);
    for (const { id } of invoices) await pay(id);
    expect(await sweep()).toBe(3);
    expect(await sweep()).toBe(0);
    expect(emitted.map(({ correlationId }) => correlationId).sort()).toEqual(
      invoices.map(({ reference }) => reference['throughline_correlation_id']).sort(),
    );
    expect(received).toEqual([]);
  });

  it('announces a credit note that a person makes, once, whether webhooks double or the sweep comes too', async () => {
    await sandbox.faults({ kind: 'webhook-duplicate', vendor: 'stripe', delayMs: 50 });
    const { id, reference } = await openInvoice();
    const note = await credit(id, 25_050);
    await until(() => received.filter((type) => type === 'credit_note.created').length === 2);
    await sweep();
    await encodeAll(emitted);
    expect(emitted).toMatchObject([
      {
        type: 'CreditNoteIssued',
        correlationId: reference['throughline_correlation_id'],
        payload: {
          invoiceId: reference['throughline_invoice_id'],
          orderId: reference['throughline_order_id'],
          occurrence: 1,
          returnId: null,
          creditNoteNumber: note.number,
          currency: 'USD',
          amount: '250.5000',
        },
      },
    ]);
    expect(await outcomesOf(note.id)).toEqual(['credit_note.created credit-note-issued']);
  });

  it('announces, once, that a person voided a credit note that was announced, with its number and what to do', async () => {
    await sandbox.faults({ kind: 'webhook-duplicate', vendor: 'stripe', delayMs: 50 });
    const { id, reference } = await openInvoice();
    const note = await credit(id, 25_050);
    await until(() => emitted.length === 1);
    await sdk.creditNotes.voidCreditNote(note.id);
    await until(() => received.filter((type) => type === 'credit_note.voided').length === 2);
    await sweep();
    await encodeAll(emitted);
    expect(emitted.slice(1)).toMatchObject([
      {
        type: 'CreditNoteVoided',
        correlationId: reference['throughline_correlation_id'],
        payload: {
          creditNoteId: (emitted[0]!.payload as { creditNoteId: string }).creditNoteId,
          invoiceId: reference['throughline_invoice_id'],
          creditNoteNumber: note.number,
          amount: '250.5000',
          message: expect.stringContaining(`Credit note ${note.number} over 250.50 USD was voided in Stripe`),
        },
      },
    ]);
    expect(await findCreditNotes(database, reference['throughline_invoice_id']!)).toMatchObject([
      { creditNoteNumber: note.number, voidedAt: expect.any(String) },
    ]);
    expect(await outcomesOf(note.id)).toEqual(
      expect.arrayContaining(['credit_note.created credit-note-issued', 'credit_note.voided credit-note-voided']),
    );
  });

  it('announces no voiding of a credit note that was never announced', async () => {
    await sweep();
    await sandbox.faults({ kind: 'webhook-drop', vendor: 'stripe' });
    const { id } = await openInvoice();
    const note = await credit(id, 100);
    await sdk.creditNotes.voidCreditNote(note.id);
    expect(await sweep()).toBe(2);
    expect(emitted).toEqual([]);
    expect(await outcomesOf(note.id)).toEqual([
      'credit_note.created credit-note-gone',
      'credit_note.voided credit-note-gone',
    ]);
  });

  it('waits for the command that made a credit note before it says that a person voided it', async () => {
    await sweep();
    await sandbox.faults({ kind: 'webhook-drop', vendor: 'stripe' });
    const { id, reference } = await openInvoice();
    const invoiceId = reference['throughline_invoice_id']!;
    const returnId = randomUUID();
    const metadata = { throughline_invoice_id: invoiceId, throughline_return_id: returnId };
    const note = await sdk.creditNotes.create({ invoice: id, amount: 100, metadata });
    await atWork(invoiceId);
    await sdk.creditNotes.voidCreditNote(note.id);
    const job = { payload: { eventId: 'evt_x', stripeCreditNoteId: note.id } } as never;
    await expect(readVoidedCreditNote({ stripe, database, tenant })(job)).rejects.toMatchObject({
      code: 'FINANCE_INVOICE_AT_WORK',
      retry: 'later',
    });
    const keys = { invoiceId, orderId: reference['throughline_order_id']!, opportunityId: randomUUID(), occurrence: 1 };
    const issued = toCreditNoteIssued(keys, toIssuedCreditNote(note), returnId, tenant);
    await database.transaction((tx) => insertCreditNote(tx, issued, note.id));
    await noLongerAtWork(invoiceId);
    await sweep();
    expect(emitted).toMatchObject([{ type: 'CreditNoteVoided', payload: { invoiceId, returnId } }]);
  });

  it('finds by the sweep the credit note whose webhook never came', async () => {
    await sweep();
    await sandbox.faults({ kind: 'webhook-drop', vendor: 'stripe' });
    const { id } = await openInvoice();
    await credit(id, 100);
    expect(await sweep()).toBe(1);
    expect(emitted).toMatchObject([{ type: 'CreditNoteIssued', payload: { amount: '1.0000' } }]);
  });

  it.each([
    ['for a return', { throughline_return_id: randomUUID() }],
    ['to take the invoice back', {}],
  ])('ends the echo of a credit note that we asked for %s', async (_, purpose) => {
    const { id, reference } = await openInvoice();
    const note = await sdk.creditNotes.create({
      invoice: id,
      amount: 100,
      metadata: { throughline_invoice_id: reference['throughline_invoice_id']!, ...purpose },
    });
    await until(() => received.includes('credit_note.created'));
    await sweep();
    expect(emitted).toEqual([]);
    expect(await outcomesOf(note.id)).toEqual(['credit_note.created echo']);
  });

  it('keeps apart the credit note of an invoice that is not ours', async () => {
    const { id } = await openInvoice(false);
    const note = await credit(id, 100);
    await until(async () => (await outcomesOf(note.id)).includes('credit_note.created not-ours'));
    expect(emitted).toEqual([]);
  });

  it('reads every page before it moves its cursor', async () => {
    await sweep();
    const pages = [[event('evt_new', 2_000_000_000)], [event('evt_old', 1_999_999_000)]];
    const failing = {
      async *eventsSince() {
        yield pages[0]!;
        throw new Error('Stripe went away');
      },
    };
    await expect(sweep('one', { stripe: failing })).rejects.toThrow('went away');
    const asked: number[] = [];
    const whole = {
      async *eventsSince(since: number) {
        asked.push(since);
        yield* pages;
      },
    };
    expect(await sweep('one', { stripe: whole })).toBe(1);
    await sweep('one', { stripe: whole });
    expect(asked[0]).toBeLessThan(1_999_999_000);
    expect(asked[1]).toBe(2_000_000_000 - 600);
  });

  it('lets one instance sweep at a time, and another take over from one that died', async () => {
    await sweep('one', { leaseMs: 200 });
    expect(await sweep('two')).toBeUndefined();
    await until(async () => (await sweep('two')) !== undefined);
    expect(await sweep('one')).toBeUndefined();
  });
});

function event(id: string, created: number): Stripe.Event {
  return {
    id,
    object: 'event',
    type: 'invoice.paid',
    created,
    data: { object: { id: `in_${id}`, object: 'invoice', metadata: {} } },
  } as unknown as Stripe.Event;
}
