import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { Kafka, logLevel } from 'kafkajs';
import { defineRoutes, state } from './index.js';

jest.setTimeout(90_000);

const TYPE = 'OrderCancelled';

describe('foreign-transactions: of a producer that uses them', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness([TYPE], { partitions: 2 });
  });
  afterEach(() => harness.close());

  it('what was committed is taken in, what was aborted is not, and nothing is behind its markers', async () => {
    const kafka = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING });
    const topic = harness.topics.nameOf(TYPE);
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: topic });
    await producer.connect();
    const send = async (partition: number, value: string, end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: 'k', value, partition }] });
      await transaction[end]();
    };
    await send(0, 'first', 'commit');
    await send(0, 'taken back', 'abort');
    await send(0, 'second', 'commit');
    await send(1, 'taken back', 'abort'); // and nothing else: a fetch that brings no message
    await producer.disconnect();

    const messaging = await harness.service(
      defineRoutes({ group: harness.topics.group, routes: { [TYPE]: state(() => Promise.resolve()) } }),
    );
    // Nobody can read these, so that each is a letter.
    const letters = async (): Promise<string[]> =>
      (await harness.rows<{ value: Buffer }>('SELECT value FROM dead_letter ORDER BY id')).map(({ value }) =>
        value.toString(),
      );
    await until('both have come', async () => (await letters()).length >= 2);
    const committed = async () => Object.values(await harness.topics.committed()).toSorted();
    await until('all is told to Kafka', async () => (await committed()).join() === '2,6');
    expect(messaging.health().partitions).toMatchObject([{ lagMessages: 0 }, { lagMessages: 0 }]);
    expect(await letters()).toEqual(['first', 'second']);

    const { id } = await messaging.replays.start({ mode: 'missed' }, { actor: 'spec', reason: 'once more' });
    const replay = await until('the replay is over', async () => {
      const found = await messaging.replays.find(id);
      return found.status !== 'running' && found;
    });
    expect([replay.status, await letters()]).toEqual(['done', ['first', 'second']]);
  });
});
