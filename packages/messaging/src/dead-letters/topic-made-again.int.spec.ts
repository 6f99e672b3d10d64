import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { catalog, topics } from '@throughline/contracts';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { defineRoutes, ensureTopics, state, type Message, type Messaging } from '../index.js';

jest.setTimeout(90_000);

const TYPE = 'OrderCancelled';

describe('topic-made-again: what cannot be read at a place of before is a letter of its own', () => {
  let harness: MessagingHarness;
  let admin: Admin;
  let handled: string[];
  let writers: number;

  beforeEach(async () => {
    harness = await messagingHarness([TYPE], { partitions: 1 });
    admin = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    handled = [];
    writers = 0;
  });
  afterEach(async () => {
    await admin.disconnect();
    await harness.close();
  });

  const group = () => `${harness.topics.kafka.topicPrefix!}${harness.topics.group}`;
  const bad = (value: string): Promise<void> =>
    harness.topics.produce(TYPE, [{ key: 'k', value: Buffer.from(value), headers: { ce_type: TYPE } }]);
  const letters = async (): Promise<string[]> =>
    (await harness.rows<{ value: Buffer }>('SELECT value FROM dead_letter ORDER BY id')).map(({ value }) =>
      value.toString(),
    );
  const consumer = (): Promise<Messaging> =>
    harness.service(
      defineRoutes({
        group: harness.topics.group,
        routes: {
          [TYPE]: state(async (messages: Message<typeof TYPE>[], tx) => {
            tx.onCommit(() => handled.push(...messages.map(({ payload }) => payload.opportunityId)));
          }),
        },
      }),
    );
  async function good(name: string): Promise<void> {
    const writer = await harness.service(
      defineRoutes({ group: `${harness.topics.group}-writer-${++writers}`, emits: [TYPE] }),
      { service: 'writer', database: await harness.otherDatabase() },
    );
    await writer.transaction(async (tx) => tx.emit([orderCancelled(randomUUID(), { opportunityId: name })]));
    await until('it is published', async () => Object.values(await harness.topics.ends()).some((end) => end === '1'));
    await writer.stop();
  }
  async function makeAgain(): Promise<void> {
    await admin.deleteTopics({ topics: [harness.topics.nameOf(TYPE)] });
    await until('it is gone', async () => !(await admin.listTopics()).includes(harness.topics.nameOf(TYPE)));
    const topic = topics.find(({ name }) => name === catalog[TYPE].topic)!;
    await ensureTopics(harness.topics.kafka, [{ ...topic, partitions: 1 }], { replicationFactor: 1 });
  }
  async function readAll(): Promise<void> {
    const running = await consumer();
    await until('it is ready', () => running.health().ready);
    const all = async (): Promise<boolean> => {
      const [end] = Object.values(await harness.topics.ends());
      return Object.values(await harness.topics.committed()).every((offset) => offset === end);
    };
    await until('all is taken in, and told', all);
    await running.stop();
  }

  it('be it read first or once more', async () => {
    await bad('of before');
    await readAll();
    await makeAgain();
    await bad('of now');
    await readAll();
    expect(await letters()).toEqual(['of before', 'of now']);

    const partitions = [{ partition: 0, offset: '0' }];
    await admin.setOffsets({ groupId: group(), topic: harness.topics.nameOf(TYPE), partitions });
    await readAll();
    expect(await letters()).toEqual(['of before', 'of now']);
  });

  it('and hides from a replay nothing that has its place now', async () => {
    await bad('of before');
    await readAll();
    await makeAgain();
    await good('missed');
    const partitions = [{ partition: 0, offset: '1' }];
    await admin.setOffsets({ groupId: group(), topic: harness.topics.nameOf(TYPE), partitions });
    const running = await consumer();
    await until('it is ready', () => running.health().ready);
    const { id } = await running.replays.start({ mode: 'missed' }, { actor: 'spec', reason: 'made again' });
    const replay = await until('the replay is over', async () => {
      const found = await running.replays.find(id);
      return found.status !== 'running' && found;
    });
    expect([replay.status, handled]).toEqual(['done', ['missed']]);
  });
});
