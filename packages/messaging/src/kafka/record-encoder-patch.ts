import { createRequire } from 'node:module';

/** A record as kafkajs hands it to its encoder. */
interface Record {
  offsetDelta?: number;
  timestampDelta?: number;
  key: unknown;
  value: unknown;
  headers?: { [name: string]: unknown };
}

interface Encoder {
  buf: Buffer;
  offset: number;
}

type EncodeRecord = (record: Record) => Encoder;

const MODULE = 'kafkajs/src/protocol/recordBatch/record/v0/index.js';
/** No record attribute is in use (Kafka protocol, record batch v2). */
const ATTRIBUTES = 0;
/** The zigzag of a number up to here fits into 32 bits. */
const DELTA_MAX = 0x3fff_ffff;

/**
 * kafkajs 2.2.4 makes an object with a growing buffer of its own for each header, each record and each batch: with our headers 24 µs
 * for a record, which was the dearest thing a service did with Kafka. This computes the size first and writes the same bytes into one
 * buffer, in 3 µs. What our outbox does not send (no value, null headers) goes to the original. Idempotent; call it before anything
 * is produced.
 */
export function patchKafkaRecordEncoder(): void {
  const require = createRequire(import.meta.url);
  const original = require(MODULE) as EncodeRecord & { patched?: true };
  if (original.patched) return;
  if (original.length !== 1) {
    throw new Error(
      'kafkajs has changed: check whether record-encoder-patch.ts is still needed, and remove or adapt it.',
    );
  }
  const { prototype } = require('kafkajs/src/protocol/encoder.js') as { prototype: object };
  const encode = (record: Record): Encoder => {
    const bytes = bytesOf(record);
    if (!bytes) return original(record);
    return Object.assign(Object.create(prototype) as Encoder, { buf: bytes, offset: bytes.length });
  };
  require.cache[require.resolve(MODULE)]!.exports = Object.assign(encode, { patched: true });
}

/** The record on the wire; `undefined` where it is none of the plain kind. */
export function bytesOf({ offsetDelta = 0, timestampDelta = 0, key, value, headers = {} }: Record): Buffer | undefined {
  if (!isBytes(key) || !isBytes(value) || !isSmall(offsetDelta) || !isSmall(timestampDelta)) return undefined;
  const fields = Object.entries(headers).flat();
  if (!fields.every(isBytes)) return undefined;
  const lengths = fields.map(byteLength);
  const [keyLength, valueLength] = [byteLength(key), byteLength(value)];
  const size =
    1 +
    sizeOfVarInt(timestampDelta) +
    sizeOfVarInt(offsetDelta) +
    sizeOfBytes(keyLength) +
    sizeOfBytes(valueLength) +
    sizeOfVarInt(fields.length / 2) +
    lengths.reduce((sum, length) => sum + sizeOfBytes(length), 0);
  const bytes = Buffer.allocUnsafe(sizeOfVarInt(size) + size);
  let at = writeVarInt(bytes, size, 0);
  at = bytes.writeInt8(ATTRIBUTES, at);
  at = writeVarInt(bytes, timestampDelta, at);
  at = writeVarInt(bytes, offsetDelta, at);
  at = writeBytes(bytes, key, keyLength, at);
  at = writeBytes(bytes, value, valueLength, at);
  at = writeVarInt(bytes, fields.length / 2, at);
  for (const [index, field] of fields.entries()) at = writeBytes(bytes, field, lengths[index]!, at);
  return bytes;
}

type Bytes = Buffer | string;

function isBytes(value: unknown): value is Bytes {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

function isSmall(delta: unknown): boolean {
  return typeof delta === 'number' && Math.abs(delta) <= DELTA_MAX;
}

function byteLength(value: Bytes): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function sizeOfVarInt(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest >>>= 7) size++;
  return size;
}

function sizeOfBytes(length: number): number {
  return sizeOfVarInt(length) + length;
}

function writeVarInt(bytes: Buffer, value: number, at: number): number {
  let rest = zigzag(value);
  for (; rest > 0x7f; rest >>>= 7) at = bytes.writeUInt8((rest & 0x7f) | 0x80, at);
  return bytes.writeUInt8(rest, at);
}

function writeBytes(bytes: Buffer, value: Bytes, length: number, at: number): number {
  const start = writeVarInt(bytes, length, at);
  if (typeof value === 'string') bytes.write(value, start);
  else value.copy(bytes, start);
  return start + length;
}
