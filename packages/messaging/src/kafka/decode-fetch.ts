import { createRequire } from 'node:module';
import { BATCH_UNREADABLE } from '../errors.js';
import { crc32c } from './crc32c.js';
import { decompress } from './decompress.js';

/** A record as kafkajs hands it on. */
export interface FetchedRecord {
  magicByte: number;
  attributes: number;
  timestamp: string;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer | null | (Buffer | null)[]>;
  isControlRecord: boolean;
  batchContext: { producerId: string; inTransaction: boolean };
}

export interface FetchedPartition {
  partition: number;
  errorCode: number;
  highWatermark: string;
  abortedTransactions: { producerId: string; firstOffset: string }[];
  preferredReadReplica: number;
  messages: FetchedRecord[];
}

export interface FetchedTopic {
  topicName: string;
  partitions: FetchedPartition[];
}

export interface FetchResponse {
  throttleTime: 0;
  /** Milliseconds for which the broker wants to hear nothing. */
  clientSideThrottleTime: number;
  errorCode: number;
  sessionId: number;
  responses: FetchedTopic[];
}

const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
const decodeByKafkajs = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js') as (
  decoder: object,
) => Promise<FetchedRecord[]>;

/** Of a record batch, version 2 (Kafka protocol): up to here its length and its format can be told; its records begin after the head. */
const MAGIC_AT = 16;
const LENGTH_AT = 8;
const CRC_AT = 17;
/** From here on the checksum counts. */
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const COUNT_AT = 57;
const HEAD_BYTES = 61;
const MAGIC = 2;
const [LOG_APPEND_TIME, TRANSACTIONAL, CONTROL] = [0x08, 0x10, 0x20];
const NO_REPLICA = -1;
const TOO_SHORT = 'The records end too early.';

/**
 * Reads the answer to Fetch version 11. Partitions that bring neither records nor news are left out. Formats older than Kafka 0.11 are
 * read by kafkajs.
 */
