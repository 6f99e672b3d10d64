import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { defineRoutes, state } from './index.js';
import type { RefusedPartition } from './kafka/decode-fetch.js';
import { failedFetches } from './kafka/fetch-patch.js';

jest.setTimeout(90_000);

const TYPE = 'OrderCancelled';
/** Twice what a fetch brings of one partition. */
const LARGE = Buffer.alloc(2 * 1_048_576, 'x');
const PARTITIONS = 3;

describe('large-batch: what is larger than a fetch brings of one partition', () => {
  let harness: MessagingHarness;
  let refused: RefusedPartition[];
  const onRefused = (partition: RefusedPartition): void => void refused.push(partition);

  beforeEach(async () => {
    harness = await messagingHarness([TYPE], { partitions: PARTITIONS });
    refused = [];
    failedFetches.on('refused', onRefused);
  });
  afterEach(async () => {
    failedFetches.off('refused', onRefused);
    await harness.close();
  });

  it('comes in turn with the other partitions, and is not taken for damaged meanwhile', async () => {
    const kafka = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING });
    const [topic, admin] = [harness.topics.nameOf(TYPE), kafka.admin()];
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name: 'max.message.bytes', value: '4000000' }],
        },
      ],
    });
    await admin.disconnect();
    const producer = kafka.producer();
    await producer.connect();
    const send = (partition: number, value: Buffer): Promise<unknown> =>
      producer.send({ topic, messages: [{ key: 'k', value, partition }] });
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const value of [LARGE, Buffer.from('small'), LARGE]) await send(partition, value);
    }
    await producer.disconnect();

    await harness.service(
      defineRoutes({ group: harness.topics.group, routes: { [TYPE]: state(() => Promise.resolve()) } }),
    );
    // Nobody can read these, so that each is a letter.
    const letters = () => harness.rows('SELECT 1 FROM dead_letter');
    await until('all have come', async () => (await letters()).length === 3 * PARTITIONS);
    expect(refused).toEqual([]);
  });
});
