import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';

/** How the records of a batch are compressed: the low bits of its attributes (Kafka protocol, record batch version 2). */
const CODEC = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const CODEC_BITS = 0x07;

/** Far more than a broker takes for a batch, compressed (`message.max.bytes`, 1 MiB by default); less than a process can spare. */
const MOST_BYTES = 64 * 1_024 * 1_024;

/**
 * The records of a batch as they were before its producer, or the broker (`compression.type`), compressed them; `undefined` where nobody
 * did. kafkajs knows gzip alone.
 *
 * @param mostBytes that the records may have
 * @throws or rejects where there are more, where the bytes are damaged, or of a codec that Kafka has not had so far
 */
export function decompress(
  attributes: number,
  bytes: Buffer,
  mostBytes = MOST_BYTES,
): Promise<Buffer> | Buffer | undefined {
  switch (attributes & CODEC_BITS) {
    case CODEC.none:
      return undefined;
    case CODEC.gzip:
      return promisify(gunzip)(bytes, { maxOutputLength: mostBytes });
    case CODEC.snappy:
      return unSnappy(bytes, mostBytes);
    case CODEC.lz4:
      return unLz4(bytes, mostBytes);
    case CODEC.zstd:
      return promisify(zstdDecompress)(bytes, { maxOutputLength: mostBytes });
    default:
      throw new Error(`Records are compressed by a codec that is not known here: ${attributes & CODEC_BITS}.`);
  }
}

/** Snappy as the Java client frames it: this, two versions, then blocks with their lengths. Others send one bare block. */
const SNAPPY_STREAM = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

function unSnappy(bytes: Buffer, mostBytes: number): Buffer {
  const out = new Output(bytes.length * 4, mostBytes);
  if (!bytes.subarray(0, SNAPPY_STREAM.length).equals(SNAPPY_STREAM)) {
    unSnappyBlock(bytes, out);
    return out.bytes;
  }
  for (let at = SNAPPY_STREAM.length + 8; at < bytes.length;) {
    const end = at + 4 + bytes.readInt32BE(at);
    unSnappyBlock(part(bytes, at + 4, end), out);
    at = end;
  }
  return out.bytes;
}

/** google/snappy, format_description.txt. */
function unSnappyBlock(bytes: Buffer, out: Output): void {
  let at = 0;
  let end = out.length;
  for (let scale = 1, byte = 0x80; byte >= 0x80; scale *= 0x80) {
    byte = bytes.readUInt8(at++);
    end += (byte & 0x7f) * scale;
  }
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++);
    const six = tag >> 2;
    switch (tag & 3) {
      case 0: {
        const more = Math.max(0, six - 59);
        const length = (more > 0 ? bytes.readUIntLE(at, more) : six) + 1;
        at += more;
        out.append(part(bytes, at, at + length));
        at += length;
        break;
      }
      case 1:
        out.repeat(((tag >> 5) << 8) | bytes.readUInt8(at), (six & 7) + 4);
        at += 1;
        break;
      case 2:
        out.repeat(bytes.readUInt16LE(at), six + 1);
        at += 2;
        break;
      case 3:
        out.repeat(bytes.readUInt32LE(at), six + 1);
        at += 4;
    }
  }
  if (out.length !== end) throw new Error('Compressed records are not as long as they say.');
}

const LZ4_MAGIC = 0x184d_2204;
const [LZ4_VERSION, LZ4_VERSION_BITS] = [0x40, 0xc0];
const [LZ4_STORED, LZ4_BLOCK_SUM, LZ4_SIZE, LZ4_DICTIONARY] = [0x8000_0000, 0x10, 0x08, 0x01];

/** lz4/lz4, lz4_Frame_format.md. Its checksums are left alone: that of the batch covers the same bytes. */
function unLz4(bytes: Buffer, mostBytes: number): Buffer {
  const out = new Output(bytes.length * 4, mostBytes);
  const flags = bytes.readUInt8(4);
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC || (flags & LZ4_VERSION_BITS) !== LZ4_VERSION) {
    throw new Error('Compressed records are no lz4 frame of version 1.');
  }
  const after = (flags & LZ4_BLOCK_SUM) !== 0 ? 4 : 0;
  let at = 7 + ((flags & LZ4_SIZE) !== 0 ? 8 : 0) + ((flags & LZ4_DICTIONARY) !== 0 ? 4 : 0);
  for (;;) {
    const size = bytes.readUInt32LE(at);
    if (size === 0) return out.bytes;
    const stored = size >= LZ4_STORED;
    const end = at + 4 + (stored ? size - LZ4_STORED : size);
    const block = part(bytes, at + 4, end);
    if (stored) out.append(block);
    else unLz4Block(block, out);
    at = end + after;
  }
}

/** lz4/lz4, lz4_Block_format.md. */
function unLz4Block(bytes: Buffer, out: Output): void {
  let at = 0;
  const length = (of: number): number => {
    let sum = of;
    for (let next = 255; of === 15 && next === 255; sum += next) next = bytes.readUInt8(at++);
    return sum;
  };
  while (at < bytes.length) {
    const token = bytes.readUInt8(at++);
    const literals = length(token >> 4);
    out.append(part(bytes, at, at + literals));
    at += literals;
    if (at === bytes.length) return; // the last sequence has literals alone
    const distance = bytes.readUInt16LE(at);
    at += 2;
    out.repeat(distance, length(token & 15) + 4);
  }
}

function part(bytes: Buffer, from: number, to: number): Buffer {
  if (to < from || to > bytes.length) throw new Error('Compressed records end too early.');
  return bytes.subarray(from, to);
}

/** What has been decompressed so far; it grows, and later parts repeat earlier ones. */
class Output {
  private buffer: Buffer;
  length = 0;

  constructor(
    size: number,
    private readonly mostBytes: number,
  ) {
    this.buffer = Buffer.allocUnsafe(Math.min(Math.max(1_024, size), mostBytes));
  }

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  append(bytes: Buffer): void {
    this.reserve(bytes.length);
    this.length += bytes.copy(this.buffer, this.length);
  }

  /** Appends `length` bytes that begin `distance` back; where that is shorter, what is appended is repeated too. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.length) throw new Error('Compressed records refer to what is not there.');
    this.reserve(length);
    const from = this.length - distance;
    for (let left = length; left > 0;) {
      const n = Math.min(left, this.length - from); // twice as much each time
      this.buffer.copyWithin(this.length, from, from + n);
      this.length += n;
      left -= n;
    }
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    if (needed > this.mostBytes) throw new Error(`Compressed records have more than ${this.mostBytes} bytes.`);
    const larger = Buffer.allocUnsafe(Math.min(Math.max(this.buffer.length * 2, needed), this.mostBytes));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
