import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, state, type Message, type Routes } from './index.js';

jest.setTimeout(90_000);

const note = { name: 'note', text: 'INSERT INTO noted (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };

describe('reassignment: partitions that move in the middle of a batch are taken in once, in order', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness(['OrderCancelled'], { partitions: 6 });
    await harness.rows('CREATE TABLE noted (id serial, key text, n int)');
  });
  afterEach(() => harness.close());

  it('while the transaction that has them is open; the new owner reads them too, and its inbox waits and knows', async () => {
    const held = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    const readBy: Record<string, number> = { one: 0, two: 0 };
    const routes = (instance: string): Routes =>
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled'],
        routes: {
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
            await tx.query(note, [
              messages.map(({ payload }) => payload.orderId),
              messages.map(({ payload }) => payload.occurrence),
            ]);
            tx.onCommit(() => (readBy[instance]! += messages.length));
            if (instance !== 'one') return;
            held.resolve();
            await open.promise;
          }),
        },
      });
    const one = await harness.service(routes('one'), { instanceId: 'one' });
    await until('one is ready', () => one.health().ready);
    const keys = Array.from({ length: 30 }, () => randomUUID());
    const emit = (n: number): Promise<void> =>
      one.transaction(async (tx) => tx.emit(keys.map((key) => orderCancelled(key, { occurrence: n }))));
    await emit(1);
    await held.promise; // a batch of one's is written, and not committed

    await harness.service(routes('two'), { instanceId: 'two' });
    const waiting = `SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%inbox%'`;
    await until('two reads the open batch, and waits', async () => (await harness.rows(waiting)).length > 0, {
      timeoutMs: 40_000,
    });
    open.resolve();
    await emit(2);
    await emit(3);
    const noted = async (): Promise<number> => (await harness.rows('SELECT 1 FROM noted')).length;
    await until('all are noted', async () => (await noted()) >= keys.length * 3, { timeoutMs: 40_000 });
    await until('both take part', () => readBy['two']! > 0);
    for (const key of keys) {
      const rows = await harness.rows<{ n: number }>('SELECT n FROM noted WHERE key = $1 ORDER BY id', [key]);
      expect(rows.map(({ n }) => n)).toEqual([1, 2, 3]);
    }
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });
});
