import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { crc32c } from './crc32c.js';

const byKafkajs = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/crc32C/index.js') as typeof crc32c;

describe('crc32c', () => {
  it.each([
    ['32 bytes of 0', Buffer.alloc(32), 0x8a91_36aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8_ab43],
    ['the check value of the catalogues', Buffer.from('123456789'), 0xe306_9283],
  ])('is what RFC 3720, B.4, says of %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it("is kafkajs's, of any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => crc32c(bytes) === byKafkajs(bytes)));
  });
});
