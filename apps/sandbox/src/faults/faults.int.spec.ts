import { randomUUID } from 'node:crypto';
import { Client } from '@hubspot/api-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Admin, Client as MedusaClient } from '@medusajs/js-sdk';
import { Stripe } from 'stripe';
import type { Json } from '../spec/json.js';
import { type RunningSandbox, secrets, startSandbox } from '../spec/start-sandbox.js';
import { receiveWebhooks, type WebhookReceiver } from '../spec/webhook-receiver.js';

jest.setTimeout(60_000);

let sandbox: RunningSandbox;
let receiver: WebhookReceiver;
let stripe: Stripe;
let admin: Admin;
let crm: Client['crm'];

beforeAll(async () => {
  receiver = await receiveWebhooks();
  sandbox = await startSandbox({ STRIPE_WEBHOOK_URLS: receiver.url, HUBSPOT_WEBHOOK_URLS: receiver.url });
  stripe = new Stripe(secrets.STRIPE_SECRET_KEY, {
    host: '127.0.0.1',
    port: sandbox.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
  admin = new Admin(new MedusaClient({ baseUrl: sandbox.url, apiKey: secrets.MEDUSA_API_KEY }));
  crm = new Client({
    accessToken: secrets.HUBSPOT_ACCESS_TOKEN,
    basePath: sandbox.url,
    numberOfApiCallRetries: 0,
    limiterOptions: { minTime: 0 },
  }).crm;
});
afterAll(async () => {
  await sandbox?.stop();
  await receiver?.stop();
});
beforeEach(() => faults());

const faults = (...list: object[]) => sandbox.control('PUT', '/sandbox/faults', { seed: 3, faults: list });
const fired = async () =>
  ((await sandbox.control('GET', '/sandbox/faults')).faults as { fired: number }[]).map((fault) => fault.fired);
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Json) => error,
  );
