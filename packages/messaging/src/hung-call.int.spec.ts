import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, type EffectResult, type Message, type Routes } from './index.js';

jest.setTimeout(60_000);

const TIMEOUT_MS = 300;

describe('hung-call: a vendor that never answers holds one key for one time limit, and nothing else', () => {
  let harness: MessagingHarness;
  /** Attempts that hang: they never look at their signal, and end only when a spec says so. */
  const hanging: ((result: EffectResult | void) => void)[] = [];
  const done: string[] = [];
  let answers = false;

  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
    hanging.length = done.length = 0;
    answers = false;
  });
  afterEach(async () => {
    for (const end of hanging) end();
    await harness.close();
  });

  const routes = (): Routes =>
    defineRoutes({
      group: harness.topics.group,
      emits: ['CancelOrder', 'OrderCancelled'],
      routes: {
        CancelOrder: effect(
          async ({ payload }: Message<'CancelOrder'>) => {
            if (payload.reason === 'hangs' && !answers)
              return new Promise<EffectResult | void>((end) => hanging.push(end));
            done.push(`${payload.orderId} ${payload.reason}`);
            return { emit: [orderCancelled(payload.orderId)] };
          },
          { dependency: 'vendor', timeoutMs: TIMEOUT_MS, retry: { maxAttempts: 100, backoffMs: [50, 100] } },
        ),
      },
    });

  it('its place is free again after the limit, others flow, and its key goes on in order once it answers', async () => {
    const messaging = await harness.service(routes(), { limits: { effectConcurrency: { default: 2 } } });
    const [stuck, ...others] = Array.from({ length: 21 }, () => randomUUID()) as [string, ...string[]];
    await messaging.transaction(async (tx) =>
      tx.emit([
        cancelOrder(stuck, 'hangs'),
        cancelOrder(stuck, 'next'),
        ...others.map((id) => cancelOrder(id, 'flows')),
      ]),
    );
    await until('the others flow', () => done.length === others.length);
    await until('it was tried again, though the first call still hangs', () => hanging.length >= 2);
    expect(done).not.toContain(`${stuck} next`);
    expect(messaging.health().live).toBe(true);
    answers = true;
    await until('its key went on', () => done.includes(`${stuck} next`));
    expect(done.filter((each) => each.startsWith(stuck))).toEqual([`${stuck} hangs`, `${stuck} next`]);

    // What the first attempts say after all was decided without them.
    for (const end of hanging.splice(0)) end({ emit: [orderCancelled(stuck, { occurrence: 99 })] });
    const last = randomUUID();
    await messaging.transaction(async (tx) => tx.emit([cancelOrder(last, 'flows')]));
    await until(
      'all is published',
      async () => (await harness.topics.read('OrderCancelled')).length >= others.length + 3,
    );
    const events = await harness.topics.read('OrderCancelled');
    expect(events.filter(({ key }) => key!.toString() === stuck)).toHaveLength(2);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('a stop does not wait for it beyond the bound, and the next start goes on with its key', async () => {
    const first = await harness.service(routes(), { instanceId: 'one' });
    const order = randomUUID();
    await first.transaction(async (tx) => tx.emit([cancelOrder(order, 'hangs')]));
    await until('it hangs', () => hanging.length > 0);
    const begun = performance.now();
    await first.stop(500);
    expect(performance.now() - begun).toBeLessThan(4_000);
    answers = true;
    await harness.service(routes(), { instanceId: 'two' });
    await until('the next one went on', () => done.includes(`${order} hangs`));
  });
});
