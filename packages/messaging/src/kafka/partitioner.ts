import type { ICustomPartitioner } from 'kafkajs';

const SEED = 0x9747_b28c;
const FACTOR = 0x5bd1_e995;
const SHIFT = 24;

/**
 * As the Java client places records with a key: producers of other languages put a key into the same partition. kafkajs' own says the
 * same with 64-bit numbers made of objects, which took it 4 µs a record.
 */
export const keyPartitioner: ICustomPartitioner =
  () =>
  ({ message: { key }, partitionMetadata }) => {
    if (key == null) throw new Error('A message without key has no partition: order is kept per key.');
    return (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fff_ffff) % partitionMetadata.length;
  };

/** MurmurHash2 by Austin Appleby, in 32 bits, as `Utils.murmur2` of the Java client has it. */
function murmur2(bytes: Uint8Array): number {
  const whole = bytes.length - (bytes.length % 4);
  let hash = SEED ^ bytes.length;
  for (let at = 0; at < whole; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, FACTOR);
    word = Math.imul(word ^ (word >>> SHIFT), FACTOR);
    hash = Math.imul(hash, FACTOR) ^ word;
  }
  if (whole < bytes.length) {
    for (let at = bytes.length - 1; at >= whole; at--) hash ^= bytes[at]! << ((at - whole) * 8);
    hash = Math.imul(hash, FACTOR);
  }
  hash = Math.imul(hash ^ (hash >>> 13), FACTOR);
  return hash ^ (hash >>> 15);
}
