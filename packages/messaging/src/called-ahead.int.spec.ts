import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { asserting } from '@throughline/postgres';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, state, type Message, type Messaging } from './index.js';

jest.setTimeout(60_000);

const note = { name: 'note', text: 'INSERT INTO noted (id) SELECT unnest($1::text[])' };
const assertNothing = {
  name: 'assert-nothing-noted',
  text: `SELECT ${asserting('NOT EXISTS (SELECT FROM noted)', 'nothing was noted')}`,
};

describe('called-ahead: what a handler takes for granted is proved by its transaction, or done again without', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  /** Of each call: whether it was ahead, and of how many messages. */
  const calls: [ahead: boolean | undefined, count: number][] = [];
  let guesses = true;
  /** What fails for now, as order and occurrence. */
  const failing = new Set<string>();

  beforeAll(async () => {
    harness = await messagingHarness(['OrderCancelled', 'ProvisionOrder']);
    await harness.rows('CREATE TABLE noted (n serial, id text)');
    const handle = state(
      async (messages: Message<'OrderCancelled'>[], tx) => {
        calls.push([tx.ahead, messages.length]);
        if (messages.some(({ payload: { orderId, occurrence } }) => failing.has(`${orderId} ${occurrence}`)))
          throw new ThroughlineError('not now', { code: 'NOT_NOW', retry: 'later' });
        if (tx.ahead && guesses) void tx.query(assertNothing); // so it guesses right once
        void tx.query(note, [messages.map(({ payload }) => payload.orderId)]);
        tx.emit(
          messages.map(({ payload: { orderId, occurrence }, envelope }) => ({
            type: 'ProvisionOrder',
            payload: { orderId, opportunityId: orderId, occurrence },
            correlationId: envelope.correlationId,
          })),
        );
      },
      { ahead: true, retry: { maxAttempts: 1_000, backoffMs: [20, 60] } },
    );
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled', 'ProvisionOrder'],
        routes: { OrderCancelled: handle },
      }),
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());

  const send = (...orders: string[]): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit(orders.map((id) => orderCancelled(id))));
  const noted = async (): Promise<string[]> =>
    (await harness.rows<{ id: string }>('SELECT id FROM noted ORDER BY n')).map(({ id }) => id);
  const allRead = (): boolean => messaging.health().partitions.every(({ lagMessages }) => lagMessages === 0);

  it('right the first time, wrong from then on: each message is handled once, and answered once', async () => {
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    for (const order of [first, second, third]) {
      await send(order);
      await until(`${order} is noted`, async () => (await noted()).includes(order));
    }
    expect(await noted()).toEqual([first, second, third]);
    expect(calls.map(([ahead]) => ahead)).toEqual([true, true, false, true, false]);
    const sent = await until('the answers are out', async () => {
      const records = await harness.topics.read('ProvisionOrder');
      return records.length >= 3 && records;
    });
    expect(sent).toHaveLength(3);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('what the inbox knows is handled no second time, alone or among what is new', async () => {
    guesses = false;
    const before = await noted();
    const records = (await harness.topics.read('OrderCancelled')).map(({ key, value, headers }) => ({
      key: key!,
      value,
      headers: headers as Record<string, Buffer>,
    }));
    await harness.rows('TRUNCATE noted');
    await harness.topics.produce('OrderCancelled', records);
    const order = randomUUID();
    await send(order);
    await harness.topics.produce('OrderCancelled', [...records, ...records]);
    const last = randomUUID();
    await send(last);
    await until('both are noted', async () => (await noted()).length >= 2);
    await until('all is read', allRead);
    expect((await noted()).toSorted()).toEqual([order, last].toSorted());
    expect(before).toHaveLength(3);
  });

  it('what follows a message that waits lines up behind it, also when nothing else has waited since', async () => {
    await harness.rows('TRUNCATE noted');
    const waits = randomUUID();
    failing.add(`${waits} 1`);
    await send(waits);
    await until('it waits', async () => (await harness.rows('SELECT 1 FROM work')).length === 1);
    const flows = randomUUID();
    await send(flows);
    await until('another one flows', async () => (await noted()).includes(flows));
    await messaging.transaction(async (tx) => tx.emit([orderCancelled(waits, { occurrence: 2 })]));
    await until('its successor lines up', async () => (await harness.rows('SELECT 1 FROM work')).length === 2);
    expect(await noted()).toEqual([flows]);
    failing.clear();
    await until('both came', async () => (await noted()).length === 3);
    expect(await noted()).toEqual([flows, waits, waits]);
  });
});
