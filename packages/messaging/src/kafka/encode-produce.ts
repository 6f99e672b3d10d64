import { crc32c } from './crc32c.js';

/** What kafkajs asks a broker to append. */
export interface ProduceTerms {
  acks: number;
  /** Milliseconds. */
  timeout: number;
  compression?: number | undefined;
  transactionalId?: string | null | undefined;
  /** A 64-bit integer: a number, its digits, or a Long. */
  producerId: unknown;
  producerEpoch: number;
  topicData: { topic: string; partitions: ProducedPartition[] }[];
}

interface ProducedPartition {
  partition: number | string;
  firstSequence: number;
  messages: ProducedMessage[];
}

export interface ProducedMessage {
  key?: unknown;
  value: unknown;
  timestamp?: unknown;
  headers?: { [name: string]: unknown };
}

type Bytes = Buffer | string;

/** A record measured: key, value, then name and value of each header. */
interface MeasuredRecord {
  fields: Bytes[];
  lengths: number[];
  /** Without its own length in front. */
  size: number;
}

/** Record batch v2 (Kafka protocol): what its length does not count, then up to and with its CRC, then up to its records. */
const BATCH_START_BYTES = 8 + 4;
const BATCH_HEAD_BYTES = 4 + 1 + 4;
const BATCH_BODY_BYTES = 2 + 4 + 8 + 8 + 8 + 2 + 4 + 4;
const MAGIC = 2;

/**
 * The body of a Produce request, version 3 to 7, in one buffer of its size; all its records are of the time `nowMs`, in milliseconds since
 * 1970. `undefined` where something is not of the plain kind that an outbox sends: unacknowledged, compressed, transactional, with times of
 * its own, without key or value, with headers that are null or lists; and where a partition brings no message, or nobody says who produces.
 */
export function encodeProduce(terms: ProduceTerms, nowMs: number): Buffer | undefined {
  if (!terms.acks || terms.compression || terms.transactionalId || terms.producerId == null) return undefined;
  const measured: MeasuredRecord[] = [];
  let size = 2 + 2 + 4 + 4;
  for (const { topic, partitions } of terms.topicData) {
    size += 2 + Buffer.byteLength(topic) + 4;
    for (const { messages } of partitions) {
      if (messages.length === 0) return undefined;
      size += 4 + 4 + BATCH_START_BYTES + BATCH_HEAD_BYTES + BATCH_BODY_BYTES;
      for (const [offsetDelta, message] of messages.entries()) {
        const record = measure(message, offsetDelta);
        if (!record) return undefined;
        size += sizeOfBytes(record.size);
        measured.push(record);
      }
    }
  }
  const bytes = Buffer.allocUnsafe(size);
  writeRequest(bytes, terms, measured, BigInt(Math.trunc(nowMs)));
  return bytes;
}

function measure(
  { key, value, timestamp, headers = {} }: ProducedMessage,
  offsetDelta: number,
): MeasuredRecord | undefined {
  const fields = [key, value, ...Object.entries(headers).flat()];
  if (timestamp !== undefined || !fields.every(isBytes)) return undefined;
  const lengths = fields.map(byteLength);
  const attributesAndTime = 1 + sizeOfVarInt(0);
  const size = lengths.reduce(
    (sum, length) => sum + sizeOfBytes(length),
    attributesAndTime + sizeOfVarInt(offsetDelta) + sizeOfVarInt(headersOf(fields)),
  );
  return { fields, lengths, size };
}

function writeRequest(
  bytes: Buffer,
  { acks, timeout, producerId, producerEpoch, topicData }: ProduceTerms,
  measured: MeasuredRecord[],
  nowMs: bigint,
): void {
  const producer = BigInt(String(producerId));
  let at = bytes.writeInt16BE(-1); // no transaction
  at = bytes.writeInt16BE(acks, at);
  at = bytes.writeInt32BE(timeout, at);
  at = bytes.writeInt32BE(topicData.length, at);
  let next = 0;
  for (const { topic, partitions } of topicData) {
    at = bytes.writeInt16BE(Buffer.byteLength(topic), at);
    at += bytes.write(topic, at);
    at = bytes.writeInt32BE(partitions.length, at);
    for (const { partition, firstSequence, messages } of partitions) {
      const records = measured.slice(next, (next += messages.length));
      at = bytes.writeInt32BE(Number(partition), at);
      const sizeAt = at;
      const start = (at += 4);
      at = bytes.writeBigInt64BE(0n, at); // the broker gives offsets
      const lengthAt = at;
      at = bytes.writeInt32BE(0, at + 4); // epoch of the leader: the broker's
      at = bytes.writeInt8(MAGIC, at);
      const crcAt = at;
      const body = (at += 4);
      at = bytes.writeInt16BE(0, at); // no attributes
      at = bytes.writeInt32BE(messages.length - 1, at);
      at = bytes.writeBigInt64BE(nowMs, at); // the first time,
      at = bytes.writeBigInt64BE(nowMs, at); // and the last
      at = bytes.writeBigInt64BE(producer, at);
      at = bytes.writeInt16BE(producerEpoch, at);
      at = bytes.writeInt32BE(firstSequence, at);
      at = bytes.writeInt32BE(messages.length, at);
      for (const [offsetDelta, record] of records.entries()) at = writeRecord(bytes, record, offsetDelta, at);
      bytes.writeInt32BE(at - start, sizeAt);
      bytes.writeInt32BE(at - start - BATCH_START_BYTES, lengthAt);
      bytes.writeUInt32BE(crc32c(bytes.subarray(body, at)), crcAt);
    }
  }
}

function writeRecord(
  bytes: Buffer,
  { fields, lengths, size }: MeasuredRecord,
  offsetDelta: number,
  start: number,
): number {
  let at = writeVarInt(bytes, size, start);
  at = bytes.writeInt8(0, at); // no attributes
  at = writeVarInt(bytes, 0, at); // no later than the first
  at = writeVarInt(bytes, offsetDelta, at);
  for (const [index, field] of fields.entries()) {
    if (index === KEY_AND_VALUE) at = writeVarInt(bytes, headersOf(fields), at);
    at = writeBytes(bytes, field, lengths[index]!, at);
  }
  return fields.length === KEY_AND_VALUE ? writeVarInt(bytes, 0, at) : at;
}

const KEY_AND_VALUE = 2;

function headersOf(fields: unknown[]): number {
  return (fields.length - KEY_AND_VALUE) / 2;
}

function isBytes(value: unknown): value is Bytes {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

function byteLength(value: Bytes): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

/** Zigzag, for numbers from 0 to 2^30. */
function zigzag(value: number): number {
  return value << 1;
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
