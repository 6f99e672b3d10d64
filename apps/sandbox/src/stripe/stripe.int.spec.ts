import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Stripe } from 'stripe';
import { type RunningSandbox, secrets, startSandbox } from '../spec/start-sandbox.js';
import { receiveWebhooks, type WebhookReceiver } from '../spec/webhook-receiver.js';

jest.setTimeout(60_000);

let sandbox: RunningSandbox;
let receiver: WebhookReceiver;
let stripe: Stripe;

beforeAll(async () => {
  receiver = await receiveWebhooks();
  sandbox = await startSandbox({ STRIPE_WEBHOOK_URLS: receiver.url });
  stripe = client(secrets.STRIPE_SECRET_KEY);
});
afterAll(async () => {
  await sandbox?.stop();
  await receiver?.stop();
});

const client = (key: string) =>
  new Stripe(key, { host: '127.0.0.1', port: sandbox.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
const email = () => `${randomUUID()}@example.com`;
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Stripe.errors.StripeError) => error,
  );

async function openInvoice(amount = 1000, currency = 'usd') {
  const customer = await stripe.customers.create({ email: email() });
  const draft = await stripe.invoices.create({ customer: customer.id, currency });
  await stripe.invoiceItems.create({ customer: customer.id, invoice: draft.id, amount, currency });
  return stripe.invoices.finalizeInvoice(draft.id);
}

describe('customers', () => {
  it('are created, read, changed, listed by email and found by metadata', async () => {
    const address = email();
    const customer = await stripe.customers.create({
      email: address,
      name: 'Ada & Söhne',
      metadata: { account: 'a+b=c' },
      address: { country: 'DE', line1: 'Weg 1' },
    });
    expect(customer).toMatchObject({
      object: 'customer',
      email: address,
      name: 'Ada & Söhne',
      metadata: { account: 'a+b=c' },
    });
    expect(customer.lastResponse).toMatchObject({
      apiVersion: '2026-10-28.endive',
      requestId: expect.stringMatching(/^req_/),
    });
    await stripe.customers.update(customer.id, { metadata: { account: '', other: '1' }, name: 'Ada' });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ name: 'Ada', metadata: { other: '1' } });
    expect((await stripe.customers.list({ email: address })).data.map(({ id }) => id)).toEqual([customer.id]);
    expect(
      (await stripe.customers.search({ query: `metadata['other']:'1' AND email:'${address}'` })).data,
    ).toHaveLength(1);
  });

  it('a list is walked page by page', async () => {
    for (let n = 0; n < 5; n++) await stripe.customers.create({ name: `walk ${n}` });
    const names: (string | null | undefined)[] = [];
    for await (const { name } of stripe.customers.list({ limit: 2 })) names.push(name);
    expect(names.filter((name) => name?.startsWith('walk'))).toEqual([
      'walk 4',
      'walk 3',
      'walk 2',
      'walk 1',
      'walk 0',
    ]);
  });
});

describe('what Stripe refuses', () => {
  it('a wrong key, an unknown object, an unknown parameter, a missing one, a wrong type', async () => {
    expect(await refusal(client('sk_test_wrong').customers.list())).toMatchObject({
      type: 'StripeAuthenticationError',
      statusCode: 401,
    });
    expect(await refusal(stripe.customers.retrieve('cus_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'id',
    });
    expect(await refusal(stripe.customers.create({ colour: 'red' } as never))).toMatchObject({
      statusCode: 400,
      code: 'parameter_unknown',
      param: 'colour',
    });
    expect(await refusal(stripe.invoices.create({}))).toMatchObject({ code: 'parameter_missing', param: 'customer' });
    expect(await refusal(stripe.customers.list({ limit: 'x' as never }))).toMatchObject({
      code: 'parameter_invalid_integer',
      param: 'limit',
    });
    expect(
      await refusal(stripe.invoiceItems.create({ customer: 'cus_none', amount: 1, currency: 'usd' })),
    ).toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'customer' });
    expect(await refusal(stripe.products.create({ name: 'x', metadata: { key: 'v'.repeat(501) } }))).toMatchObject({
      statusCode: 400,
    });
  });

  it('amounts that a currency cannot carry', async () => {
    const { id: customer } = await stripe.customers.create({});
    const item = (amount: number, currency: string) => stripe.invoiceItems.create({ customer, amount, currency });
    expect(await refusal(item(12_345, 'kwd'))).toMatchObject({ statusCode: 400, param: 'amount' });
    expect(await item(12_340, 'kwd')).toMatchObject({ amount: 12_340, currency: 'kwd' });
    expect(await item(777, 'jpy')).toMatchObject({ amount: 777 });
    expect(await refusal(item(1, 'xxx'))).toMatchObject({ param: 'currency' });
  });
});

