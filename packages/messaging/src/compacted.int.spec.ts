import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { ConfigResourceTypes, Kafka, logLevel, type Admin, type Producer } from 'kafkajs';
import { defineRoutes, state } from './index.js';
import type { OffsetGap } from './kafka/decode-fetch.js';
import { failedFetches } from './kafka/fetch-patch.js';

jest.setTimeout(60_000);

const TYPE = 'OrderCancelled';
/** More than a fetch brings of one partition, so that it does not come in one answer with what stands before it. */
const LARGE = Buffer.alloc(2 * 1_048_576, 'x');

describe('compacted: what Kafka has removed from a topic', () => {
  let harness: MessagingHarness;
  let kafka: Kafka;
  let admin: Admin;
  let producers: Producer[];
  let gaps: OffsetGap[];
  const onGap = (gap: OffsetGap): void => void gaps.push(gap);

  beforeEach(async () => {
    harness = await messagingHarness([TYPE], { partitions: 1 });
    kafka = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    await admin.connect();
    producers = [];
    gaps = [];
    failedFetches.on('gap', onGap);
  });
  afterEach(async () => {
    failedFetches.off('gap', onGap);
    await Promise.all([admin, ...producers].map((client) => client.disconnect()));
    await harness.close();
  });

  const alter = (type: ConfigResourceTypes, name: string, config: Record<string, string>): Promise<unknown> => {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    return admin.alterConfigs({ validateOnly: false, resources: [{ type, name, configEntries }] });
  };
  async function idempotent(): Promise<(key: string, value: Buffer | string | null) => Promise<unknown>> {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    producers.push(producer);
    await producer.connect();
    return (key, value) => producer.send({ topic: harness.topics.nameOf(TYPE), messages: [{ key, value }] });
  }

  it('holds nothing up, though it is all of a batch, and the next one does not come with it', async () => {
    await alter(ConfigResourceTypes.BROKER, '1', { 'log.cleaner.backoff.ms': '200' });
    await alter(ConfigResourceTypes.TOPIC, harness.topics.nameOf(TYPE), {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.0001',
      'delete.retention.ms': '0',
      'max.message.bytes': '4000000',
    });
    // Of the last batch of a producer that may go on Kafka keeps the head.
    const [first, other] = [await idempotent(), await idempotent()];
    await first('gone', 'bytes');
    await first('gone', null);
    await other('large', LARGE);
    let written = 0;
    await until('it is removed', async () => {
      await other('small', String(++written));
      return (await harness.topics.read(TYPE)).every(({ key }) => String(key) !== 'gone');
    });

    gaps.length = 0;
    const messaging = await harness.service(
      defineRoutes({ group: harness.topics.group, routes: { [TYPE]: state(() => Promise.resolve()) } }),
    );
    // Nobody can read these, so that each is a letter.
    const last = async (): Promise<boolean> => {
      const values = await harness.rows<{ value: Buffer }>('SELECT value FROM dead_letter ORDER BY id');
      return values.length > 1 && values[0]!.value.equals(LARGE) && String(values.at(-1)!.value) === String(written);
    };
    await until('all has come', last);
    await until('nothing is behind', () => messaging.health().partitions[0]!.lagMessages === 0);
    expect(gaps.length).toBeGreaterThan(0); // they are not told, see the spec of the consumer
  });
});
