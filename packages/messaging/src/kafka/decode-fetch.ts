import { createRequire } from 'node:module';
import { BATCH_UNREADABLE } from '../errors.js';
import { crc32c } from './crc32c.js';
import { decompress } from './decompress.js';
import type { FetchTerms, FetchTopic } from './fetch-session.js';
import {
  COUNT_AT,
  frameAt,
  HEAD_BYTES,
  isHead,
  isWithin,
  LAST_DELTA_AT,
  MAGIC,
  offsetAt,
  placeAfter,
  type Bounds,
} from './record-set.js';

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
  /** Of formats before version 2 there is none. */
  batchContext?: { producerId: string; inTransaction: boolean };
}

export interface FetchedPartition {
  partition: number;
  errorCode: number;
  highWatermark: string;
  /** None: what was aborted is marked as such already. */
  abortedTransactions: [];
  preferredReadReplica: number;
  messages: FetchedRecord[];
}

export interface FetchedTopic {
  topicName: string;
  partitions: FetchedPartition[];
}

/** A partition of which nothing came, although it is asked for what there is. */
export interface RefusedPartition {
  topic: string;
  partition: number;
  /** From here on. */
  offset: string;
  /** 0 where it said nothing, and sent nothing. */
  errorCode: number;
}

/** Offsets of which nothing came, although what is behind them did: compacted away, or passed over by a broker with a damaged disk. */
export interface OffsetGap {
  topic: string;
  partition: number;
  first: number;
  last: number;
}

export interface FetchResponse {
  throttleTime: 0;
  /** Milliseconds for which the broker wants to hear nothing. */
  clientSideThrottleTime: number;
  errorCode: number;
  sessionId: number;
  responses: FetchedTopic[];
  /** The broker serves nothing of them. */
  refused: RefusedPartition[];
  /** There may have been no room for them beside what came before them. */
  withheld: RefusedPartition[];
  gaps: OffsetGap[];
}

const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
const decodeByKafkajs = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js') as (
  decoder: object,
) => Promise<FetchedRecord[]>;

const CRC_AT = 17;
/** From here on the checksum of a batch counts. */
const ATTRIBUTES_AT = 21;
const FIRST_TIMESTAMP_AT = 27;
/** Seven numbers of a byte. */
const LEAST_RECORD_BYTES = 7;
const [LOG_APPEND_TIME, TRANSACTIONAL, CONTROL] = [0x08, 0x10, 0x20];
const NO_REPLICA = -1;
const NO_PRODUCER = { producerId: '-1', inTransaction: false };
/** The key of the marker that ends an aborted transaction: its version, and what it marks. */
const ABORT = Buffer.from([0, 0, 0, 0]);
const TOO_SHORT = 'The records end too early.';

/** The broker has failed, or has found on its own disk what it cannot serve; of this partition alone. */
const REFUSALS = new Set([-1, 2]);

/**
 * Reads the answer to Fetch version 11. Partitions that bring neither records nor news are left out. Formats older than Kafka 0.11 are
 * read by kafkajs.
 *
 * @param asked what was fetched from where, so that nothing that is sent instead goes unnoticed
 */
export async function decodeFetchResponse(
  bytes: Buffer,
  asked: Pick<FetchTerms, 'topics'> = { topics: [] },
): Promise<FetchResponse> {
  const reader = new Reader(bytes);
  const [clientSideThrottleTime, errorCode, sessionId] = [reader.int32(), reader.int16(), reader.int32()];
  const responses: FetchedTopic[] = [];
  const refused: RefusedPartition[] = [];
  const withheld: RefusedPartition[] = [];
  const gaps: OffsetGap[] = [];
  // A broker fills its answer in order. What comes first in it comes whole, whatever the limits (KIP-74); what is behind that may find no
  // room in all, and no batch beyond the limit of a partition does.
  let isFirst = true;
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topicName = reader.text();
    const places = asked.topics.find(({ topic }) => topic === topicName)?.partitions ?? [];
    const partitions: FetchedPartition[] = [];
    for (let n = reader.int32(); n > 0; n--) {
      const { place, isEmpty, stableOffset, missing, ...fetched } = await readPartition(reader, places);
      const { partition, messages, errorCode, preferredReadReplica } = fetched;
      const notServed = place && { topic: topicName, partition, offset: place.fetchOffset, errorCode };
      if (notServed && REFUSALS.has(errorCode)) refused.push(notServed);
      else if (messages.length > 0 || errorCode !== 0 || preferredReadReplica !== NO_REPLICA) partitions.push(fetched);
      else if (notServed && isEmpty && Number(place.fetchOffset) < stableOffset)
        (isFirst ? refused : withheld).push(notServed);
      isFirst &&= isEmpty;
      for (const [first, last] of missing) gaps.push({ topic: topicName, partition, first, last });
    }
    if (partitions.length > 0) responses.push({ topicName, partitions });
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses, refused, withheld, gaps };
}