describe('products and prices', () => {
  it('a product under an id of ours exists once', async () => {
    const id = `tl_${randomUUID()}`;
    expect(await stripe.products.create({ id, name: 'Seat' })).toMatchObject({ id, name: 'Seat', active: true });
    expect(await refusal(stripe.products.create({ id, name: 'Seat' }))).toMatchObject({
      statusCode: 400,
      code: 'resource_already_exists',
    });
    const price = await stripe.prices.create({ product: id, currency: 'eur', unit_amount: 1250 });
    expect(price).toMatchObject({ unit_amount: 1250, product: id });
    expect((await stripe.prices.list({ product: id })).data).toHaveLength(1);
    expect((await stripe.products.list({ ids: [id] })).data).toHaveLength(1);
  });
});

describe('an invoice', () => {
  it('goes from draft to open to paid, with number, lines, totals and payment', async () => {
    const customer = await stripe.customers.create({ email: email() });
    const product = await stripe.products.create({ name: 'Support' });
    const draft = await stripe.invoices.create({
      customer: customer.id,
      currency: 'eur',
      collection_method: 'send_invoice',
      days_until_due: 30,
      metadata: { order: 'o-1' },
    });
    expect(draft).toMatchObject({ status: 'draft', number: null, total: 0, metadata: { order: 'o-1' } });
    await stripe.invoiceItems.create({
      customer: customer.id,
      invoice: draft.id,
      amount: 999,
      currency: 'eur',
      description: 'Setup',
      metadata: { line: '1' },
    });
    await stripe.invoiceItems.create({
      customer: customer.id,
      invoice: draft.id,
      quantity: 3,
      price_data: { currency: 'eur', product: product.id, unit_amount: 500 },
    });
    const open = await stripe.invoices.finalizeInvoice(draft.id, { auto_advance: false });
    expect(open).toMatchObject({
      status: 'open',
      total: 2499,
      amount_due: 2499,
      amount_remaining: 2499,
      currency: 'eur',
      due_date: draft.created + 30 * 86_400,
    });
    expect(open.number).toMatch(/^[A-Z0-9]{8}-0001$/);
    expect(open.lines.data.map(({ amount, description, quantity }) => ({ amount, description, quantity }))).toEqual([
      { amount: 999, description: 'Setup', quantity: 1 },
      { amount: 1500, description: 'Support', quantity: 3 },
    ]);
    expect(open.lines.data[0]?.metadata).toEqual({ line: '1' });
    expect(open.lines.data[1]?.pricing?.unit_amount_decimal?.toString()).toBe('500');
    const paid = await stripe.invoices.pay(draft.id, { paid_out_of_band: true, expand: ['payments', 'customer'] });
    expect(paid).toMatchObject({
      status: 'paid',
      amount_paid: 2499,
      amount_remaining: 0,
      customer: { id: customer.id },
    });
    expect(paid.payments?.data).toMatchObject([
      { amount_paid: 2499, status: 'paid', payment: { type: 'payment_record' } },
    ]);
    expect((await stripe.invoicePayments.list({ invoice: draft.id })).data).toHaveLength(1);
    expect((await stripe.invoices.list({ customer: customer.id, status: 'paid' })).data.map(({ id }) => id)).toEqual([
      draft.id,
    ]);
    expect((await stripe.invoices.search({ query: `metadata['order']:'o-1'` })).data).toHaveLength(1);
  });

  it('shows ten lines and pages the rest', async () => {
    const { id: customer } = await stripe.customers.create({});
    const { id } = await stripe.invoices.create({ customer, currency: 'usd' });
    const lines = Array.from({ length: 12 }, (_, n) => ({ amount: n + 1, description: `line ${n}` }));
    const invoice = await stripe.invoices.addLines(id, { lines });
    expect(invoice.lines).toMatchObject({ has_more: true, data: { length: 10 } });
    const all: number[] = [];
    for await (const line of stripe.invoices.listLineItems(id, { limit: 5 })) all.push(line.amount);
    expect(all).toEqual(lines.map(({ amount }) => amount));
    expect((await stripe.invoiceItems.list({ invoice: id, limit: 100 })).data).toHaveLength(12);
  });

  it('knows its states: what is finalized cannot be edited, what is paid cannot be voided, what is void cannot be paid', async () => {
    const open = await openInvoice();
    expect(await refusal(stripe.invoices.finalizeInvoice(open.id))).toMatchObject({ statusCode: 400 });
    expect(
      await refusal(
        stripe.invoiceItems.create({ customer: open.customer as string, invoice: open.id, amount: 1, currency: 'usd' }),
      ),
    ).toMatchObject({ code: 'invoice_not_editable' });
    expect(await refusal(stripe.invoices.del(open.id))).toMatchObject({ statusCode: 400 });
    expect(await stripe.invoices.update(open.id, { metadata: { late: 'yes' } })).toMatchObject({
      metadata: { late: 'yes' },
    });
    expect(await stripe.invoices.voidInvoice(open.id)).toMatchObject({ status: 'void' });
    expect(await refusal(stripe.invoices.pay(open.id, { paid_out_of_band: true }))).toMatchObject({
      message: 'Voided invoices cannot be paid.',
    });
    const second = await openInvoice();
    await stripe.invoices.pay(second.id, { payment_method: 'pm_card_visa' });
    expect(await refusal(stripe.invoices.voidInvoice(second.id))).toMatchObject({ code: 'status_transition_invalid' });
    expect(await refusal(stripe.invoices.pay(second.id, { paid_out_of_band: true }))).toMatchObject({
      message: 'Invoice is already paid',
    });
    const third = await openInvoice();
    expect(await refusal(stripe.invoices.pay(third.id, { payment_method: 'pm_card_chargeDeclined' }))).toMatchObject({
      type: 'StripeCardError',
      statusCode: 402,
    });
  });

  it('takes the currency of its items only, and a draft can be deleted', async () => {
    const { id: customer } = await stripe.customers.create({});
    const { id } = await stripe.invoices.create({ customer, currency: 'jpy' });
    expect(
      await refusal(stripe.invoiceItems.create({ customer, invoice: id, amount: 1, currency: 'usd' })),
    ).toMatchObject({ param: 'currency' });
    expect(await stripe.invoices.del(id)).toMatchObject({ id, deleted: true });
    expect(await refusal(stripe.invoices.retrieve(id))).toMatchObject({ statusCode: 404 });
  });
});

