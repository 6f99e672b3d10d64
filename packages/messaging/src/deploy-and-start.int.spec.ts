import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Codec, registrySchemaIds, topics } from '@throughline/contracts';
import { logger } from '@throughline/telemetry';
import { cancelOrder, FAST_LIMITS, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, ensureTopics, Messaging, schemaIdStore, type Message } from './index.js';

jest.setTimeout(90_000);

describe('deploy-and-start', () => {
  let harness: MessagingHarness;
  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder']);
  });
  afterAll(() => harness.close());
  const topic = () => topics.find(({ types }) => types.includes('CancelOrder'))!;

  it('ensureTopics creates what is missing, reports what differs, and changes nothing', async () => {
    const kafka = { ...harness.topics.kafka, topicPrefix: `${harness.topics.kafka.topicPrefix}again.` };
    const name = kafka.topicPrefix + topic().name;
    expect(await ensureTopics(kafka, [topic()], { replicationFactor: 1 })).toEqual({
      created: [name],
      differences: [],
    });
    expect(await ensureTopics(kafka, [topic()], { replicationFactor: 1 })).toEqual({ created: [], differences: [] });
    const wider = await ensureTopics(kafka, [{ ...topic(), partitions: 12, retentionMs: 5 }]);
    expect(wider.created).toEqual([]);
    expect(wider.differences).toEqual([
      expect.stringContaining('6 partitions, not 12'),
      expect.stringContaining(`retention.ms=${topic().retentionMs}, not 5`),
    ]);
    expect((await ensureTopics(kafka, [topic()])).differences).toEqual([]);
  });

  it('a service starts before its topics exist and before the registry answers, says so, and then takes part', async () => {
    const kafka = { ...harness.topics.kafka, topicPrefix: `${harness.topics.kafka.topicPrefix}late.` };
    const seen: string[] = [];
    const database = await harness.otherDatabase();
    const unreachable = registrySchemaIds({
      url: 'http://127.0.0.1:1',
      timeoutMs: 200,
      store: schemaIdStore(database),
    });
    const messaging = new Messaging({
      service: 'late',
      database,
      codec: new Codec(unreachable),
      kafka,
      routes: defineRoutes({
        group: `${harness.topics.group}-late`,
        emits: ['CancelOrder'],
        routes: {
          CancelOrder: effect(async ({ payload }: Message<'CancelOrder'>) => void seen.push(payload.orderId), {
            dependency: 'x',
          }),
        },
      }),
      limits: FAST_LIMITS,
      log: logger('spec', { level: 'silent' }),
    });
    await messaging.start();
    try {
      await until('it waits for the registry', () =>
        messaging.health().reasons.includes('start waits for schema-registry'),
      );
      expect(messaging.health()).toMatchObject({ ready: false, live: true });

      // What the registry would have said, learnt in an earlier life.
      const { catalog } = await import('@throughline/contracts');
      await schemaIdStore(database).save({
        id: 7,
        subject: catalog.CancelOrder.subject,
        schema: JSON.stringify(catalog.CancelOrder.schema),
      });
      await until('it waits for Kafka', () => messaging.health().reasons.includes('consumer waits for kafka'));
      const order = randomUUID();
      await messaging.transaction(async (tx) => tx.emit([cancelOrder(order, 'x')]));

      await ensureTopics(kafka, [topic()], { replicationFactor: 1 });
      await until('it takes part', () => messaging.health().ready && seen.includes(order), { timeoutMs: 40_000 });
    } finally {
      await messaging.stop(5_000);
    }
  });
});