export async function decodeFetchResponse(bytes: Buffer): Promise<FetchResponse> {
  const reader = new Reader(bytes);
  const [clientSideThrottleTime, errorCode, sessionId] = [reader.int32(), reader.int16(), reader.int32()];
  const responses: FetchedTopic[] = [];
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topicName = reader.text();
    const partitions: FetchedPartition[] = [];
    for (let n = reader.int32(); n > 0; n--) {
      const partition = await readPartition(reader);
      const { messages, errorCode, preferredReadReplica } = partition;
      if (messages.length > 0 || errorCode !== 0 || preferredReadReplica !== NO_REPLICA) partitions.push(partition);
    }
    if (partitions.length > 0) responses.push({ topicName, partitions });
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

async function readPartition(reader: Reader): Promise<FetchedPartition> {
  const [partition, errorCode, highWatermark] = [reader.int32(), reader.int16(), String(reader.int64())];
  reader.skip(16); // last stable offset, log start offset
  const abortedTransactions: FetchedPartition['abortedTransactions'] = [];
  for (let n = reader.int32(); n > 0; n--) {
    abortedTransactions.push({ producerId: String(reader.int64()), firstOffset: String(reader.int64()) });
  }
  const preferredReadReplica = reader.int32();
  const sized = reader.sizedBytes();
  const messages =
    (await readRecords(sized.subarray(4), Number(highWatermark))) ?? (await decodeByKafkajs(new Decoder(sized)));
  return { partition, errorCode, highWatermark, abortedTransactions, preferredReadReplica, messages };
}

/**
 * The records of all complete batches; the last one may be cut off. `undefined` where the first one is of another format.
 *
 * @param endOffset of the partition
 */
async function readRecords(bytes: Buffer, endOffset: number): Promise<FetchedRecord[] | undefined> {
  const records: FetchedRecord[] = [];
  // A message of an older format may be shorter than the head of a batch.
  for (let at = 0; at + MAGIC_AT < bytes.length;) {
    if (bytes[at + MAGIC_AT] !== MAGIC) return at === 0 ? undefined : records; // the next fetch begins there
    if (at + HEAD_BYTES > bytes.length) break;
    const end = at + LENGTH_AT + 4 + bytes.readInt32BE(at + LENGTH_AT);
    if (end < at + HEAD_BYTES)
      throw new Error('A record batch is shorter than its head: where the next begins is not known.');
    if (end > bytes.length) break;
    const batch = bytes.subarray(at, end);
    const before = records.length;
    try {
      await readBatch(batch, records);
    } catch (error) {
      records.length = before;
      const isLast = end + 8 > bytes.length;
      const following = isLast ? behindRecords(batch) : Number(bytes.readBigInt64BE(end));
      records.push(unreadable(batch, Math.min(following, endOffset), error));
    }
    at = end;
  }
  return records;
}

/** Without gaps it is the next offset. With gaps it lies within the batch, which is then fetched and handed on again: nothing is skipped. */
function behindRecords(batch: Buffer): number {
  return Number(batch.readBigInt64BE(0)) + Math.max(1, batch.readInt32BE(COUNT_AT));
}

/**
 * In place of a batch that cannot be read, its raw bytes, so that they alone become a dead letter and the records behind it are read. Its
 * offset is the last one of the batch, whence the partition moves on behind it.
 *
 * @param following the offset behind the batch at most: a damaged head may say any
 */
function unreadable(batch: Buffer, following: number, error: unknown): FetchedRecord {
  const first = Number(batch.readBigInt64BE(0));
  const last = Math.max(first, Math.min(first + batch.readInt32BE(LAST_DELTA_AT), following - 1));
  const reason = `offsets ${first} to ${last}: ${(error as Error).message.replace(/\.$/, '')}`;
  return {
    magicByte: MAGIC,
    attributes: 0,
    timestamp: String(batch.readBigInt64BE(27)),
    offset: String(last),
    key: null,
    value: batch,
    headers: { [BATCH_UNREADABLE]: Buffer.from(reason) },
    // Nothing that it says of itself may hide it.
    isControlRecord: false,
    batchContext: { producerId: '-1', inTransaction: false },
  };
}

/** @throws where any byte of it is not as it should be */
async function readBatch(batch: Buffer, into: FetchedRecord[]): Promise<void> {
  const [head, packed] = [batch.subarray(0, HEAD_BYTES), batch.subarray(HEAD_BYTES)];
  if (crc32c(batch.subarray(ATTRIBUTES_AT)) !== head.readUInt32BE(CRC_AT)) throw new Error('The checksum is wrong.');
  const attributes = head.readInt16BE(ATTRIBUTES_AT);
  const compressed = packed.length > 0 ? decompress(attributes, packed) : undefined;
  readBody(head, attributes, compressed ? await compressed : packed, into);
}

function readBody(head: Buffer, attributes: number, body: Buffer, into: FetchedRecord[]): void {
  const firstOffset = Number(head.readBigInt64BE(0));
  const firstTimestamp = Number(head.readBigInt64BE(27));
  const appendedAt = (attributes & LOG_APPEND_TIME) !== 0 ? String(head.readBigInt64BE(35)) : undefined;
  const isControlRecord = (attributes & CONTROL) !== 0;
  const batchContext = {
    producerId: String(head.readBigInt64BE(43)),
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
  };
  const reader = new Reader(body);
  for (let n = head.readInt32BE(57); n > 0; n--) {
    const length = reader.varint();
    const end = reader.at + length;
    const recordAttributes = reader.int8();
    const createdAt = firstTimestamp + reader.varint();
    into.push({
      magicByte: MAGIC,
      attributes: recordAttributes,
      timestamp: appendedAt ?? String(createdAt),
      offset: String(firstOffset + reader.varint()),
      key: reader.varintBytes(),
      value: reader.varintBytes(),
      headers: readHeaders(reader),
      isControlRecord,
      batchContext,
    });
    if (reader.at !== end) throw new Error('A record is not as long as it says.');
  }
  if (reader.at !== body.length) throw new Error('There is more than the records that were announced.');
}

function readHeaders(reader: Reader): FetchedRecord['headers'] {
  // Without a prototype: any name may come, `__proto__` too.
  const headers = Object.create(null) as FetchedRecord['headers'];
  for (let n = reader.varint(); n > 0; n--) {
    const name = reader.varintBytes()?.toString('utf8');
    if (name === undefined) throw new Error('A header has no name.');
    const value = reader.varintBytes();
    const before = headers[name];
    headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return headers;
}

/** Reads Kafka's primitives one after another. */
class Reader {
  constructor(
    private readonly bytes: Buffer,
    public at = 0,
  ) {}

  int8(): number {
    return this.bytes.readInt8(this.at++);
  }

  int16(): number {
    const value = this.bytes.readInt16BE(this.at);
    this.at += 2;
    return value;
  }

  int32(): number {
    const value = this.bytes.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  int64(): bigint {
    const value = this.bytes.readBigInt64BE(this.at);
    this.at += 8;
    return value;
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  text(): string {
    const length = this.int16();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  /** With the four bytes before them that say how many they are; none where that is negative. */
  sizedBytes(): Buffer {
    const from = this.at;
    const length = Math.max(0, this.int32());
    this.at += length;
    return this.bytes.subarray(from, this.at);
  }

  /** Zigzag, of 32 or 64 bits; exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error(TOO_SHORT);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  varintBytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.at += length;
    if (this.at > this.bytes.length) throw new Error(TOO_SHORT);
    return this.bytes.subarray(this.at - length, this.at);
  }
}
