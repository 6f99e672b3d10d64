import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Admin, Client } from '@medusajs/js-sdk';
import { Stripe } from 'stripe';
import { type RunningSandbox, secrets, startSandbox } from '../spec/start-sandbox.js';
import { receiveWebhooks, type WebhookReceiver } from '../spec/webhook-receiver.js';
import type { DealRow, InvoiceRow, OrderRow } from './read-overview.js';

jest.setTimeout(60_000);

let sandbox: RunningSandbox;
let receiver: WebhookReceiver;

beforeAll(async () => {
  receiver = await receiveWebhooks();
  sandbox = await startSandbox({ HUBSPOT_WEBHOOK_URLS: receiver.url });
});
afterAll(async () => {
  await sandbox?.stop();
  await receiver?.stop();
});

const deal = async (id: string) =>
  (await sandbox.control<DealRow[]>('GET', '/sandbox/deals')).find((row) => row.id === id)!;

describe('a salesperson', () => {
  it('creates, closes, edits and reopens a deal; the app hears of it as a person’s change', async () => {
    const { id } = await sandbox.control('POST', '/sandbox/deals', {
      name: 'Rollout',
      currency: 'KWD',
      company: { name: 'Gulf', billingEmail: 'pay@gulf.example' },
      lines: [
        { name: 'Seats', quantity: 3, price: '10.125' },
        { name: 'Setup', price: 5 },
      ],
      contractStart: '2026-01-15',
      contractEnd: '2027-01-14',
    });
    const created = await deal(id);
    expect(created).toMatchObject({
      name: 'Rollout',
      company: 'Gulf',
      stage: 'contractsent',
      amount: '35.375',
      currency: 'KWD',
      contractStart: '2026-01-15',
    });
    await sandbox.control('POST', `/sandbox/deals/${id}/close`);
    expect(await deal(id)).toMatchObject({ stage: 'closedwon', closeDate: expect.any(String) });
    await sandbox.control('PATCH', `/sandbox/deals/${id}`, { lines: [{ id: created.lines[0]!.id, quantity: 4 }] });
    expect(await deal(id)).toMatchObject({ amount: '45.5' });
    await sandbox.control('PATCH', `/sandbox/deals/${id}`, {
      properties: { amount: '1' },
      removeLines: [created.lines[1]!.id],
    });
    expect(await deal(id)).toMatchObject({ amount: '1', lines: [{ name: 'Seats', amount: '40.5' }] });
    await sandbox.control('POST', `/sandbox/deals/${id}/reopen`);
    expect(await deal(id)).toMatchObject({ stage: 'contractsent' });
    const told = () =>
      receiver.received
        .flatMap(
          ({ json }) =>
            json as { objectId: number; propertyName?: string; propertyValue?: string; changeSource: string }[],
        )
        .filter(({ objectId }) => objectId === Number(id));
    await receiver.until(() => told().filter(({ propertyName }) => propertyName === 'dealstage').length === 3);
    expect(new Set(told().map(({ changeSource }) => changeSource))).toEqual(new Set(['CRM_UI']));
  });

  it('is told what is wrong', async () => {
    await expect(sandbox.control('POST', '/sandbox/deals/1/close')).rejects.toThrow(/404.*resource not found/);
    await expect(sandbox.control('POST', '/sandbox/deals', { lines: [{ name: 'x', price: 'much' }] })).rejects.toThrow(
      /400.*lines\.0\.price/,
    );
  });

  it('may leave a deal without company and without lines', async () => {
    const { id } = await sandbox.control('POST', '/sandbox/deals', {
      company: null,
      lines: [],
      amount: 10,
      stage: 'closedwon',
    });
    expect(await deal(id)).toMatchObject({ company: null, lines: [], amount: '10', stage: 'closedwon' });
  });
});

it('a customer pays an invoice; the state counts everything; a reset empties it and sets the shop up again', async () => {
  const stripe = new Stripe(secrets.STRIPE_SECRET_KEY, {
    host: '127.0.0.1',
    port: sandbox.port,
    protocol: 'http',
    telemetry: false,
  });
  const { id: customer } = await stripe.customers.create({});
  const { id } = await stripe.invoices.create({ customer, currency: 'usd' });
  await stripe.invoiceItems.create({ customer, invoice: id, amount: 5 });
  await expect(sandbox.control('POST', `/sandbox/invoices/${id}/pay`)).rejects.toThrow(/draft/);
  await stripe.invoices.finalizeInvoice(id);
  expect(await sandbox.control('POST', `/sandbox/invoices/${id}/pay`)).toEqual({ id, status: 'paid' });
  expect(await sandbox.control('GET', '/sandbox/state')).toMatchObject({ invoices: { paid: 1 }, stripeCustomers: 1 });
  await sandbox.control('POST', '/sandbox/reset');
  expect(await sandbox.control('GET', '/sandbox/state')).toMatchObject({
    deals: {},
    invoices: {},
    orders: {},
    webhooksWaiting: 0,
  });
  const regions = await fetch(`${sandbox.url}/admin/regions`, {
    headers: { authorization: `Basic ${btoa(`${secrets.MEDUSA_API_KEY}:`)}` },
  });
  expect(((await regions.json()) as { count: number }).count).toBeGreaterThan(20);
});

