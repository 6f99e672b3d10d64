import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { logger } from '@throughline/telemetry';
import type { Kafka } from 'kafkajs';
import { Lag } from './lag.js';
import { LagWatch } from './lag-watch.js';

describe('LagWatch', () => {
  let asked: string[];
  let away: PromiseWithResolvers<void>;
  let lag: Lag;
  let watch: LagWatch;
  const messagesOf = (topic: string): number => lag.read().find((place) => place.topic === topic)!.lagMessages;

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'performance'] });
    asked = [];
    away = Promise.withResolvers();
    lag = new Lag(Date.now);
    lag.assigned({ away: [0], there: [0] });
    const admin = {
      connect: async () => undefined,
      disconnect: async () => undefined,
      fetchOffsets: async () =>
        ['away', 'there'].map((topic) => ({ topic, partitions: [{ partition: 0, offset: '0' }] })),
      fetchTopicOffsets: async (topic: string) => {
        asked.push(topic);
        if (topic === 'away') await away.promise;
        return [{ partition: 0, high: String(asked.length), low: '0' }];
      },
    };
    watch = new LagWatch({
      kafka: { admin: () => admin } as unknown as Kafka,
      group: 'g',
      topics: ['away', 'there'],
      lag,
      flowing: () => false,
      now: Date.now,
      log: logger('spec', { level: 'silent' }),
    });
    watch.start();
  });
  afterEach(async () => {
    away.resolve();
    await watch.stop();
    jest.useRealTimers();
  });

  it('knows every 5 s what waits in the other topics while one gets no answer, and asks for that one once', async () => {
    for (const [looks, messages] of [
      [1, 2],
      [2, 3],
      [3, 4],
    ] as const) {
      // prettier-ignore
      await jest.advanceTimersByTimeAsync(5_000);
      expect(asked.filter((topic) => topic === 'there')).toHaveLength(looks);
      expect(messagesOf('there')).toBe(messages);
    }
    expect(asked.filter((topic) => topic === 'away')).toHaveLength(1);
    away.resolve();
    await jest.advanceTimersByTimeAsync(0);
    expect(messagesOf('away')).toBe(4);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(asked.filter((topic) => topic === 'away')).toHaveLength(2);
  });
});
