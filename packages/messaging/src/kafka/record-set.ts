import { crc32 } from 'node:zlib';

/** Of a record batch, version 2 (Kafka protocol): up to here its length and its format can be told; its records begin after the head. */
const MAGIC_AT = 16;
export const LAST_DELTA_AT = 23;
export const COUNT_AT = 57;
export const HEAD_BYTES = 61;
export const MAGIC = 2;
const LENGTH_AT = 8;
/** What the length does not count: the offset, and itself. */
const BEFORE_LENGTH_COUNTS = 12;
/** Of the formats before version 2: their checksum is at 12, and covers all from the format on. */
const OLDER_CRC_AT = 12;
const OLDER_HEAD_BYTES = 26;
/** So many records may have come between a broker's look at the end of a partition and its reading: far more than will. */
const CAME_MEANWHILE = 1_000_000;

/** Of what stands at a place in a record set. */
export type Frame =
  /** A whole batch, by its length. */
  | { kind: 'batch'; end: number }
  /** A message of a format before version 2. */
  | { kind: 'older' }
  /** The last one, of which there was no room for the rest: the next fetch begins with it. */
  | { kind: 'cut' }
  /** Nobody can say where it ends. */
  | { kind: 'damaged'; why: string };

/** What is known of offsets without asking a batch, whose checksum covers neither its offset nor its length. */
export interface Bounds {
  /** No batch that follows this one has an offset that is not above it. */
  above: number;
  /** Of the partition, as the broker saw it before it read. */
  endOffset: number;
}

/**
 * The broker cuts off the last batch where its limit is, but never the first one (KIP-74). So one that stands first and has no end, or
 * within whose length the one after it begins, has a length that is damaged.
 */
export function frameAt(bytes: Buffer, at: number, bounds: Bounds): Frame {
  const rest = bytes.length - at;
  const magic = bytes[at + MAGIC_AT] ?? MAGIC;
  const length = rest < BEFORE_LENGTH_COUNTS ? Infinity : bytes.readInt32BE(at + LENGTH_AT);
  const end = at + BEFORE_LENGTH_COUNTS + length;
  const mayBeCut = at > 0 && end > bytes.length;
  if (magic < MAGIC) {
    if (isOlder(bytes.subarray(at, end))) return { kind: 'older' };
    return mayBeCut ? { kind: 'cut' } : { kind: 'damaged', why: 'Its format, or its checksum, is wrong.' };
  }
  if (magic > MAGIC) return { kind: 'damaged', why: 'Its format is not known.' };
  if (end < at + HEAD_BYTES) return { kind: 'damaged', why: 'Its length is shorter than its head.' };
  if (end <= bytes.length) return { kind: 'batch', end };
  if (mayBeCut && !hasFollowing(bytes, at, bounds)) return { kind: 'cut' };
  return { kind: 'damaged', why: 'Its length is more than was sent.' };
}

/** Where the batch after a damaged one begins, or the record set ends: behind its length, where that can be, or wherever a head is found. */
export function placeAfter(bytes: Buffer, at: number, frame: Frame, bounds: Bounds): number {
  if (frame.kind === 'batch' && mayBegin(bytes, frame.end, bounds)) return frame.end;
  return findHead(bytes, at + 1, bounds) ?? bytes.length;
}

/** The offset at a place, where one is there. */
export function offsetAt(bytes: Buffer, at: number): number | undefined {
  return at + 8 > bytes.length ? undefined : Number(bytes.readBigInt64BE(at));
}

/** Whether an offset of a batch can be right, as far as the end of the partition tells. */
export function isWithin(offset: number, { endOffset }: Bounds): boolean {
  return offset <= endOffset + CAME_MEANWHILE;
}

/** Whether a whole head at this place can be one. */
export function isHead(bytes: Buffer, at: number, bounds: Bounds): boolean {
  return at + HEAD_BYTES <= bytes.length && bytes[at + MAGIC_AT] === MAGIC && mayBegin(bytes, at, bounds);
}

/** Whether a batch can begin here, as far as there are bytes to tell. */
function mayBegin(bytes: Buffer, at: number, bounds: Bounds): boolean {
  const rest = bytes.length - at;
  const offset = offsetAt(bytes, at);
  if (offset !== undefined && !(offset > bounds.above && isWithin(offset, bounds))) return false;
  if (rest >= BEFORE_LENGTH_COUNTS && bytes.readInt32BE(at + LENGTH_AT) < HEAD_BYTES - BEFORE_LENGTH_COUNTS)
    return false;
  if (rest > MAGIC_AT && bytes[at + MAGIC_AT] !== MAGIC) return false;
  if (rest < HEAD_BYTES) return true;
  const [lastDelta, count] = [bytes.readInt32BE(at + LAST_DELTA_AT), bytes.readInt32BE(at + COUNT_AT)];
  return lastDelta >= 0 && count >= 0 && count <= lastDelta + 1 && isWithin(offset! + lastDelta, bounds);
}

function findHead(bytes: Buffer, from: number, bounds: Bounds, offset?: number): number | undefined {
  for (let at = from; at + HEAD_BYTES <= bytes.length; at++) {
    if (bytes[at + MAGIC_AT] !== MAGIC) continue; // most places, and cheap to tell
    if (isHead(bytes, at, bounds) && (offset === undefined || offset === offsetAt(bytes, at))) return at;
  }
  return undefined;
}

/** Whether the batch after this one begins within its length. Its offset is told exactly, so that no value that looks like one counts. */
function hasFollowing(bytes: Buffer, at: number, bounds: Bounds): boolean {
  if (at + HEAD_BYTES > bytes.length) return false;
  const following = offsetAt(bytes, at)! + bytes.readInt32BE(at + LAST_DELTA_AT) + 1;
  return findHead(bytes, at + HEAD_BYTES, bounds, following) !== undefined;
}

function isOlder(message: Buffer): boolean {
  return message.length >= OLDER_HEAD_BYTES && crc32(message.subarray(MAGIC_AT)) === message.readUInt32BE(OLDER_CRC_AT);
}
