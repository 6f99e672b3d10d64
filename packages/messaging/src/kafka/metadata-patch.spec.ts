import { once } from 'node:events';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { failedFetches } from './fetch-patch.js';
import { patchKafkaMetadata } from './metadata-patch.js';

interface Manager {
  resolveOffsets(): Promise<void>;
  committedOffsets(): Record<string, Record<number, string | undefined>>;
}
const OffsetManager = createRequire(import.meta.url)('kafkajs/src/consumer/offsetManager/index.js') as new (
  options: object,
) => Manager;

type Asked = { topic: string; partitions: { partition: number }[] }[];
const TOPIC = 'a.topic';
/** Of partitions 0 to 4. */
const LEADERS = [1, 2, 1, 2, -1];
const away = Object.assign(new Error('away'), { name: 'KafkaJSConnectionError' });

describe('patchKafkaMetadata', () => {
  let committed: Record<string, Record<number, string>>;
  let ask: (leader: number) => Promise<void>;
  let requests: number;
  let manager: Manager;

  beforeEach(() => {
    patchKafkaMetadata();
    patchKafkaMetadata();
    committed = {};
    requests = 0;
    const cluster = {
      committedOffsets: () => committed,
      refreshMetadata: () => Promise.resolve(),
      findLeaderForPartitions: (_: string, partitions: number[]) => Object.groupBy(partitions, (id) => LEADERS[id]!),
      fetchTopicsOffset: async (topics: Asked) => {
        requests++;
        const leaders = new Set(topics.flatMap(({ partitions }) => partitions.map((of) => LEADERS[of.partition]!)));
        await Promise.all([...leaders].map((leader) => ask(leader)));
        return topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map((of) => ({ ...of, offset: '7' })),
        }));
      },
    };
    // The group has committed something of partitions 2 and 3.
    const offsetFetch = ({ topics }: { topics: Asked }): Promise<object> =>
      Promise.resolve({
        responses: topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition }) => {
            return { partition, offset: [2, 3].includes(partition) ? '41' : '-1' };
          }),
        })),
      });
    manager = new OffsetManager({
      cluster,
      coordinator: { isConnected: () => true, offsetFetch },
      memberAssignment: { [TOPIC]: [0, 1, 2, 3, 4] },
      topicConfigurations: { [TOPIC]: { fromBeginning: true } },
      groupId: 'group',
      memberId: 'me',
    });
  });
  afterEach(() => void jest.useRealTimers());

  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const known = (): (string | undefined)[] => LEADERS.map((_, id) => manager.committedOffsets()[TOPIC]![id]);

  it('lets partitions wait alone of which only a leader that is away knows where to begin, until it is there', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    ask = (leader) => (leader === 2 ? Promise.reject(away) : Promise.resolve());
    const told = once(failedFetches, 'failed');
    await manager.resolveOffsets();
    expect(known()).toEqual(['7', undefined, '41', '41', undefined]);
    expect(await told).toEqual(['me', away]);

    requests = 0;
    await manager.resolveOffsets();
    expect(requests).toBe(0); // not with every fetch
    const answered = Promise.withResolvers<void>();
    ask = () => answered.promise;
    jest.advanceTimersByTime(1_000);
    await manager.resolveOffsets(); // waits for no answer
    expect(known()[1]).toBeUndefined();
    answered.resolve();
    await settled();
    await manager.resolveOffsets();
    expect(known()).toEqual(['7', '7', '41', '41', undefined]);

    LEADERS[4] = 1;
    jest.advanceTimersByTime(1_000);
    await manager.resolveOffsets();
    await settled();
    await manager.resolveOffsets();
    expect(known()[4]).toBe('7');
    LEADERS[4] = -1;
  });

  it('asks a leader again while another one still owes its answer', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    ask = () => Promise.reject(away);
    await manager.resolveOffsets();
    expect(known()).toEqual([undefined, undefined, '41', '41', undefined]);
    ask = (leader) => (leader === 2 ? new Promise(() => undefined) : Promise.reject(away));
    jest.advanceTimersByTime(1_000);
    await manager.resolveOffsets();
    await settled();
    ask = () => Promise.resolve();
    jest.advanceTimersByTime(1_000);
    await manager.resolveOffsets();
    await settled();
    await manager.resolveOffsets();
    expect(known()).toEqual(['7', undefined, '41', '41', undefined]);
  });

  it('moves no partition by what a leader says when the member is another one', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    ask = () => Promise.reject(away);
    await manager.resolveOffsets();
    const answered = Promise.withResolvers<void>();
    ask = () => answered.promise;
    jest.advanceTimersByTime(1_000);
    await manager.resolveOffsets();
    committed[TOPIC] = { 0: '99', 1: '99' }; // as the next member has it: kafkajs keeps that by group
    answered.resolve();
    await settled();
    expect(committed).toEqual({ [TOPIC]: { 0: '99', 1: '99' } });
  });

  it('takes a leader that does not answer for one that is away', async () => {
    const began = performance.now();
    ask = (leader) => (leader === 2 ? new Promise(() => undefined) : Promise.resolve());
    await manager.resolveOffsets();
    expect(performance.now() - began).toBeLessThan(5_000); // a member may be silent for longer
    expect(known()).toEqual(['7', undefined, '41', '41', undefined]);
  }, 10_000);

  it('does not hide what a leader has answered', async () => {
    const moved = Object.assign(new Error('moved'), { name: 'KafkaJSProtocolError', type: 'NOT_LEADER_FOR_PARTITION' });
    ask = () => Promise.reject(moved);
    await expect(manager.resolveOffsets()).rejects.toBe(moved);
  });
});
