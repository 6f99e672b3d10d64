import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cancelOrder, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, type Message } from './index.js';

jest.setTimeout(60_000);

describe('bounds: neither a slow vendor nor a stop takes for ever', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder']);
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
    open();
    await until('all is done', () => done === 300);
    await until('partitions resume', () => messaging.health().partitions.every(({ paused }) => !paused));
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
