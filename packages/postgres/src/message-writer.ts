const FIRST_BYTES = 64 * 1024;
/** What one large turn needed is given back. */
const KEPT_BYTES = 1024 * 1024;
const MAX_BYTES_PER_UNIT = 3;

/** Bytes in the order of PostgreSQL's protocol, in one buffer that grows and is used again. */
export class MessageWriter {
  /** Where the next byte goes. */
  position = 0;
  private buffer = Buffer.allocUnsafe(FIRST_BYTES);
  private lengthAt = 0;

  /** A message of this type, up to {@link end}. */
  begin(type: number): void {
    this.int8(type);
    this.lengthAt = this.position;
    this.int32(0);
  }

  end(): void {
    this.int32At(this.lengthAt, this.position - this.lengthAt);
  }

  int8(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  int16(value: number): void {
    this.reserve(2);
    this.position = this.buffer.writeInt16BE(value, this.position);
  }

  int32(value: number): void {
    this.reserve(4);
    this.position = this.buffer.writeInt32BE(value, this.position);
  }

  int64(value: bigint): void {
    this.reserve(8);
    this.position = this.buffer.writeBigInt64BE(value, this.position);
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.position);
    this.position += value.length;
  }

  hex(digits: string, length: number): void {
    this.reserve(length);
    this.position += this.buffer.write(digits, this.position, length, 'hex');
  }

  /** Ended by a 0. */
  cString(text: string): void {
    this.text(text);
    this.int8(0);
  }

  /** Its length in bytes, a first byte where there is one, and the text. */
  lengthAndText(text: string, first?: number): void {
    const at = this.position;
    this.int32(0);
    if (first !== undefined) this.int8(first);
    this.text(text);
    this.int32At(at, this.position - at - 4);
  }

  int16At(position: number, value: number): void {
    this.buffer.writeInt16BE(value, position);
  }

  int32At(position: number, value: number): void {
    this.buffer.writeInt32BE(value, position);
  }

  /** All that was written, in a buffer of its own; then it begins anew. */
  take(): Buffer {
    const taken = Buffer.from(this.buffer.subarray(0, this.position));
    this.position = 0;
    if (this.buffer.length > KEPT_BYTES) this.buffer = Buffer.allocUnsafe(FIRST_BYTES);
    return taken;
  }

  private text(text: string): void {
    this.reserve(text.length * MAX_BYTES_PER_UNIT);
    this.position += this.buffer.write(text, this.position);
  }

  private reserve(bytes: number): void {
    const needed = this.position + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, needed));
    this.buffer.copy(larger, 0, 0, this.position);
    this.buffer = larger;
  }
}
