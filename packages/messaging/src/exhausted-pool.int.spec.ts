import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Database } from '@throughline/postgres';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, state, type Message, type Messaging } from './index.js';

jest.setTimeout(60_000);

const POOL_SIZE = 4;
const note = { name: 'note', text: 'INSERT INTO noted (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };

describe('exhausted-pool: without a connection everything waits, in order, and nothing is given up', () => {
  let harness: MessagingHarness;
  let database: Database;
  let messaging: Messaging;
  let writer: Messaging;
  const called = new Map<string, number[]>();

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
    await harness.rows('CREATE TABLE noted (id serial, key text, n int)');
    database = await harness.test.connect({ poolSize: POOL_SIZE, limits: { connectTimeoutMs: 300 } });
    const routes = defineRoutes({
      group: harness.topics.group,
      emits: ['CancelOrder', 'OrderCancelled'],
      routes: {
        CancelOrder: effect(
          async ({ payload }: Message<'CancelOrder'>, context) => {
            const n = Number(payload.reason);
            await context.once('cancel', { n }, async () => {
              called.set(payload.orderId, [...(called.get(payload.orderId) ?? []), n]);
            });
            await sleep(50);
            return { emit: [orderCancelled(payload.orderId, { occurrence: n })] };
          },
          { dependency: 'vendor', retry: { maxAttempts: 1 } },
        ),
        OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
          await tx.query(note, [
            messages.map(({ payload }) => payload.orderId),
            messages.map(({ payload }) => payload.occurrence),
          ]);
        }),
      },
    });
    messaging = await harness.service(routes, { instanceId: 'starved', database });
    writer = await harness.service(defineRoutes({ group: harness.topics.group, emits: ['CancelOrder'] }), {
      start: false,
    });
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());

  const once = [1, 2, 3, 4, 5, 6];
  async function expectAllOnce(keys: string[]): Promise<void> {
    const noted = async (): Promise<number> =>
      (await harness.rows('SELECT 1 FROM noted WHERE key = ANY($1)', [keys])).length;
    await until('all are noted', async () => (await noted()) >= keys.length * once.length);
    for (const key of keys) {
      expect(called.get(key)).toEqual(once);
      const rows = await harness.rows<{ n: number }>('SELECT n FROM noted WHERE key = $1 ORDER BY id', [key]);
      expect(rows.map(({ n }) => n)).toEqual(once);
    }
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  }
  async function write(keys: string[], numbers: number[]): Promise<void> {
    for (const n of numbers)
      await writer.transaction(async (tx) => tx.emit(keys.map((key) => cancelOrder(key, String(n)))));
  }

  it('somebody keeps all connections of the process, again and again, while messages flow', async () => {
    const keys = Array.from({ length: 20 }, () => randomUUID());
    for (const n of once) {
      await write(keys, [n]);
      await until('calls are on their way', () => [...called.values()].some((numbers) => numbers.includes(n)));
      const clients = await Promise.all(Array.from({ length: POOL_SIZE }, () => takeConnection(database)));
      await until('it waits, and says so', () => messaging.health().reasons.join().includes('waits for postgres'));
      expect(messaging.health()).toMatchObject({ ready: false, live: true });
      for (const client of clients) client.release();
    }
    await expectAllOnce(keys);
    await until('ready again', () => messaging.health().ready);
  });
});

/** A connection of the pool, however long others keep it. */
async function takeConnection({ pool }: Database): Promise<{ release(): void }> {
  for (;;) {
    const client = await pool.connect().catch(() => undefined);
    if (client) return client;
  }
}
