import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, state, type Message } from './index.js';

jest.setTimeout(60_000);

describe('compressed: records are read by whatever codec a broker, or a producer, compresses them', () => {
  let harness: MessagingHarness;
  afterEach(() => harness.close());

  it.each(['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'])('%s', async (codec) => {
    harness = await messagingHarness(['OrderCancelled'], { partitions: 1 });
    const admin = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: 'compression.type', value: codec }];
    const name = harness.topics.nameOf('OrderCancelled');
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
    });
    await admin.disconnect();
    const seen: string[] = [];
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled'],
        routes: {
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
            tx.onCommit(() => seen.push(...messages.map(({ payload }) => payload.orderId)));
          }),
        },
      }),
    );
    await until('it takes part', () => messaging.health().ready);
    // Alike enough to be worth compressing, and more than one block of any codec.
    const ids = Array.from({ length: 700 }, () => randomUUID());
    await messaging.transaction(async (tx) => tx.emit(ids.map((id) => orderCancelled(id))));
    await until('all are handled', () => seen.length >= ids.length);
    expect(seen).toEqual(ids);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });
});
