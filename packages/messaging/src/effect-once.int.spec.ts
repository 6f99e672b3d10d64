import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { cancelOrder, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, type EffectContext, type Message, type Messaging } from './index.js';

jest.setTimeout(60_000);

type Handler = (message: Message<'CancelOrder'>, context: EffectContext) => Promise<void>;

describe('effect-once: a recorded call is never made again', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  const handlers = new Map<string, Handler>();

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder']);
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: {
          CancelOrder: effect(
            (message: Message<'CancelOrder'>, context) => handlers.get(message.payload.reason)!(message, context),
            {
              dependency: 'vendor',
              timeoutMs: 5_000,
              retry: { backoffMs: [10, 20] },
            },
          ),
        },
      }),
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());

  /** Sends commands that this handler handles. */
  async function send(handler: Handler, n = 1): Promise<void> {
    const reason = randomUUID();
    handlers.set(reason, handler);
    await messaging.transaction(async (tx) =>
      tx.emit(Array.from({ length: n }, () => cancelOrder(randomUUID(), reason))),
    );
  }
  const later = (): Error => new ThroughlineError('no answer', { code: 'NO_ANSWER', retry: 'later' });

  it('a failure between two calls repeats only the one without a record, and says that it may have run', async () => {
    const calls: string[] = [];
    let finished = false;
    await send(async (_, context) => {
      const customer = await context.once('customer', { name: 'A' }, async (request, key) => {
        calls.push(`customer ${request.name} ${key.split(':')[1]}`);
        return { id: 'cus_1' };
      });
      await context.once('invoice', { customer: customer.id }, async (request, _key, { mayHaveRun }) => {
        calls.push(`invoice ${request.customer} ${mayHaveRun}`);
        if (calls.length === 2) throw later();
        return { id: 'in_1' };
      });
      finished = true;
    });
    await until('finished', () => finished);
    expect(calls).toEqual(['customer A customer', 'invoice cus_1 false', 'invoice cus_1 true']);
  });

  it('commands that share a scope share one call, and the first one’s request', async () => {
    const requests: number[] = [];
    const answers: unknown[] = [];
    let n = 0;
    const scope = `account:${randomUUID()}`;
    await send(async (_, context) => {
      const mine = ++n;
      const answer = await context.once(
        'customer',
        { mine },
        async (request) => {
          requests.push(request.mine);
          await sleep(100);
          return { id: `cus_${request.mine}` };
        },
        { scope },
      );
      answers.push(answer);
    }, 12);
    await until('all have the answer', () => answers.length === 12);
    expect(requests).toHaveLength(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it('whoever meets a call that takes long waits without using up attempts', async () => {
    const attempts: number[] = [];
    let performed = 0;
    let ended = 0;
    const scope = `account:${randomUUID()}`;
    await send(async (_, context) => {
      attempts.push(context.attempt);
      await context.once(
        'slow',
        {},
        async () => {
          performed++;
          await until('the other one has waited in place for long enough', () => attempts.length > 2);
        },
        { scope },
      );
      ended++;
    }, 2);
    await until('both ended', () => ended === 2);
    expect(performed).toBe(1);
    expect(new Set(attempts)).toEqual(new Set([1]));
  });

  it('a request that was refused for good does not bind the next one', async () => {
    const scope = `account:${randomUUID()}`;
    const seen: string[] = [];
    let refused = 0;
    await send(async (_, context) => {
      await context.once(
        'customer',
        { email: 'wrong' },
        async (request) => {
          seen.push(request.email);
          refused++;
          throw new ThroughlineError('invalid', { code: 'INVALID', retry: 'never' });
        },
        { scope },
      );
    });
    await until('refused', async () => refused === 1 && (await harness.rows('SELECT 1 FROM dead_letter')).length === 1);
    await send(async (_, context) => {
      await context.once('customer', { email: 'right' }, async (request) => void seen.push(request.email), { scope });
    });
    await until('accepted', () => seen.length === 2);
    expect(seen).toEqual(['wrong', 'right']);
  });

  it('a handler that hangs is ended at its time limit, and its key goes on', async () => {
    let attempts = 0;
    let aborted = false;
    let ended = false;
    await send(async (_, { signal }) => {
      if (++attempts === 1) {
        signal.addEventListener('abort', () => (aborted = true));
        await new Promise(() => undefined);
      }
      ended = true;
    });
    await until('the second attempt ended', () => ended);
    expect(aborted).toBe(true);
  });
});
