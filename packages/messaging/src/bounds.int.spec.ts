import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Database } from '@throughline/postgres';
import { ThroughlineError } from '@throughline/contracts';
import {
  cancelOrder,
  messagingHarness,
  orderCancelled,
  startTcpProxy,
  until,
  type MessagingHarness,
} from '@throughline/testing';
import { defineRoutes, effect, state, type Message } from './index.js';

jest.setTimeout(60_000);

describe('bounds: neither a slow vendor nor a stop takes for ever', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
  });
  afterEach(() => harness.close());

  it('partitions pause while the work queue is over its bound, visibly, and all of it is done in the end', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let done = 0;
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: {
          CancelOrder: effect(
            async () => {
              await gate;
              done++;
            },
            { dependency: 'slow' },
          ),
        },
      }),
      { limits: { workBacklog: 50, batchMessages: 20, effectConcurrency: { default: 2 } } },
    );
    for (let i = 0; i < 60; i++) {
      await messaging.transaction(async (tx) =>
        tx.emit(Array.from({ length: 5 }, () => cancelOrder(randomUUID(), 'x'))),
      );
    }
    await until('partitions pause', () => messaging.health().partitions.some(({ paused }) => paused));
    expect(messaging.health()).toMatchObject({
      ready: true,
      waits: [expect.stringContaining('because too much work waits')],
    });
    open();
    await until('all is done', () => done === 300);
    await until('partitions resume', () => messaging.health().partitions.every(({ paused }) => !paused));
  });

  it('partitions pause while too many messages are parked, and only those that bring more of them', async () => {
    let away = true;
    let handled = 0;
    let called = 0;
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder', 'OrderCancelled'],
        routes: {
          CancelOrder: effect(async () => void called++, { dependency: 'vendor' }),
          OrderCancelled: state(
            async (messages, tx) => {
              if (away) throw new ThroughlineError('not now', { code: 'NOT_NOW', retry: 'later' });
              tx.onCommit(() => (handled += messages.length));
            },
            { retry: { maxAttempts: 1_000, backoffMs: [50, 100] } },
          ),
        },
      }),
      { limits: { workBacklog: 20, batchMessages: 5 } },
    );
    for (let i = 0; i < 20; i++) {
      await messaging.transaction(async (tx) => tx.emit(Array.from({ length: 3 }, () => orderCancelled(randomUUID()))));
    }
    const paused = (): Set<string> =>
      new Set(messaging.health().partitions.flatMap(({ topic, paused }) => (paused ? [topic] : [])));
    await until('the partitions of events pause', () => paused().has(harness.topics.nameOf('OrderCancelled')));
    await messaging.transaction(async (tx) => tx.emit([cancelOrder(randomUUID(), 'x')]));
    await until('commands flow', () => called === 1);
    expect(paused().has(harness.topics.nameOf('CancelOrder'))).toBe(false);
    away = false;
    await until('all is handled', () => handled === 60);
    await until('partitions resume', () => paused().size === 0);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('a stop does not wait for a PostgreSQL that hangs', async () => {
    const line = await startTcpProxy(harness.test.url);
    const database = await Database.connect({ url: line.url, applicationName: 'spec' });
    try {
      const routes = defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: { CancelOrder: effect(async () => undefined, { dependency: 'x' }) },
      });
      const messaging = await harness.service(routes, { database });
      await until('it leads and takes part', () => messaging.health().ready && messaging.health().relay.leading);
      line.freeze();
      await sleep(1_500); // every loop has asked, and waits for an answer
      const begun = performance.now();
      await messaging.stop(500);
      expect(performance.now() - begun).toBeLessThan(5_000);
    } finally {
      await line.stop();
      await database.close();
    }
  });

  it('a stop ends what runs within the bound, and the next start goes on with the rest', async () => {
    const seen: string[] = [];
    let hang = true;
    const routes = defineRoutes({
      group: harness.topics.group,
      emits: ['CancelOrder'],
      routes: {
        CancelOrder: effect(
          async ({ payload }: Message<'CancelOrder'>, { signal, attempt }) => {
            if (hang && payload.reason === 'hangs') {
              await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
            }
            seen.push(`${payload.reason} ${attempt}`);
          },
          { dependency: 'x', retry: { maxAttempts: 1 } },
        ),
      },
    });
    const first = await harness.service(routes, { instanceId: 'one' });
    await first.transaction(async (tx) =>
      tx.emit([cancelOrder(randomUUID(), 'hangs'), cancelOrder(randomUUID(), 'fast')]),
    );
    await until('it runs', () => seen.includes('fast 1') && first.health().work['x']!.leased > 0);
    const begun = performance.now();
    await first.stop(1_000);
    expect(performance.now() - begun).toBeLessThan(6_000);
    hang = false;
    await harness.service(routes, { instanceId: 'two' });
    await until('the next one went on', () => seen.includes('hangs 1'));
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });
});
