import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { logger } from '@throughline/telemetry';
import { cancelOrder, FAST_LIMITS, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import type { TopicMessages } from 'kafkajs';
import { defineRoutes, type Messaging } from './index.js';
import { kafkaClient } from './kafka/client.js';
import { kafkaPublisher, type Publisher } from './kafka/publisher.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Relay } from './outbox/relay.js';
import { RelayQueue } from './outbox/relay-queue.js';
import { Progress } from './progress.js';

jest.setTimeout(90_000);

describe('relay-order: rows of one key reach the topic in the order of their commits', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder']);
  });
  afterEach(() => harness.close());

  const routes = () => defineRoutes({ group: harness.topics.group, emits: ['CancelOrder'] });
  const emit = (messaging: Messaging, key: string, n: number): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit([cancelOrder(key, String(n))]));
  const outboxEmpty = async (): Promise<boolean> => (await harness.rows('SELECT 1 FROM outbox LIMIT 1')).length === 0;

  /** Sequences per key in the order in which a consumer that deduplicates by ce_id sees them. */
  async function published(): Promise<Map<string, number[]>> {
    const seen = new Set<string>();
    const found = new Map<string, number[]>();
    for (const { key, headers } of await harness.topics.read('CancelOrder')) {
      const id = headers!['ce_id']!.toString();
      if (seen.has(id)) continue;
      seen.add(id);
      const sequence = Number(headers!['ce_sequence']!.toString());
      found.set(key!.toString(), [...(found.get(key!.toString()) ?? []), sequence]);
    }
    return found;
  }
  function expectInOrder(found: Map<string, number[]>, keys: string[], n: number): void {
    const expected = Array.from({ length: n }, (_, i) => i + 1);
    for (const key of keys) expect(found.get(key)).toEqual(expected);
  }

  it('when two instances write the same keys, and the leader stops in between', async () => {
    const keys = Array.from({ length: 5 }, () => randomUUID());
    const a = await harness.service(routes(), { instanceId: 'a' });
    const b = await harness.service(routes(), { instanceId: 'b' });
    await until('one leads', () => a.health().relay.leading !== b.health().relay.leading);
    const [leader, follower] = a.health().relay.leading ? [a, b] : [b, a];
    for (let n = 1; n <= 30; n++) {
      const writer = n % 3 === 0 ? follower : leader;
      await Promise.all(keys.map((key) => emit(writer, key, n)));
    }
    await leader.stop(2_000);
    for (let n = 31; n <= 60; n++) await Promise.all(keys.map((key) => emit(n % 2 ? follower : leader, key, n)));
    await until('all published', outboxEmpty);
    expect(follower.health().relay.leading).toBe(true);
    expectInOrder(await published(), keys, 60);
  });

  it('when many transactions of one instance write the same keys at once', async () => {
    const messaging = await harness.service(routes());
    const keys = Array.from({ length: 3 }, () => randomUUID());
    await Promise.all(Array.from({ length: 60 }, () => Promise.all(keys.map((key) => emit(messaging, key, 0)))));
    await until('all published', outboxEmpty);
    expectInOrder(await published(), keys, 60);
  });

  it('when the leader’s session with PostgreSQL is cut', async () => {
    const messaging = await harness.service(routes());
    const keys = Array.from({ length: 3 }, () => randomUUID());
    for (let n = 1; n <= 40; n++) {
      await Promise.all(keys.map((key) => emit(messaging, key, n)));
      if (n % 10 === 0) {
        await harness.rows(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%session lock%'`,
        );
      }
    }
    await until('all published', outboxEmpty);
    expectInOrder(await published(), keys, 40);
  });

  it('when sends fail before or after they took effect, as in an outage of the broker', async () => {
    const log = logger('spec', { level: 'silent' });
    const real = kafkaPublisher(kafkaClient(harness.topics.kafka, log));
    let sends = 0;
    const flaky: Publisher = {
      async send(messages: TopicMessages[]) {
        const turn = sends++ % 4;
        if (turn === 1) throw new Error('refused before it was sent');
        await real.send(messages);
        if (turn === 3) throw new Error('the answer was lost');
      },
      close: () => real.close(),
    };
    const watch = (name: string): Progress => new Progress(name, () => performance.now());
    const relay = new Relay({
      alone: () => false,
      database: harness.database,
      queue: new RelayQueue('spec'),
      publisher: flaky,
      source: 'spec',
      limits: { ...DEFAULT_LIMITS, ...FAST_LIMITS },
      progress: { send: watch('relay'), poll: watch('outbox poll') },
      log,
    });
    const writer = await harness.service(routes(), { start: false });
    relay.start();
    const keys = Array.from({ length: 4 }, () => randomUUID());
    let n = 0;
    // On a busy machine many rows leave at once: goes on until each way to fail has been met.
    for (; n < 40 || sends <= 4; n++) await Promise.all(keys.map((key) => emit(writer, key, n)));
    await until('all published', outboxEmpty);
    await relay.stop(1_000);
    expectInOrder(await published(), keys, n);
  });
});