describe('credit notes', () => {
  it('credit a paid invoice once, by refund or outside Stripe', async () => {
    const invoice = await openInvoice(5000);
    await stripe.invoices.pay(invoice.id, { payment_method: 'pm_card_visa' });
    expect(await refusal(stripe.creditNotes.create({ invoice: invoice.id, amount: 5000 }))).toMatchObject({
      statusCode: 400,
    });
    const note = await stripe.creditNotes.create({
      invoice: invoice.id,
      amount: 5000,
      refund_amount: 5000,
      reason: 'order_change',
      metadata: { ref: '1' },
    });
    expect(note).toMatchObject({
      amount: 5000,
      number: `${invoice.number}-CN-01`,
      type: 'post_payment',
      status: 'issued',
      metadata: { ref: '1' },
    });
    expect(
      await refusal(stripe.creditNotes.create({ invoice: invoice.id, amount: 1, out_of_band_amount: 1 })),
    ).toMatchObject({ param: 'amount' });
    expect((await stripe.creditNotes.list({ invoice: invoice.id })).data.map(({ id }) => id)).toEqual([note.id]);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'paid',
      post_payment_credit_notes_amount: 5000,
    });
  });

  it('a full credit settles an open invoice', async () => {
    const invoice = await openInvoice(700);
    await stripe.creditNotes.create({
      invoice: invoice.id,
      lines: [{ type: 'invoice_line_item', invoice_line_item: invoice.lines.data[0]!.id, quantity: 1 }],
    });
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'paid',
      amount_remaining: 0,
      pre_payment_credit_notes_amount: 700,
    });
  });
});