interface ReadPartition extends FetchedPartition {
  /** Where it was asked for. */
  place: FetchTopic['partitions'][number] | undefined;
  isEmpty: boolean;
  /** Up to here there is something to serve. */
  stableOffset: number;
  /** First and last offsets of gaps. */
  missing: [number, number][];
}

async function readPartition(reader: Reader, places: FetchTopic['partitions']): Promise<ReadPartition> {
  const [partition, errorCode, highWatermark] = [reader.int32(), reader.int16(), String(reader.int64())];
  const stableOffset = Number(reader.int64());
  reader.skip(8); // log start offset
  const abortedTransactions: { producerId: string; firstOffset: string }[] = [];
  for (let n = reader.int32(); n > 0; n--) {
    abortedTransactions.push({ producerId: String(reader.int64()), firstOffset: String(reader.int64()) });
  }
  const preferredReadReplica = reader.int32();
  const sized = reader.sizedBytes();
  const place = places.find((each) => each.partition === partition);
  const from = place ? Number(place.fetchOffset) : (offsetAt(sized, 4) ?? 0);
  const range: OffsetRange = { from, endOffset: Number(highWatermark), missing: [] };
  const messages = (await readRecords(sized.subarray(4), range)) ?? (await readOlder(sized, range));
  hideAborted(messages, abortedTransactions, range.missing);
  return {
    partition,
    errorCode,
    highWatermark,
    abortedTransactions: [],
    preferredReadReplica,
    messages,
    place,
    isEmpty: sized.length <= 4,
    stableOffset,
    missing: range.missing,
  };
}

/** Offsets that a record set may hold. */
interface OffsetRange {
  /** What was asked for. */
  from: number;
  /** Of the partition. */
  endOffset: number;
  /** First and last offsets of gaps are told here. */
  missing: [number, number][];
}

/**
 * The records of all complete batches; the last one may be cut off. What nobody can read is handed on as it is, up to where a batch begins
 * that can follow it. `undefined` where the first one is of another format.
 */
async function readRecords(
  bytes: Buffer,
  { from, endOffset, missing }: OffsetRange,
): Promise<FetchedRecord[] | undefined> {
  const records: FetchedRecord[] = [];
  /** The offset behind the batch before. */
  let behind = -1;
  for (let at = 0; at < bytes.length;) {
    const above = at === 0 ? Math.min(from, Math.max(0, offsetAt(bytes, at) ?? from)) : behind;
    const bounds = { above, endOffset };
    const frame = frameAt(bytes, at, bounds);
    if (frame.kind === 'older') return at === 0 ? undefined : records; // the next fetch begins there
    if (frame.kind === 'cut') break;
    const before = records.length;
    let damage = frame.kind === 'damaged' ? frame.why : undefined;
    if (frame.kind === 'batch') {
      const batch = bytes.subarray(at, frame.end);
      try {
        const last = lastOffsetOf(batch, bytes, frame.end, from, bounds);
        await readBatch(batch, records);
        const [expected, first] = [Math.max(from, behind), offsetAt(batch, 0)!];
        if (first > expected) missing.push([expected, first - 1]);
        behind = last + 1;
        at = frame.end;
        continue;
      } catch (error) {
        damage = (error as Error).message;
      }
    }
    records.length = before;
    const next = placeAfter(bytes, at, frame, bounds);
    const letter = unreadable(bytes.subarray(at, next), Math.max(from, behind), offsetAt(bytes, next), bounds, damage!);
    records.push(letter);
    behind = Number(letter.offset) + 1;
    at = next;
  }
  // Compaction leaves the place of what it has removed, be it all of a batch: without a record there, it would be asked for for ever.
  if (behind > from && behind - 1 > Number(records.at(-1)?.offset ?? -1)) records.push(nothingUpTo(behind - 1));
  return records;
}

/** A record that kafkajs passes over, and moves on behind. */
function nothingUpTo(offset: number): FetchedRecord {
  return {
    magicByte: MAGIC,
    attributes: 0,
    timestamp: '-1',
    offset: String(offset),
    key: null,
    value: null,
    headers: {},
    isControlRecord: true,
    batchContext: NO_PRODUCER,
  };
}

/**
 * kafkajs 2.2.4 looks at one aborted transaction per record: where a fetch begins within several, it hands on records that were aborted, and
 * drops what their producers have committed afterwards. So nothing is left for it to do: what was aborted is passed over like the marker
 * that says so. That marker may be in what cannot be read, or is missing; what its producer has committed behind it must not be taken for
 * aborted. So there this ends, and the next fetch, which begins behind it, brings those that are aborted from there on.
 *
 * @param missing first and last offsets of gaps, in order; those behind the end are told by the next fetch
 */
