import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, job, state, type Job, type Message, type Messaging } from './index.js';

jest.setTimeout(60_000);

describe('duplicate-delivery: what is delivered twice happens once', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  const effects: string[] = [];
  const events: string[] = [];
  const jobs: string[] = [];

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder', 'OrderCancelled'],
        routes: {
          CancelOrder: effect(async ({ payload }: Message<'CancelOrder'>) => void effects.push(payload.orderId), {
            dependency: 'x',
          }),
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[]) => {
            events.push(...messages.map(({ payload }) => payload.orderId));
          }),
        },
        jobs: { ReadDeal: job(async ({ id }: Job) => void jobs.push(id), { dependency: 'x' }) },
      }),
    );
  });
  afterAll(() => harness.close());

  it('records on a topic, in one batch or in several', async () => {
    const orders = Array.from({ length: 5 }, () => randomUUID());
    await messaging.transaction(async (tx) =>
      tx.emit(orders.flatMap((id) => [cancelOrder(id, 'x'), orderCancelled(id)])),
    );
    await until('all handled', () => effects.length === 5 && events.length === 5);
    for (const type of ['CancelOrder', 'OrderCancelled'] as const) {
      const records = (await harness.topics.read(type)).map(({ key, value, headers }) => ({
        key: key!,
        value,
        headers: headers as Record<string, Buffer>,
      }));
      await harness.topics.produce(type, [...records, ...records]);
      await harness.topics.produce(type, records);
    }
    const last = randomUUID();
    await messaging.transaction(async (tx) => tx.emit([cancelOrder(last, 'x'), orderCancelled(last)]));
    await until(
      'the topics were read to the end',
      () =>
        messaging.health().partitions.every(({ lagMessages }) => lagMessages === 0) &&
        events.includes(last) &&
        effects.includes(last),
    );
    expect([...effects].sort()).toEqual([...orders, last].sort());
    expect([...events].sort()).toEqual([...orders, last].sort());
  });

  it('jobs with one id, in one transaction or in several at once, for good', async () => {
    const enqueue = (): Promise<void> =>
      messaging.transaction(async (tx) => {
        const one: Job = { type: 'ReadDeal', key: 'deal-1', id: 'element-1', payload: {} };
        tx.enqueue([one, one, { ...one, id: 'element-2' }]);
      });
    await Promise.all([enqueue(), enqueue(), enqueue()]);
    await until('both ran', () => jobs.length >= 2);
    await enqueue();
    await messaging.transaction(async (tx) =>
      tx.enqueue([{ type: 'ReadDeal', key: 'deal-1', id: 'element-3', payload: {} }]),
    );
    await until('the last ran', () => jobs.includes('element-3'));
    expect(jobs).toEqual(['element-1', 'element-2', 'element-3']);
  });
});
