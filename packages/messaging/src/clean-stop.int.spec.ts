import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ofConnection } from '@throughline/postgres';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { Kafka, logLevel, type GroupDescription } from 'kafkajs';
import { defineRoutes, state, type Message, type Messaging, type Routes } from './index.js';

jest.setTimeout(60_000);

describe('clean-stop: what was taken in before a stop is not read again', () => {
  let harness: MessagingHarness;
  /** Orders, as often as they were handled. */
  let handled: string[];
  beforeEach(async () => {
    harness = await messagingHarness(['OrderCancelled'], { partitions: 6 });
    handled = [];
  });
  afterEach(() => harness.close());

  const routes = (handling: () => Promise<void> = () => Promise.resolve()): Routes =>
    defineRoutes({
      group: harness.topics.group,
      emits: ['OrderCancelled'],
      routes: {
        OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
          await handling();
          tx.onCommit(() => handled.push(...messages.map(({ payload }) => payload.orderId)));
        }),
      },
    });
  /** Of the partitions that hold something. */
  async function places(): Promise<{ ends: object; committed: object }> {
    const [ends, committed] = await Promise.all([harness.topics.ends(), harness.topics.committed()]);
    const filled = Object.keys(ends).filter((partition) => ends[partition] !== '0');
    const of = (offsets: Record<string, string>): object => Object.fromEntries(filled.map((id) => [id, offsets[id]]));
    return { ends: of(ends), committed: of(committed) };
  }

  async function theGroup(): Promise<GroupDescription> {
    const { kafka, group } = harness.topics;
    const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([`${kafka.topicPrefix}${group}`]).finally(() => admin.disconnect());
    return groups[0]!;
  }

  // So that nothing is committed but by the stop.
  const limits = { offsetCommitMs: 3_600_000 };

  it('the offsets of the last moment are committed, and the next start reads nothing twice', async () => {
    const first = await harness.service(routes(), { limits });
    const emit = async (messaging: Messaging): Promise<string[]> => {
      const ids = Array.from({ length: 60 }, () => randomUUID());
      await messaging.transaction(async (tx) => tx.emit(ids.map((id) => orderCancelled(id))));
      return ids;
    };
    await until('it takes part', () => first.health().ready);
    const before = await emit(first);
    await until('all are handled', () => handled.length >= 60);
    await first.stop();
    const { ends, committed } = await places();
    expect(Object.keys(ends).length).toBeGreaterThan(1);
    expect(committed).toEqual(ends);

    await harness.rows('TRUNCATE inbox'); // it would recognise what is read twice
    const second = await harness.service(routes(), { limits });
    await until('it takes part', () => second.health().ready);
    const after = await emit(second);
    await until('what is new is handled', () => after.every((id) => handled.includes(id)));
    expect([...handled].sort()).toEqual([...before, ...after].sort());
  });

  it('so are those of a batch that ends while it stops', async () => {
    const begun = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    const messaging = await harness.service(
      routes(() => {
        begun.resolve();
        return open.promise;
      }),
      { limits },
    );
    await until('it takes part', () => messaging.health().ready);
    await messaging.transaction(async (tx) => tx.emit([orderCancelled('one')]));
    await begun.promise;
    const stopped = messaging.stop();
    await until('it stops', () => messaging.health().reasons.includes('stopping'));
    open.resolve();
    await stopped;
    const { ends, committed } = await places();
    expect([handled, committed]).toEqual([['one'], ends]);
  });

  it('an instance that is stopped on its way into the group does not stay in it', async () => {
    const first = await harness.service(routes(), { instanceId: 'first' });
    await until('it takes part', () => first.health().ready && first.health().partitions.length === 6);
    const second = await harness.service(routes(), { instanceId: 'second' });
    await until('it is on its way', async () => (await theGroup()).state === 'PreparingRebalance', { everyMs: 10 });
    await second.stop();
    expect((await theGroup()).members).toHaveLength(1);
    await until('the first has all again', () => first.health().partitions.length === 6);
  });

  it('the group is left also while PostgreSQL is away', async () => {
    const database = await harness.test.connect();
    const messaging = await harness.service(routes(), { database });
    await until('it takes part', () => messaging.health().ready);
    const away = ofConnection(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));
    jest.spyOn(database, 'transaction').mockRejectedValue(away);
    const other = await harness.otherDatabase();
    const writer = await harness.service(
      defineRoutes({ group: `${harness.topics.group}-writer`, emits: ['OrderCancelled'] }),
      { service: 'writer', database: other },
    );
    await writer.transaction(async (tx) => tx.emit([orderCancelled(randomUUID())]));
    await until('a batch waits', () => messaging.health().reasons.includes('intake waits for postgres'));
    await messaging.stop(8_000);
    expect((await theGroup()).members).toEqual([]);
  });
});
