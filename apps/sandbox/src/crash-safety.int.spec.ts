import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Admin, Client as MedusaClient } from '@medusajs/js-sdk';
import { choosePort } from '@throughline/local-stack';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { Stripe } from 'stripe';
import { Initial1732200000000 } from './migrations/1732200000000-initial.js';
import { callControl, secrets } from './spec/start-sandbox.js';
import { receiveWebhooks, type WebhookReceiver } from './spec/webhook-receiver.js';

jest.setTimeout(120_000);

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
let database: TestDatabase;
let receiver: WebhookReceiver;
let child: ChildProcess | undefined;
let port: number;

beforeAll(async () => {
  database = await testDatabase([Initial1732200000000]);
  receiver = await receiveWebhooks();
  port = await choosePort();
});
afterAll(async () => {
  await kill();
  await receiver?.stop();
  await database?.drop();
});

/** The program as it is shipped (`npm run build` first), always on the same port and database. */
async function start(): Promise<void> {
  child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      ...secrets,
      PORT: String(port),
      DATABASE_URL: database.url,
      STRIPE_WEBHOOK_URLS: receiver.url,
      SEARCH_LAG_MS: '0',
      LOG_LEVEL: 'error',
    },
  });
  const running = child;
  for (;;) {
    if (running.exitCode !== null) throw new Error('the sandbox ended: run "npm run build" and look above');
    if (
      await fetch(`http://127.0.0.1:${port}/health/ready`).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function kill(): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

it('killed in the middle of writes: what was answered stands, a repeated key does nothing twice, every webhook arrives', async () => {
  await start();
  const stripe = new Stripe(secrets.STRIPE_SECRET_KEY, {
    host: '127.0.0.1',
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    timeout: 10_000,
    telemetry: false,
  });
  const answered = new Map<string, string>();
  const names = Array.from({ length: 120 }, (_, n) => `crash ${n}`);
  const create = async (name: string) => {
    const customer = await stripe.customers.create({ name }, { idempotencyKey: name });
    answered.set(name, customer.id);
  };
  const first = Promise.allSettled(names.map(create));
  while (answered.size < 20) await new Promise((resolve) => setTimeout(resolve, 5));
  await kill();
  await first;
  expect(answered.size).toBeLessThan(names.length);
  const before = new Map(answered);

  await start();
  for (const name of names) await create(name);
  for (const [name, id] of before) expect(answered.get(name)).toBe(id);
  const customers: Stripe.Customer[] = [];
  for await (const customer of stripe.customers.list({ limit: 100 })) customers.push(customer);
  expect(customers.map(({ name }) => name).sort()).toEqual([...names].sort());
  const told = () => new Set(receiver.received.map(({ json }) => json.data.object.id as string));
  await receiver.until(() => customers.every(({ id }) => told().has(id)), 60_000);
});

it('killed before a late effect was due: it happens after the restart, once', async () => {
  const url = `http://127.0.0.1:${port}`;
  const admin = new Admin(new MedusaClient({ baseUrl: url, apiKey: secrets.MEDUSA_API_KEY }));
  await callControl(url, 'PUT', '/sandbox/faults', {
    faults: [{ kind: 'timeout-then-apply', vendor: 'medusa', method: 'POST', count: 1, applyAfterMs: 400 }],
  });
  const region_id = (await admin.region.list({ currency_code: 'usd' })).regions[0]!.id;
  await expect(admin.draftOrder.create({ region_id, email: 'late@example.com' })).rejects.toThrow();
  await kill();
  await start();
  const drafts = () => admin.draftOrder.list({}).then(({ draft_orders }) => draft_orders.length);
  while ((await drafts()) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  await callControl(url, 'DELETE', '/sandbox/faults');
  expect(await drafts()).toBe(1);
  expect(await callControl(url, 'GET', '/sandbox/state')).toMatchObject({ lateRequests: 0, orders: { draft: 1 } });
});
