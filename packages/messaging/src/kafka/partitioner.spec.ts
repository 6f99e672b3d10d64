import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Partitioners, type Message, type PartitionMetadata } from 'kafkajs';
import { keyPartitioner } from './partitioner.js';

const metadata = (count: number): PartitionMetadata[] =>
  Array.from({ length: count }, (_, partitionId) => ({
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
    partitionErrorCode: 0,
  }));
const key = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.uuid(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

describe('keyPartitioner', () => {
  it('places every key where kafkajs, and so the Java client, places it', () => {
    const [ours, theirs] = [keyPartitioner(), Partitioners.DefaultPartitioner()];
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 64 }), (of, count) => {
        const args = { topic: 'orders', partitionMetadata: metadata(count), message: { key: of, value: null } };
        expect(ours(args)).toBe(theirs(args));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(['21', 'foobar', 'a-little-bit-long-string', 'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8'])(
    'knows the values that the tests of the Java client give for "%s"',
    (text) => {
      const JAVA: Record<string, number> = {
        '21': -973932308,
        foobar: -790332482,
        'a-little-bit-long-string': -985981536,
        lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
      };
      const args = { topic: 'orders', partitionMetadata: metadata(1_000), message: { key: text, value: null } };
      expect(keyPartitioner()(args)).toBe((JAVA[text]! & 0x7fff_ffff) % 1_000);
    },
  );

  it('refuses a message without key', () => {
    const message: Message = { value: null };
    expect(() => keyPartitioner()({ topic: 'orders', partitionMetadata: metadata(3), message })).toThrow('without key');
  });
});