describe('credit notes over a part', () => {
  const noteOver = (invoice: string, amount: number, more: Partial<Stripe.CreditNoteCreateParams> = {}) =>
    stripe.creditNotes.create({ invoice, amount, ...more });

  it('lower what an open invoice asks for, and are numbered', async () => {
    const invoice = await openInvoice(1000);
    const first = await noteOver(invoice.id, 300);
    const second = await noteOver(invoice.id, 200);
    expect([first, second]).toMatchObject([
      { number: `${invoice.number}-CN-01`, type: 'pre_payment', pre_payment_amount: 300, post_payment_amount: 0 },
      { number: `${invoice.number}-CN-02`, type: 'pre_payment', pre_payment_amount: 200 },
    ]);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'open',
      total: 1000,
      amount_due: 500,
      amount_remaining: 500,
      pre_payment_credit_notes_amount: 500,
    });
    expect(await refusal(noteOver(invoice.id, 501))).toMatchObject({ statusCode: 400, param: 'amount' });
    expect(await refusal(noteOver(invoice.id, 100, { credit_amount: 100 }))).toMatchObject({ statusCode: 400 });
    expect(await stripe.invoices.pay(invoice.id, { paid_out_of_band: true })).toMatchObject({ amount_paid: 500 });
  });

  it('give back what was paid, to the balance, by refund or outside Stripe, and never more than is left', async () => {
    const invoice = await openInvoice(1000);
    await noteOver(invoice.id, 400);
    await stripe.invoices.pay(invoice.id, { paid_out_of_band: true });
    expect(await refusal(noteOver(invoice.id, 100))).toMatchObject({ statusCode: 400, param: 'amount' });
    expect(await refusal(noteOver(invoice.id, 100, { credit_amount: 99 }))).toMatchObject({ param: 'amount' });
    // It was paid past Stripe, so Stripe has nothing to refund.
    expect(await refusal(noteOver(invoice.id, 100, { refund_amount: 100 }))).toMatchObject({ param: 'refund_amount' });
    expect(await noteOver(invoice.id, 100, { credit_amount: 60, out_of_band_amount: 40 })).toMatchObject({
      type: 'post_payment',
      post_payment_amount: 100,
      out_of_band_amount: 40,
      customer_balance_transaction: expect.stringMatching(/^cbtxn_/),
    });
    expect(await stripe.customers.retrieve(invoice.customer as string)).toMatchObject({ balance: -60 });
    expect(await refusal(noteOver(invoice.id, 501, { credit_amount: 501 }))).toMatchObject({ param: 'amount' });
    expect(await noteOver(invoice.id, 500, { credit_amount: 500 })).toMatchObject({
      number: `${invoice.number}-CN-03`,
    });
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      pre_payment_credit_notes_amount: 400,
      post_payment_credit_notes_amount: 600,
    });
  });

  it('are refused over nothing, over what a currency cannot carry, and for what is not open or paid', async () => {
    const invoice = await openInvoice(12_340, 'kwd');
    expect(await refusal(noteOver(invoice.id, 0))).toMatchObject({ param: 'amount' });
    expect(await refusal(noteOver(invoice.id, 1235))).toMatchObject({ param: 'amount' });
    await stripe.invoices.voidInvoice(invoice.id);
    expect(await refusal(noteOver(invoice.id, 1230))).toMatchObject({ param: 'invoice' });
  });

  it('are told by a webhook each, and are made once under their key', async () => {
    const invoice = await openInvoice(1000);
    const idempotencyKey = randomUUID();
    const make = () => stripe.creditNotes.create({ invoice: invoice.id, amount: 300 }, { idempotencyKey });
    const note = await make();
    expect((await make()).id).toBe(note.id);
    const about = () => receiver.received.filter(({ json }) => json.data.object.id === note.id);
    await receiver.until(() => about().length >= 1);
    expect(about().map(({ json }) => [json.type, json.data.object.amount, json.data.object.invoice])).toEqual([
      ['credit_note.created', 300, invoice.id],
    ]);
    expect((await stripe.events.list({ types: ['credit_note.created'] })).data[0]).toMatchObject({
      data: { object: { id: note.id } },
    });
  });
});

