import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testTopics, type TestTopics } from '@throughline/testing';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { compaction } from './compaction.js';

const TYPE = 'OrderCancelled';

describe('compaction', () => {
  let topics: TestTopics;
  let kafka: Kafka;
  beforeEach(async () => {
    topics = await testTopics([TYPE], { partitions: 1 });
    kafka = new Kafka({ brokers: topics.kafka.brokers, logLevel: logLevel.NOTHING });
  });
  let now = 0;
  afterEach(() => void (now = 0));

  it('is what Kafka says of a topic, and asked for again after ten minutes, or after one where Kafka did not say', async () => {
    const is = compaction(kafka, () => now);
    const topic = topics.nameOf(TYPE);
    expect([await is(topic), await is('none of this name')]).toEqual([false, undefined]);
    const admin = kafka.admin();
    await admin.connect();
    const configEntries = [{ name: 'cleanup.policy', value: 'compact,delete' }];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    });
    expect(await is(topic)).toBe(false);
    now = 600_001;
    expect(await is(topic)).toBe(true);
    await admin.disconnect();
  });
});
