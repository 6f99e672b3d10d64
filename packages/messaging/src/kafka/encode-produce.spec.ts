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
    ['nothing to acknowledge it', { ...plain, acks: 0 }],
    ['a transaction', { ...plain, transactionalId: 'one' }],
    ['no message', termsOf([])],
    ['nobody who produces', { ...plain, producerId: undefined }],
  ])('with %s is left to kafkajs', (_, one) => {
    expect(encodeProduce(one, 0)).toBeUndefined();
  });
});

describe('patchKafkaProduce', () => {
  const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: { produce(terms: object): unknown } };
  interface Sent {
    request: { apiKey: number; apiVersion: number; encode(): Promise<{ buffer: Buffer }> };
  }

  /** The Produce request that a broker is sent, of a version that it knows. */
  async function sentTo(
    maxVersion: number,
    terms: ProduceTerms,
  ): Promise<Sent['request'] & { bytes: Buffer; byKafkajs: boolean }> {
    const send = jest.fn<(protocol: Sent) => Promise<unknown>>().mockResolvedValue({});
    const lookupRequest = jest.fn(() => (of: ProduceTerms) => ({
      request: { ...original(of), apiVersion: maxVersion },
    }));
    const broker = { versions: { 0: { maxVersion } }, connectionPool: { send }, lookupRequest };
    await prototype.produce.call(Object.assign(Object.create(prototype) as object, broker), terms);
    const { request } = send.mock.calls[0]![0];
    const byKafkajs = lookupRequest.mock.calls.length > 0;
    return { ...request, bytes: (await request.encode()).buffer, byKafkajs };
  }

  it('sends the very bytes, of the plain kind or not, and is applied once', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(1_764_000_000_000);
    patchKafkaProduce();
    const patched = prototype.produce;
    patchKafkaProduce();
    expect(prototype.produce).toBe(patched);
    for (const [one, byKafkajs] of [
      [termsOf([{ key: 'k', value: Buffer.from('v'), headers: { a: 'é' } }]), false],
      [termsOf([{ key: null, value: Buffer.from('v'), headers: { twice: ['a', 'b'] } }]), true],
      [{ ...plain, acks: 0 }, true],
    ] as const) {
      const { buffer } = await original(one).encode();
      const sent = await sentTo(7, one);
      expect(sent).toMatchObject({ apiKey: 0, apiVersion: 7, byKafkajs });
      expect(sent.bytes.equals(buffer)).toBe(true);
    }
  });

  it('leaves a broker that does not know the version to kafkajs', async () => {
    patchKafkaProduce();
    expect((await sentTo(5, plain)).apiVersion).toBe(5);
  });

  it('gives up a connection that has closed, and tells why', async () => {
    patchKafkaProduce();
    const closed = Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' });
    const disconnect = jest.fn(() => Promise.resolve());
    const broker = {
      versions: { 0: { maxVersion: 7 } },
      connectionPool: { send: () => Promise.reject(closed) },
      disconnect,
    };
    await expect(prototype.produce.call(Object.assign(Object.create(prototype) as object, broker), plain)).rejects.toBe(
      closed,
    );
    expect(disconnect).toHaveBeenCalledTimes(1);
  });
});

function termsOf(messages: ProducedMessage[]): ProduceTerms {
  const topicData = [{ topic: 'orders', partitions: [{ partition: 3, firstSequence: 17, messages }] }];
  return { acks: -1, timeout: 10_000, producerId: '4711', producerEpoch: 2, topicData };
}
