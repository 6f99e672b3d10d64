import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { logger } from '@throughline/telemetry';
import type { Led, Place } from '../kafka/partition-ends.js';
import { Lag } from './lag.js';
import { LagWatch } from './lag-watch.js';

const TOPIC = 't';
const AWAY = 2;

describe('LagWatch', () => {
  /** Of one topic: partition 0 is led by a broker that is there, 1 by one that is away, 2 and 3 by whoever a spec says. */
  let leaders: Led[];
  /** Brokers in the order in which they were asked for ends. */
  let asked: (number | undefined)[];
  let end: number;
  let away: PromiseWithResolvers<void>;
  let coordinator: Promise<void>;
  let committed: Record<number, string>;
  let refused: number[];
  let told: unknown[];
  let lag: Lag;
  let watch: LagWatch;
  let flowing: boolean;
  const place = (partition: number) => ({ topic: TOPIC, partition });
  const of = (partition: number) => lag.read().find((each) => each.partition === partition)!;
  const seconds = (n: number): Promise<void> => jest.advanceTimersByTimeAsync(n * 1_000);

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'performance'] });
    leaders = [
      { nodeId: 1, partitions: [place(0)] },
      { nodeId: AWAY, partitions: [place(1)] },
    ];
    asked = [];
    end = 10;
    away = Promise.withResolvers();
    coordinator = Promise.resolve();
    committed = { 0: '4', 1: '4', 2: '4', 3: '4' };
    refused = [];
    told = [];
    flowing = false;
    lag = new Lag(Date.now);
    lag.assigned({ [TOPIC]: [0, 1] });
    const log = logger('spec', { level: 'silent' });
    jest.spyOn(log, 'warn').mockImplementation((fields: unknown) => void told.push(fields));
    watch = new LagWatch({
      ends: {
        leaders: async () => leaders,
        places: async ({ nodeId, partitions }, at): Promise<Place[]> => {
          if (at === 'end') asked.push(nodeId);
          if (nodeId === AWAY) await away.promise;
          return partitions.map(({ partition }) => ({
            ...place(partition),
            offset: refused.includes(partition) ? undefined : at === 'end' ? String(end) : '3',
          }));
        },
        committed: async (_, partitions) => {
          await coordinator;
          return partitions.map(({ partition }) => ({ ...place(partition), offset: committed[partition] }));
        },
        close: async () => undefined,
      },
      group: 'g',
      topics: [TOPIC],
      lag,
      flowing: () => flowing,
      now: Date.now,
      log,
    });
    watch.start();
  });
  afterEach(async () => {
    away.resolve();
    await watch.stop();
    jest.useRealTimers();
  });

  it('knows every 5 s what waits at the other brokers while one gives no answer, tells what is not known, and asks that one once', async () => {
    watch.look();
    for (end of [10, 11, 12]) {
      await seconds(5);
      expect(of(0)).toMatchObject({ lagMessages: end - 4 });
      expect(of(0)).not.toHaveProperty('unknown');
      expect(of(1)).toMatchObject({ lagMessages: 0, unknown: true });
    }
    expect(asked.filter((node) => node === AWAY)).toHaveLength(1);
    expect(told).toEqual([{ nodeId: AWAY, partitions: [place(1)] }]);
    away.resolve();
    await seconds(0);
    expect(of(1)).toEqual({ ...place(1), lagMessages: 8, lagSeconds: expect.any(Number), paused: false });
    await seconds(5);
    expect(asked.filter((node) => node === AWAY)).toHaveLength(2);
  });

  it('tells as unknown, with what was seen last, what a broker stops answering for', async () => {
    away.resolve();
    watch.look();
    await seconds(0);
    expect(of(1)).not.toHaveProperty('unknown');
    away = Promise.withResolvers();
    await seconds(5);
    expect(of(1)).not.toHaveProperty('unknown'); // it has just been asked
    await seconds(5);
    expect(of(1)).toMatchObject({ lagMessages: 6, unknown: true });
    away.reject(new Error('closed'));
    await seconds(0);
    expect(told).toHaveLength(1);
  });

  it('tells as unknown what has no leader, or is refused, and knows all the others', async () => {
    lag.assigned({ [TOPIC]: [0, 2, 3] });
    leaders = [
      { nodeId: 1, partitions: [place(0), place(2)] },
      { nodeId: undefined, partitions: [place(3)] },
    ];
    refused = [2];
    watch.look();
    await seconds(0);
    expect(lag.read().map(({ unknown }) => unknown)).toEqual([undefined, true, true]);
    refused = [];
    leaders = [{ nodeId: 1, partitions: [place(0), place(2), place(3)] }];
    await seconds(5);
    expect(lag.read().map(({ unknown }) => unknown)).toEqual([undefined, undefined, undefined]);
  });

  it('looks every 5 s as long as anything is unknown, though all brokers answer fetches: nobody fetches what has no leader', async () => {
    lag.assigned({ [TOPIC]: [0, 3] });
    leaders = [
      { nodeId: 1, partitions: [place(0)] },
      { nodeId: undefined, partitions: [place(3)] },
    ];
    flowing = true;
    watch.look();
    await seconds(20);
    expect(asked).toHaveLength(5);
  });

  it('knows where a group begins that has committed nothing, without waiting for a broker that is away', async () => {
    committed = {};
    watch.look();
    await seconds(0);
    expect(of(0)).toMatchObject({ lagMessages: 7 });
    expect(of(1)).toMatchObject({ unknown: true });
  });

  it('goes on looking at what is known while nobody says what the group has committed', async () => {
    const answer = Promise.withResolvers<void>();
    coordinator = answer.promise;
    lag.fetched(TOPIC, 0, '5', { offset: '4', timestamp: String(Date.now()) });
    watch.look();
    await seconds(0);
    expect(of(0)).toMatchObject({ lagMessages: 6 });
    expect(of(0)).not.toHaveProperty('unknown');
    answer.resolve();
  });
});
