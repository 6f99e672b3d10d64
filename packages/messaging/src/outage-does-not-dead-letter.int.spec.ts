import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import {
  cancelOrder,
  messagingHarness,
  orderCancelled,
  stackAddress,
  until,
  type MessagingHarness,
} from '@throughline/testing';
import pg from 'pg';
import { defineRoutes, effect, state, type Message, type Messaging } from './index.js';

jest.setTimeout(90_000);

const note = { name: 'note', text: 'INSERT INTO noted (key) SELECT * FROM unnest($1::text[])' };

describe('outage-does-not-dead-letter: what is down is waited for', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  let vendorDown = false;
  let calls = 0;
  const vendor: string[] = [];
  const neighbour: string[] = [];

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled', 'UpdateOpportunity']);
    await harness.rows('CREATE TABLE noted (key text)');
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder', 'OrderCancelled', 'UpdateOpportunity'],
        routes: {
          CancelOrder: effect(
            async ({ payload }: Message<'CancelOrder'>) => {
              calls++;
              if (vendorDown)
                throw new ThroughlineError('down', { code: 'VENDOR_DOWN', retry: 'pause', dependency: 'vendor' });
              vendor.push(payload.orderId);
            },
            { dependency: 'vendor', retry: { maxAttempts: 1 } },
          ),
          UpdateOpportunity: effect(
            async ({ payload }: Message<'UpdateOpportunity'>) => void neighbour.push(payload.opportunityId),
            {
              dependency: 'neighbour',
            },
          ),
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
            await tx.query(note, [messages.map(({ payload }) => payload.orderId)]);
          }),
        },
      }),
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());

  it('a vendor: its work pauses and is probed, other work flows, and it resumes by itself', async () => {
    const orders = Array.from({ length: 100 }, () => randomUUID());
    const deal = randomUUID();
    vendorDown = true;
    await messaging.transaction(async (tx) => tx.emit(orders.map((id) => cancelOrder(id, 'x'))));
    await until('it is paused', () => messaging.health().work['vendor']!.paused);
    await messaging.transaction(async (tx) =>
      tx.emit([
        {
          type: 'UpdateOpportunity',
          payload: {
            opportunityId: deal,
            occurrence: 1,
            orderId: deal,
            orderNumber: '1',
            invoiceId: deal,
            invoiceNumber: '1',
          },
          correlationId: deal,
        },
      ]),
    );
    await until('the neighbour flows', () => neighbour.includes(deal));
    await sleep(2_500); // at least one probe
    expect(calls).toBeLessThan(50);
    expect(vendor).toEqual([]);
    vendorDown = false;
    await until('it resumed', () => vendor.length === 100);
    expect([...vendor].sort()).toEqual([...orders].sort());
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('PostgreSQL: messages and outcomes wait, in order, and health says so without asking for a restart', async () => {
    const orders = Array.from({ length: 30 }, () => randomUUID());
    const half = orders.slice(0, 15);
    const name = new URL(harness.test.url).pathname.slice(1);
    const admin = new pg.Client({ connectionString: stackAddress('postgresUrl') });
    await admin.connect();
    const before = vendor.length;
    await messaging.transaction(async (tx) =>
      tx.emit(orders.flatMap((id) => [cancelOrder(id, 'x'), orderCancelled(id)])),
    );
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    await expect(messaging.transaction(async (tx) => tx.emit([cancelOrder(half[0]!, 'y')]))).rejects.toThrow();
    await sleep(2_000);
    expect(messaging.health().live).toBe(true);
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await admin.end();
    await until('all are noted', async () => (await harness.rows('SELECT 1 FROM noted')).length === 30);
    await until('all are cancelled', () => new Set(vendor.slice(before)).size === 30);
    await until('nothing waits', async () => (await harness.rows('SELECT 1 FROM work')).length === 0);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
    await until('ready again', () => messaging.health().ready);
  });
});
