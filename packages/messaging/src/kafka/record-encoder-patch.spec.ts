import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesOf, patchKafkaRecordEncoder } from './record-encoder-patch.js';

const require = createRequire(import.meta.url);
const MODULE = 'kafkajs/src/protocol/recordBatch/record/v0/index.js';
type Encode = (record: object) => { buffer: Buffer };
const original = require(MODULE) as Encode;

const text = fc.string({ unit: 'grapheme' });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const delta = fc.oneof(fc.nat(200), fc.integer({ min: -0x3fff_ffff, max: 0x3fff_ffff }));
const record = fc.record({
  offsetDelta: fc.nat(100_000),
  timestampDelta: delta,
  key: fc.oneof(text, bytes),
  value: bytes,
  headers: fc.dictionary(text, fc.oneof(text, bytes)),
});

describe('patchKafkaRecordEncoder', () => {
  it('writes the very bytes that kafkajs writes', () => {
    fc.assert(fc.property(record, (one) => bytesOf(one)!.equals(original(one).buffer)));
  });

  it('leaves to kafkajs what is not of the plain kind', () => {
    const plain = { key: 'k', value: Buffer.from('v') };
    expect(bytesOf({ ...plain, value: null })).toBeUndefined();
    expect(bytesOf({ ...plain, headers: { twice: ['a', 'b'] } })).toBeUndefined();
    expect(bytesOf({ ...plain, timestampDelta: 2 ** 31 })).toBeUndefined();
  });

  it('takes the place of the original once, and encodes the rest by it', () => {
    patchKafkaRecordEncoder();
    const patched = require(MODULE) as Encode;
    expect(patched).not.toBe(original);
    patchKafkaRecordEncoder();
    expect(require(MODULE)).toBe(patched);
    for (const one of [
      { key: 'k', value: Buffer.from('v'), headers: { a: 'é' } },
      { key: null, value: Buffer.from('v'), headers: { twice: ['a', 'b'] } },
    ]) {
      expect(patched(one).buffer.equals(original(one).buffer)).toBe(true);
    }
  });
});
