import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { encodeProduce, type ProducedMessage, type ProduceTerms } from './encode-produce.js';
import { patchKafkaProduce } from './produce-patch.js';

const require = createRequire(import.meta.url);
const MODULE = 'kafkajs/src/protocol/requests/produce/v7/request.js';
type MakeRequest = (terms: ProduceTerms) => { apiVersion: number; encode(): Promise<{ buffer: Buffer }> };
const original = require(MODULE) as MakeRequest;

const plain = termsOf([{ key: 'k', value: Buffer.from('v') }]);
const text = fc.string({ unit: 'grapheme' });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const message: fc.Arbitrary<ProducedMessage> = fc.record({
  key: fc.oneof(text, bytes),
  value: bytes,
  headers: fc.dictionary(text, fc.oneof(text, bytes)),
});
const partition = fc.record({
  partition: fc.nat(1_000),
  firstSequence: fc.nat(),
  messages: fc.array(message, { minLength: 1, maxLength: 4 }),
});
const terms: fc.Arbitrary<ProduceTerms> = fc.record({
  acks: fc.constant(-1),
  timeout: fc.nat(),
  producerId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  producerEpoch: fc.nat(0x7fff),
  topicData: fc.array(fc.record({ topic: text, partitions: fc.array(partition, { minLength: 1, maxLength: 3 }) }), {
    maxLength: 3,
  }),
});
const nowMs = fc.integer({ min: 0, max: 253_402_300_799_999 });

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a Produce request', () => {
  it('has the very bytes that kafkajs writes', async () => {
    await fc.assert(
      fc.asyncProperty(terms, nowMs, async (one, now) => {
        jest.spyOn(Date, 'now').mockReturnValue(now);
        const { buffer } = await original(one).encode();
        expect(encodeProduce(one, now)!.equals(buffer)).toBe(true);
      }),
    );
  });

  it('has them with more records than one byte counts, and longer ones', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(1_764_000_000_000);
    const messages = Array.from({ length: 9_000 }, (_, index) => ({
      key: `key-${index}`,
      value: Buffer.alloc(index % 3_000, index),
      headers: { ce_type: 'OrderCreated' },
    }));
    const one = termsOf(messages);
    const { buffer } = await original(one).encode();
    expect(encodeProduce(one, 1_764_000_000_000)!.equals(buffer)).toBe(true);
  });

  it('is written here where it is of the plain kind', () => {
    expect(encodeProduce(plain, 0)).toBeInstanceOf(Buffer);
  });

  it.each<[string, ProduceTerms]>([
    ['no value', termsOf([{ key: 'k', value: null }])],
    ['no key', termsOf([{ key: null, value: Buffer.from('v') }])],
    ['a list of headers', termsOf([{ key: 'k', value: Buffer.from('v'), headers: { twice: ['a', 'b'] } }])],
    ['a time of its own', termsOf([{ key: 'k', value: Buffer.from('v'), timestamp: '1764000000000' }])],
    ['compression', { ...plain, compression: 1 }],
    ['a transaction', { ...plain, transactionalId: 'one' }],
    ['no message', termsOf([])],
    ['nobody who produces', { ...plain, producerId: undefined }],
  ])('with %s is left to kafkajs', (_, one) => {
    expect(encodeProduce(one, 0)).toBeUndefined();
  });
});

describe('patchKafkaProduce', () => {
  it('takes the place of the original once, and encodes the rest by it', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(1_764_000_000_000);
    patchKafkaProduce();
    const patched = require(MODULE) as MakeRequest;
    expect(patched).not.toBe(original);
    patchKafkaProduce();
    expect(require(MODULE)).toBe(patched);
    for (const one of [
      termsOf([{ key: 'k', value: Buffer.from('v'), headers: { a: 'é' } }]),
      termsOf([{ key: null, value: Buffer.from('v'), headers: { twice: ['a', 'b'] } }]),
    ]) {
      const [ours, theirs] = await Promise.all([patched(one).encode(), original(one).encode()]);
      expect(ours.buffer.equals(theirs.buffer)).toBe(true);
      expect(patched(one).apiVersion).toBe(7);
    }
  });
});

function termsOf(messages: ProducedMessage[]): ProduceTerms {
  const topicData = [{ topic: 'orders', partitions: [{ partition: 3, firstSequence: 17, messages }] }];
  return { acks: -1, timeout: 10_000, producerId: '4711', producerEpoch: 2, topicData };
}