const named = async (name: string) => (await stripe.customers.search({ query: `name:'${name}'` })).data;
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(sandbox.url + path, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Bearer ${secrets.STRIPE_SECRET_KEY}`,
      ...headers,
    },
  });
const eventually = async <T>(read: () => Promise<T>, done: (value: T) => boolean): Promise<T> => {
  for (;;) {
    const value = await read();
    if (done(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

describe('requests', () => {
  it('answer-429: in each vendor’s words, with Retry-After, as often as told, counted', async () => {
    await faults(
      ...['stripe', 'hubspot', 'medusa'].map((vendor) => ({
        kind: 'answer-429',
        vendor,
        count: 1,
        retryAfterSeconds: 7,
      })),
    );
    expect(await refusal(stripe.customers.list())).toMatchObject({
      type: 'StripeRateLimitError',
      statusCode: 429,
      headers: { 'retry-after': '7' },
    });
    expect(await refusal(crm.deals.basicApi.getPage())).toMatchObject({
      code: 429,
      headers: { 'retry-after': '7' },
      body: { policyName: 'TEN_SECONDLY_ROLLING', errorType: 'RATE_LIMIT' },
    });
    expect(await refusal(admin.order.list())).toMatchObject({ status: 429 });
    await stripe.customers.list();
    expect(await fired()).toEqual([1, 1, 1]);
  });

  it('answer-500: nothing happens; remembered only where asked', async () => {
    const key = randomUUID();
    await faults({ kind: 'answer-500', vendor: 'stripe', method: 'POST', count: 1 });
    expect(await refusal(stripe.customers.create({ name: key }, { idempotencyKey: key }))).toMatchObject({
      type: 'StripeAPIError',
      statusCode: 500,
    });
    expect(await stripe.customers.create({ name: key }, { idempotencyKey: key })).toMatchObject({ name: key });
    const stuck = randomUUID();
    await faults({ kind: 'answer-500', vendor: 'stripe', method: 'POST', count: 1, remember: true });
    await refusal(stripe.customers.create({ name: stuck }, { idempotencyKey: stuck }));
    const again = await refusal(stripe.customers.create({ name: stuck }, { idempotencyKey: stuck }));
    expect(again).toMatchObject({
      statusCode: 500,
      headers: { 'idempotent-replayed': 'true', 'stripe-should-retry': 'false' },
    });
    expect(await named(stuck)).toEqual([]);
  });

  it('delay: late, then as usual; only on the path that was named', async () => {
    await faults({ kind: 'delay', vendor: 'stripe', path: '^/v1/products', delayMs: 300 });
    const start = Date.now();
    await stripe.customers.list();
    await stripe.products.list();
    expect(Date.now() - start).toBeGreaterThanOrEqual(300);
    expect(await fired()).toEqual([1]);
  });

  it('drop: no effect and no answer', async () => {
    const name = randomUUID();
    await faults({ kind: 'drop', vendor: 'stripe', method: 'POST', count: 1 });
    await expect(post('/v1/customers', `name=${name}`)).rejects.toThrow();
    expect(await named(name)).toEqual([]);
  });

  it('apply-then-drop: the effect without an answer; the same key then gets the answer', async () => {
    const name = randomUUID();
    await faults({ kind: 'apply-then-drop', vendor: 'stripe', method: 'POST', count: 1 });
    await expect(post('/v1/customers', `name=${name}`, { 'idempotency-key': name })).rejects.toThrow();
    const [applied] = await named(name);
    const answer = await post('/v1/customers', `name=${name}`, { 'idempotency-key': name });
    expect(answer.headers.get('idempotent-replayed')).toBe('true');
    expect(((await answer.json()) as { id: string }).id).toBe(applied!.id);
    expect(await named(name)).toHaveLength(1);
  });

  it('timeout-then-apply: no answer, the effect later and once; a retry with the key in between stands alone', async () => {
    const name = randomUUID();
    await faults({ kind: 'timeout-then-apply', vendor: 'stripe', method: 'POST', count: 1, applyAfterMs: 300 });
    await expect(post('/v1/customers', `name=${name}`, { 'idempotency-key': name })).rejects.toThrow();
    expect(await named(name)).toEqual([]);
    const retried = (await (await post('/v1/customers', `name=${name}`, { 'idempotency-key': name })).json()) as {
      id: string;
    };
    await eventually(
      () => sandbox.control('GET', '/sandbox/state'),
      (state) => state.lateRequests === 0,
    );
    expect((await named(name)).map(({ id }) => id)).toEqual([retried.id]);
    // Medusa has no keys: a late effect doubles what a retry has done.
    await faults({
      kind: 'timeout-then-apply',
      vendor: 'medusa',
      method: 'POST',
      path: 'draft-orders$',
      count: 1,
      applyAfterMs: 200,
    });
    const region_id = (await admin.region.list({ currency_code: 'usd' })).regions[0]!.id;
    const draft = () => admin.draftOrder.create({ region_id, email: `${name}@example.com`, metadata: { name } });
    expect(await refusal(draft())).toBeDefined();
    await draft();
    const drafts = () =>
      admin.draftOrder
        .list({ limit: 100, fields: 'id,metadata' } as Json)
        .then(({ draft_orders }) => draft_orders.filter(({ metadata }) => (metadata as Json)?.name === name));
    expect(await eventually(drafts, (found) => found.length === 2)).toHaveLength(2);
  });

  it('decide the same way for the same seed', async () => {
    const run = async () => {
      await faults({ kind: 'answer-500', vendor: 'hubspot', probability: 0.5 });
      const outcomes: boolean[] = [];
      for (let n = 0; n < 12; n++) outcomes.push((await refusal(crm.deals.basicApi.getPage(1))) === undefined);
      return outcomes;
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(new Set(first).size).toBe(2);
  });
});

describe('webhooks', () => {
  const about = (id: string) => receiver.received.filter(({ json }) => json.data?.object?.id === id);

  it('duplicate: the same event twice', async () => {
    await faults({ kind: 'webhook-duplicate', vendor: 'stripe', events: '^customer\\.created$', delayMs: 100 });
    const { id } = await stripe.customers.create({});
    await receiver.until(() => about(id).length === 2);
    expect(new Set(about(id).map(({ json }) => json.id)).size).toBe(1);
  });

  it('drop: never sent, though the event exists', async () => {
    await faults({ kind: 'webhook-drop', vendor: 'stripe', count: 1 });
    const lost = await stripe.customers.create({});
    const told = await stripe.customers.create({});
    await receiver.until(() => about(told.id).length === 1);
    await eventually(
      () => sandbox.control('GET', '/sandbox/state'),
      (state) => state.webhooksWaiting === 0,
    );
    expect(about(lost.id)).toEqual([]);
    expect(
      (await stripe.events.list({ type: 'customer.created', limit: 100 })).data.some(
        ({ data }) => (data.object as Stripe.Customer).id === lost.id,
      ),
    ).toBe(true);
    await eventually(fired, ([count]) => count === 1);
  });

  it('delay and disorder: a later event overtakes', async () => {
    await faults({ kind: 'webhook-delay', vendor: 'hubspot', count: 1, delayMs: 600 });
    const late = await crm.deals.basicApi.create({ properties: { dealname: 'late' } });
    const quick = await crm.deals.basicApi.create({ properties: { dealname: 'quick' } });
    const order = () =>
      receiver.received
        .flatMap(({ json }) => (Array.isArray(json) ? json : []))
        .filter(({ subscriptionType }) => subscriptionType === 'deal.creation')
        .map(({ objectId }) => String(objectId));
    await receiver.until(() => order().includes(late.id) && order().includes(quick.id));
    expect(order().indexOf(quick.id)).toBeLessThan(order().indexOf(late.id));
  });
});

it('the plan survives and can be removed; a wrong one is refused with the field', async () => {
  await expect(
    sandbox.control('PUT', '/sandbox/faults', { faults: [{ kind: 'drop', vendor: 'nobody' }] }),
  ).rejects.toThrow(/400.*vendor/);
  await faults({ kind: 'drop', vendor: 'stripe', path: '^/never' });
  expect(await sandbox.control('GET', '/sandbox/faults')).toMatchObject({
    seed: 3,
    faults: [{ kind: 'drop', vendor: 'stripe', fired: 0 }],
  });
  await sandbox.control('DELETE', '/sandbox/faults');
  expect(await sandbox.control('GET', '/sandbox/faults')).toEqual({ seed: 1, faults: [] });
});