it('a warehouse runs out and is restocked; goods of an order come back', async () => {
  const admin = new Admin(new Client({ baseUrl: sandbox.url, apiKey: secrets.MEDUSA_API_KEY }));
  const setStock = (quantity: number | null) => sandbox.control('PUT', '/sandbox/stock/CHAIR-1', { quantity });
  expect(await setStock(0)).toEqual({ sku: 'CHAIR-1', product: 'CHAIR-1', stocked: 0, reserved: 0 });
  expect(await setStock(7)).toMatchObject({ stocked: 7 });
  const [variant] = (await admin.productVariant.list({ sku: 'CHAIR-1' })).variants;
  const [region] = (await admin.region.list({ currency_code: 'eur' })).regions;
  const [option] = (await admin.shippingOption.list({})).shipping_options;
  const { draft_order: draft } = await admin.draftOrder.create({
    region_id: region!.id,
    items: [{ variant_id: variant!.id, unit_price: 5, quantity: 4 }],
    shipping_methods: [{ name: option!.name, shipping_option_id: option!.id, amount: 0 }],
  } as never);
  await admin.draftOrder.convertToOrder(draft.id);
  const items = [{ id: draft.items[0]!.id, quantity: 3 }];
  await admin.order.createFulfillment(draft.id, { items });
  const row = async () =>
    (await sandbox.control<OrderRow[]>('GET', '/sandbox/orders')).find(({ id }) => id === draft.id)!;
  expect(await row()).toMatchObject({ ordered: 4, shipped: 0, returnable: 3, returned: 0 });
  expect(
    await sandbox.control('POST', `/sandbox/orders/${draft.id}/return`, { items: [{ ...items[0], quantity: 1 }] }),
  ).toMatchObject({ status: 'received' });
  expect(await sandbox.control('POST', `/sandbox/orders/${draft.id}/return`)).toMatchObject({ status: 'received' });
  expect(await row()).toMatchObject({ returnable: 0, returned: 3 });
  await expect(sandbox.control('POST', `/sandbox/orders/${draft.id}/return`)).rejects.toThrow(/400/);
  expect(await setStock(null)).toEqual({ sku: 'CHAIR-1', product: 'CHAIR-1', stocked: null, reserved: null });
  await expect(sandbox.control('PUT', '/sandbox/stock/CHAIR-1', { quantity: -1 })).rejects.toThrow(/400.*quantity/);
});

it('a person credits a part of an invoice, open or paid, and then the rest', async () => {
  const stripe = new Stripe(secrets.STRIPE_SECRET_KEY, {
    host: '127.0.0.1',
    port: sandbox.port,
    protocol: 'http',
    telemetry: false,
  });
  const { id: customer } = await stripe.customers.create({});
  const { id } = await stripe.invoices.create({ customer, currency: 'usd' });
  await stripe.invoiceItems.create({ customer, invoice: id, amount: 1000 });
  const credit = (body: object) => sandbox.control('POST', `/sandbox/invoices/${id}/credit`, body);
  await expect(credit({ amount: 100 })).rejects.toThrow(/draft/);
  const { number } = await stripe.invoices.finalizeInvoice(id);
  expect(await credit({ amount: 100, memo: 'Late' })).toMatchObject({ number: `${number}-CN-01`, amount: 100 });
  expect(await stripe.invoices.retrieve(id)).toMatchObject({ status: 'open', amount_remaining: 900 });
  await sandbox.control('POST', `/sandbox/invoices/${id}/pay`);
  await credit({ amount: 200, giveBack: 'refund' });
  await credit({ amount: 150, giveBack: 'outside' });
  await expect(credit({ amount: 551 })).rejects.toThrow(/greater than what can still be credited/);
  expect(await credit({})).toMatchObject({ number: `${number}-CN-04`, amount: 550 });
  const { data } = await stripe.creditNotes.list({ invoice: id });
  expect(
    data.map((note) => [
      note.type,
      note.refunds.length,
      note.out_of_band_amount,
      note.customer_balance_transaction !== null,
    ]),
  ).toEqual([
    ['post_payment', 0, null, true],
    ['post_payment', 0, 150, false],
    ['post_payment', 1, null, false],
    ['pre_payment', 0, null, false],
  ]);
  const rows = await sandbox.control<InvoiceRow[]>('GET', '/sandbox/invoices');
  expect(rows.find((row) => row.id === id)).toMatchObject({ status: 'paid', amountCredited: 1000 });
});

it('serves a page that loads nothing from elsewhere', async () => {
  const response = await fetch(sandbox.url);
  const page = await response.text();
  expect(response.headers.get('content-type')).toMatch(/text\/html/);
  expect(page).toMatch(/<html lang="en">/);
  expect(page).not.toMatch(/(src|href)="https?:/);
});
