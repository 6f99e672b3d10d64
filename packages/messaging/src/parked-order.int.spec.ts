import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, state, type Message, type Routes } from './index.js';

jest.setTimeout(90_000);

const note = { name: 'note', text: 'INSERT INTO noted (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };
const later = (): Error => new ThroughlineError('not now', { code: 'NOT_NOW', retry: 'later' });

describe('parked-order: what waits is released strictly in order, whatever happens to the instances meanwhile', () => {
  let harness: MessagingHarness;
  /** The keys whose first message fails for now. */
  const failing = new Set<string>();
  let called: string[];

  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
    await harness.rows('CREATE TABLE noted (id serial, key text, n int)');
    failing.clear();
    called = [];
  });
  afterEach(() => harness.close());

  const routes = (): Routes => {
    const retry = { maxAttempts: 1_000, backoffMs: [20, 60] as [number, number] };
    return defineRoutes({
      group: harness.topics.group,
      emits: ['CancelOrder', 'OrderCancelled'],
      routes: {
        OrderCancelled: state(
          async (messages: Message<'OrderCancelled'>[], tx) => {
            const all = messages.map(({ payload }) => payload);
            if (all.some(({ orderId, occurrence }) => occurrence === 1 && failing.has(orderId))) throw later();
            await tx.query(note, [all.map(({ orderId }) => orderId), all.map(({ occurrence }) => occurrence)]);
          },
          { retry },
        ),
        CancelOrder: effect(
          async ({ payload }: Message<'CancelOrder'>) => {
            if (payload.reason === '1' && failing.has(payload.orderId)) throw later();
            called.push(`${payload.orderId} ${payload.reason}`);
          },
          { dependency: 'vendor', retry },
        ),
      },
    });
  };

  it('restarts, and partitions that move', async () => {
    // Few enough not to look like an outage of the vendor.
    const keys = Array.from({ length: 4 }, () => randomUUID());
    for (const key of keys) failing.add(key);
    const writer = await harness.service(routes(), { start: false });
    const send = (n: number): Promise<void> =>
      writer.transaction(async (tx) =>
        tx.emit(keys.flatMap((key) => [orderCancelled(key, { occurrence: n }), cancelOrder(key, String(n))])),
      );
    const waiting = async (n: number): Promise<void> =>
      void (await until(`${n} wait`, async () => (await harness.rows('SELECT 1 FROM work')).length === n));

    const first = await harness.service(routes(), { instanceId: 'first' });
    await send(1);
    await send(2);
    await waiting(16);
    await first.stop(0);
    await send(3); // nobody reads it yet
    const second = await harness.service(routes(), { instanceId: 'second' });
    await waiting(24);
    await harness.service(routes(), { instanceId: 'third' }); // joins: partitions move
    await send(4);
    for (const key of keys.slice(0, 2)) failing.delete(key);
    await second.stop(0);
    await send(5);
    failing.clear();
    await send(6);
    await until('all are noted', async () => (await harness.rows('SELECT 1 FROM noted')).length === 24);
    await until('all are called', () => called.length === 24);
    for (const key of keys) {
      const noted = await harness.rows<{ n: number }>('SELECT n FROM noted WHERE key = $1 ORDER BY id', [key]);
      expect(noted.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(called.filter((it) => it.startsWith(key))).toEqual([1, 2, 3, 4, 5, 6].map((n) => `${key} ${n}`));
    }
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('what has failed for as long as its route allows is given up, however many attempts are left', async () => {
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: {
          CancelOrder: effect(() => Promise.reject(later()), {
            dependency: 'vendor',
            retry: { maxAttempts: 1_000, giveUpAfterMs: 400, backoffMs: [50, 100] },
          }),
        },
      }),
    );
    await messaging.transaction(async (tx) => tx.emit([cancelOrder(randomUUID(), 'x')]));
    const [letter] = await until('it is given up', async () => {
      const all = await harness.rows<{ attempts: number }>('SELECT attempts FROM dead_letter');
      return all.length > 0 && all;
    });
    // Waits of 25 to 100 ms: 400 of them are at least five attempts, and hardly more than ten.
    expect(letter!.attempts).toBeGreaterThanOrEqual(5);
    expect(letter!.attempts).toBeLessThanOrEqual(14);
  });

  it('no message is at fault for a rate limit: the vendor is left alone for as long as it asks, and nothing counts', async () => {
    const calls: number[] = [];
    let limited = true;
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: {
          CancelOrder: effect(
            async ({ payload }: Message<'CancelOrder'>) => {
              calls.push(performance.now());
              if (limited) {
                limited = false;
                const limit = { retryAfterMs: 800, rateLimited: true };
                throw new ThroughlineError('too many', { code: 'VENDOR_LIMITED', retry: 'later', ...limit });
              }
              called.push(payload.orderId);
            },
            { dependency: 'vendor', retry: { maxAttempts: 1 } },
          ),
        },
      }),
    );
    const orders = Array.from({ length: 3 }, () => randomUUID());
    await messaging.transaction(async (tx) => tx.emit([cancelOrder(orders[0]!, 'x')]));
    await until('it met the limit', () => calls.length === 1);
    await messaging.transaction(async (tx) => tx.emit(orders.slice(1).map((order) => cancelOrder(order, 'x'))));
    await until('all are through', () => called.length === 3);
    expect(calls[1]! - calls[0]!).toBeGreaterThanOrEqual(790);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });
});
