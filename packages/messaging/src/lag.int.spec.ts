import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, state, type Messaging } from './index.js';

jest.setTimeout(60_000);

describe('lag: in messages and in seconds, also of what is not being fetched', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled'], { partitions: 1 });
  });
  afterEach(() => harness.close());

  const lagOf = (messaging: Messaging): [number, number] => {
    const [place] = messaging.health().partitions;
    return place ? [place.lagMessages, place.lagSeconds] : [0, 0];
  };

  it('a partition that pauses keeps growing in both, and is back at 0 once all is taken in', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: { CancelOrder: effect(() => gate, { dependency: 'slow' }) },
      }),
      { limits: { workBacklog: 20, batchMessages: 20, effectConcurrency: { default: 1 } } },
    );
    const write = (n: number): Promise<void> =>
      messaging.transaction(async (tx) => tx.emit(Array.from({ length: n }, () => cancelOrder(randomUUID(), 'x'))));
    await write(20);
    await until('it pauses', () => messaging.health().partitions.some(({ paused }) => paused));
    await write(30);
    const [messages, seconds] = await until('a look sees what came meanwhile', () => {
      const lag = lagOf(messaging);
      return lag[0] === 30 && lag[1] > 0 && lag;
    });
    await write(5);
    await until('it goes on growing', () => lagOf(messaging)[0] > messages && lagOf(messaging)[1] > seconds);
    open();
    await until('nothing is behind', () => lagOf(messaging)[0] === 0 && lagOf(messaging)[1] === 0);
  });

  it('a partition whose batch cannot be committed ages by the record that waits', async () => {
    let busy = true;
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled'],
        routes: { OrderCancelled: state(() => until('it may end', () => !busy).then(() => undefined)) },
      }),
    );
    await until('it knows its place', () => messaging.health().partitions.length === 1);
    await messaging.transaction(async (tx) => tx.emit([orderCancelled(randomUUID()), orderCancelled(randomUUID())]));
    await until('it has aged by a second', () => lagOf(messaging)[0] === 2 && lagOf(messaging)[1] > 1);
    expect(lagOf(messaging)[1]).toBeLessThan(20);
    busy = false;
    await until('it is taken in', () => lagOf(messaging)[0] === 0 && lagOf(messaging)[1] === 0);
  });

  it('parked keys are counted, and how long the oldest has waited, until they go on', async () => {
    let broken = true;
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder', 'OrderCancelled'],
        routes: {
          CancelOrder: effect(
            async () => {
              if (broken) throw new Error('not now');
            },
            { dependency: 'vendor', retry: { maxAttempts: 1_000, backoffMs: [100, 200] } },
          ),
          OrderCancelled: state(
            async () => {
              if (broken) throw Object.assign(new Error('not now'), { retry: 'later' });
            },
            { retry: { maxAttempts: 1_000, backoffMs: [100, 200] } },
          ),
        },
      }),
    );
    const key = randomUUID();
    await messaging.transaction(async (tx) =>
      tx.emit([cancelOrder(key, '1'), cancelOrder(key, '2'), cancelOrder(randomUUID(), '1'), orderCancelled(key)]),
    );
    const parked = (): [number, number][] =>
      ['vendor', 'state'].map((queue) => {
        const { parkedKeys, parkedSeconds } = messaging.health().work[queue]!;
        return [parkedKeys, parkedSeconds];
      });
    await until('three keys are parked', () => parked()[0]![0] === 2 && parked()[1]![0] === 1);
    await until('they grow older', () => parked().every(([, seconds]) => seconds > 1));
    broken = false;
    await until('they are gone', () =>
      parked()
        .flat()
        .every((value) => value === 0),
    );
  });

  it('what waited before a start is seen at the start', async () => {
    const writer = await harness.service(
      defineRoutes({ group: `${harness.topics.group}-w`, emits: ['OrderCancelled'] }),
    );
    await writer.transaction(async (tx) => tx.emit(Array.from({ length: 7 }, () => orderCancelled(randomUUID()))));
    await until('it is published', async () => (await harness.topics.read('OrderCancelled')).length === 7);
    let busy = true;
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        routes: { OrderCancelled: state(() => until('it may end', () => !busy).then(() => undefined)) },
      }),
    );
    await until('seven wait', () => messaging.health().partitions.some(({ lagMessages }) => lagMessages === 7));
    busy = false;
    await until('none waits', () => lagOf(messaging)[0] === 0);
  });
});
