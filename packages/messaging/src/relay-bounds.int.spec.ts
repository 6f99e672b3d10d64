import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { logger } from '@throughline/telemetry';
import { cancelOrder, FAST_LIMITS, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { Kafka, logLevel, type TopicMessages } from 'kafkajs';
import { defineRoutes } from './index.js';
import { kafkaClient } from './kafka/client.js';
import { kafkaPublisher, type Publisher } from './kafka/publisher.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Relay } from './outbox/relay.js';
import { RelayQueue } from './outbox/relay-queue.js';
import { Progress } from './progress.js';

jest.setTimeout(90_000);

describe('relay-bounds: neither an outage of the broker nor a large batch outgrows the relay', () => {
  const log = logger('spec', { level: 'silent' });
  let harness: MessagingHarness;
  let running: Relay | undefined;
  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder'], { partitions: 1 });
  });
  afterEach(async () => {
    await running?.stop(1_000);
    await harness.close();
  });

  function relayWith(publisher: Publisher, alone = false): { relay: Relay; queue: RelayQueue } {
    const queue = new RelayQueue('spec');
    const watch = (name: string): Progress => new Progress(name, () => performance.now());
    const relay = new Relay({
      alone: () => alone,
      database: harness.database,
      queue,
      publisher,
      source: 'spec',
      limits: { ...DEFAULT_LIMITS, ...FAST_LIMITS },
      progress: { send: watch('relay'), poll: watch('outbox poll') },
      log,
    });
    running = relay;
    return { relay, queue };
  }
  /** Rows from an instance that does not lead. */
  async function write(keys: string[], n: number, text = ''): Promise<void> {
    const routes = defineRoutes({ group: harness.topics.group, emits: ['CancelOrder'] });
    const writer = await harness.service(routes, { start: false });
    for (let i = 0; i < n; i++)
      await writer.transaction(async (tx) => tx.emit(keys.map((key) => cancelOrder(key, text))));
  }
  const outboxEmpty = async (): Promise<boolean> => (await harness.rows('SELECT 1 FROM outbox LIMIT 1')).length === 0;
  async function expectInOrder(keys: string[], n: number): Promise<void> {
    const published = await harness.topics.read('CancelOrder');
    const expected = Array.from({ length: n }, (_, i) => i + 1);
    for (const key of keys) {
      const ofKey = published.filter((message) => message.key!.toString() === key);
      expect(ofKey.map(({ headers }) => Number(headers!['ce_sequence']!.toString()))).toEqual(expected);
    }
  }

  it('a backlog stays in the table while the broker is away, and leaves in order afterwards', async () => {
    const real = kafkaPublisher(kafkaClient(harness.topics.kafka, log));
    let away = true;
    let refused = 0;
    const { relay, queue } = relayWith({
      async send(messages: TopicMessages[]) {
        if (away) refused++;
        if (away) throw new Error('away');
        await real.send(messages);
      },
      close: () => real.close(),
    });
    const keys = Array.from({ length: 200 }, () => randomUUID());
    await write(keys, 30);
    relay.start();
    await until('it was refused for a while', () => refused >= 5);
    expect(queue.length).toBeLessThan(2_000);
    away = false;
    await until('all published', outboxEmpty);
    await expectInOrder(keys, 30);
  });

  it('a batch that the topic does not take leaves in parts', async () => {
    const admin = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '20000' }];
    // 2: a topic.
    const resources = [{ type: 2, name: harness.topics.nameOf('CancelOrder'), configEntries }];
    await admin.alterConfigs({ validateOnly: false, resources });
    await admin.disconnect();
    const { relay } = relayWith(kafkaPublisher(kafkaClient(harness.topics.kafka, log)));
    const keys = Array.from({ length: 10 }, () => randomUUID());
    await write(keys, 20, 'x'.repeat(1_000));
    relay.start();
    await until('all published', outboxEmpty);
    await expectInOrder(keys, 20);
  });

  it('a leader that is alone and has nothing to do keeps its lead, and its session', async () => {
    const { relay, queue } = relayWith(kafkaPublisher(kafkaClient(harness.topics.kafka, log)), true);
    const lead = jest.spyOn(queue, 'lead');
    relay.start();
    await until('it leads', () => lead.mock.calls.length === 1);
    // Long enough for several signs of life to be late.
    await new Promise((resolve) => setTimeout(resolve, 4 * FAST_LIMITS.aliveForMs!));
    expect(lead).toHaveBeenCalledTimes(1);
  });
});