function hideAborted(
  records: FetchedRecord[],
  aborted: { producerId: string; firstOffset: string }[],
  missing: OffsetRange['missing'],
): void {
  if (aborted.length === 0) return;
  const following = aborted.toSorted((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const open = new Set<string>();
  const openUpTo = (offset: number): void => {
    while (following.length > 0 && Number(following[0]!.firstOffset) <= offset) open.add(following.shift()!.producerId);
  };
  let gaps = 0;
  for (const [index, record] of records.entries()) {
    for (; gaps < missing.length && missing[gaps]![1] < Number(record.offset); gaps++) {
      const [, last] = missing[gaps]!;
      openUpTo(last);
      if (open.size === 0) continue;
      records.splice(index, Infinity, nothingUpTo(last));
      missing.length = gaps + 1;
      return;
    }
    openUpTo(Number(record.offset));
    const { producerId, inTransaction } = record.batchContext ?? NO_PRODUCER;
    // In place of what nobody can read.
    if (record.batchContext === NO_PRODUCER && open.size > 0) {
      records.length = index + 1;
      missing.length = gaps;
      return;
    }
    if (!inTransaction) continue;
    if (!record.isControlRecord) record.isControlRecord = open.has(producerId);
    else if (record.key?.equals(ABORT)) open.delete(producerId);
  }
}

/**
 * @param from what was asked for
 * @throws where what the batch says of its offsets cannot be, by those of its neighbours and the end of the partition
 */
function lastOffsetOf(batch: Buffer, bytes: Buffer, end: number, from: number, bounds: Bounds): number {
  const first = offsetAt(batch, 0)!;
  const last = first + batch.readInt32BE(LAST_DELTA_AT);
  const following = isHead(bytes, end, bounds) ? offsetAt(bytes, end)! : Infinity;
  // One that begins where the one before ends is right, whatever the next one says of itself.
  const overlaps = first > bounds.above && last >= following;
  const leavesOut = last < from && following > from;
  if (first < bounds.above || overlaps || leavesOut || !isWithin(last, bounds))
    throw new Error('Its offsets cannot be right.');
  return last;
}

/** A set of which kafkajs makes nothing stands for its first record; the next fetch begins behind that. */
async function readOlder(sized: Buffer, { from, endOffset }: OffsetRange): Promise<FetchedRecord[]> {
  try {
    return await decodeByKafkajs(new Decoder(sized));
  } catch (error) {
    const bytes = sized.subarray(4);
    return [unreadable(bytes, from, from + 1, { above: from, endOffset }, (error as Error).message)];
  }
}

/**
 * In place of what cannot be read, its raw bytes, so that they alone become a dead letter and the records behind them are read. Its
 * offset is the last one of the batch, whence the partition moves on behind it.
 *
 * @param from offset of the first record that is not known yet
 * @param following the offset of the batch behind it, where there is one: a damaged head may say any
 */
function unreadable(
  bytes: Buffer,
  from: number,
  following: number | undefined,
  bounds: Bounds,
  why: string,
): FetchedRecord {
  const said = offsetAt(bytes, 0) ?? from;
  const span = spanOf(bytes);
  const isCredible =
    said >= bounds.above && said + span > from && said < (following ?? Infinity) && isWithin(said, bounds);
  const first = isCredible ? said : from;
  const end = following ?? Math.min(first + span, bounds.endOffset);
  const last = Math.max(first, from, end - 1);
  return {
    magicByte: MAGIC,
    attributes: 0,
    timestamp: bytes.length < HEAD_BYTES ? '-1' : String(bytes.readBigInt64BE(FIRST_TIMESTAMP_AT)),
    offset: String(last),
    key: null,
    value: bytes,
    headers: {
      [BATCH_UNREADABLE]: Buffer.from(`offsets ${first} to ${last}: ${why.replace(/\.$/, '')}`),
    },
    // Nothing that it says of itself may hide it.
    isControlRecord: false,
    batchContext: NO_PRODUCER,
  };
}

/**
 * How many offsets a batch has: where it does not say so twice, no more than it has records, and room for them. With gaps that ends within
 * the batch, which is then fetched and handed on again: nothing is skipped.
 */
function spanOf(bytes: Buffer): number {
  if (bytes.length < HEAD_BYTES) return 1;
  const [span, count] = [bytes.readInt32BE(LAST_DELTA_AT) + 1, bytes.readInt32BE(COUNT_AT)];
  const room = Math.floor((bytes.length - HEAD_BYTES) / LEAST_RECORD_BYTES);
  return Math.max(1, span === count ? span : Math.min(span, count, room));
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
  const firstTimestamp = Number(head.readBigInt64BE(FIRST_TIMESTAMP_AT));
  const appendedAt = (attributes & LOG_APPEND_TIME) !== 0 ? String(head.readBigInt64BE(35)) : undefined;
  const isControlRecord = (attributes & CONTROL) !== 0;
  const batchContext = {
    producerId: String(head.readBigInt64BE(43)),
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
  };
  const reader = new Reader(body);
  for (let n = head.readInt32BE(COUNT_AT); n > 0; n--) {
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