describe('idempotency keys', () => {
  it('replay the first answer, also under a changed request id', async () => {
    const idempotencyKey = randomUUID();
    const first = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
    const second = await stripe.customers.create({ name: 'Once' }, { idempotencyKey });
    expect(second.id).toBe(first.id);
    expect(second.lastResponse.headers).toMatchObject({
      'idempotent-replayed': 'true',
      'original-request': first.lastResponse.requestId,
      'idempotency-key': idempotencyKey,
    });
  });

  it('refuse other parameters and other endpoints', async () => {
    const idempotencyKey = randomUUID();
    await stripe.customers.create({ name: 'One' }, { idempotencyKey });
    expect(await refusal(stripe.customers.create({ name: 'Two' }, { idempotencyKey }))).toMatchObject({
      type: 'StripeIdempotencyError',
      rawType: 'idempotency_error',
      statusCode: 400,
    });
    expect(await refusal(stripe.products.create({ name: 'One' }, { idempotencyKey }))).toMatchObject({
      type: 'StripeIdempotencyError',
    });
  });

  it('store a failure that came after execution began, and none that came before', async () => {
    const invoice = await openInvoice();
    const stored = randomUUID();
    expect(await refusal(stripe.invoices.finalizeInvoice(invoice.id, {}, { idempotencyKey: stored }))).toMatchObject({
      statusCode: 400,
    });
    const again = await refusal(stripe.invoices.finalizeInvoice(invoice.id, {}, { idempotencyKey: stored }));
    expect(again?.headers).toMatchObject({ 'idempotent-replayed': 'true' });
    const free = randomUUID();
    expect(await refusal(stripe.customers.create({ colour: 'red' } as never, { idempotencyKey: free }))).toMatchObject({
      statusCode: 400,
    });
    expect(await stripe.customers.create({ name: 'Red' }, { idempotencyKey: free })).toMatchObject({ name: 'Red' });
  });

  it('in use at the same time are refused with 409, and one effect stands', async () => {
    await sandbox.control('PUT', '/sandbox/faults', { faults: [] });
    const idempotencyKey = randomUUID();
    const name = `parallel ${idempotencyKey}`;
    const answers = await Promise.allSettled(
      Array.from({ length: 12 }, () => stripe.customers.create({ name }, { idempotencyKey })),
    );
    const ids = new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.id] : [])));
    expect(ids.size).toBe(1);
    for (const answer of answers)
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({ statusCode: 409, rawType: 'idempotency_error' });
    expect((await stripe.customers.search({ query: `name:'${name}'` })).data).toHaveLength(1);
  });
});

describe('events and webhooks', () => {
  it('tell of each change, signed so that the SDK accepts them', async () => {
    const invoice = await openInvoice(4200);
    await stripe.invoices.pay(invoice.id, { paid_out_of_band: true });
    const about = () => receiver.received.filter(({ json }) => json.data.object.id === invoice.id);
    await receiver.until(() => about().length >= 4);
    expect(
      about()
        .map(({ json }) => json.type)
        .sort(),
    ).toEqual(['invoice.created', 'invoice.finalized', 'invoice.paid', 'invoice.payment_succeeded']);
    for (const { body, headers } of about()) {
      const event = stripe.webhooks.constructEvent(
        body,
        headers['stripe-signature'] as string,
        secrets.STRIPE_WEBHOOK_SECRET,
      );
      expect(event.id).toMatch(/^evt_/);
      expect(() =>
        stripe.webhooks.constructEvent(
          body + ' ',
          headers['stripe-signature'] as string,
          secrets.STRIPE_WEBHOOK_SECRET,
        ),
      ).toThrow();
    }
    const events = await stripe.events.list({
      types: ['invoice.paid', 'invoice.finalized'],
      created: { gte: invoice.created - 5 },
    });
    expect(
      events.data.filter(({ data }) => (data.object as Stripe.Invoice).id === invoice.id).map(({ type }) => type),
    ).toEqual(['invoice.paid', 'invoice.finalized']);
  });

  it('are sent again until they are answered 2xx', async () => {
    receiver.answers.push(500, 401);
    const before = receiver.received.length;
    const customer = await stripe.customers.create({ name: 'retry' });
    const about = () => receiver.received.slice(before).filter(({ json }) => json.data.object.id === customer.id);
    await receiver.until(() => about().length >= 3);
    expect(new Set(about().map(({ json }) => json.id)).size).toBe(1);
  });
});
