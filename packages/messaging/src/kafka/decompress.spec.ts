import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { decompress } from './decompress.js';

const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4];
const text = 'abcabcabcabcd';
const [abc, d] = ['616263', '64'];
/** Thirteen bytes: literals, a copy of nine that lie three back, a literal. */
const snappyBlock = `0d 08${abc} 1503 00${d}`;
const xerial = '82534e4150505900 00000001 00000001';
const lz4Block = `08000000 35${abc}0300 10${d}`;
const lz4Stored = `07000080 ${abc}${abc}61`;

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const read = async (codec: number, bytes: Buffer, most?: number): Promise<string | undefined> =>
  (await decompress(codec, bytes, most))?.toString();

const whole: [string, number, Buffer, string][] = [
  ['snappy, one bare block', SNAPPY, bytesOf(snappyBlock), text],
  ['snappy, a copy of two bytes', SNAPPY, bytesOf(`0c 08${abc} 220300`), 'abcabcabcabc'],
  ['snappy, a copy of four bytes', SNAPPY, bytesOf(`0c 08${abc} 2303000000`), 'abcabcabcabc'],
  ['snappy, literals of a length of their own', SNAPPY, bytesOf(`46 f045${d.repeat(70)}`), 'd'.repeat(70)],
  ['snappy, framed as by the Java client', SNAPPY, bytesOf(`${xerial} 00000009 ${snappyBlock} 00000009 ${snappyBlock}`), text + text], // prettier-ignore
  ['lz4', LZ4, bytesOf(`04224d18 604000 ${lz4Block} 00000000`), text],
  ['lz4, a stored block', LZ4, bytesOf(`04224d18 604000 ${lz4Stored} 00000000`), 'abcabca'],
  ['lz4, blocks that refer to one another', LZ4, bytesOf(`04224d18 404000 ${lz4Stored} 05000000 00070010${d} 00000000`), 'abcabcaabcad'], // prettier-ignore
  ['lz4, checksums of blocks', LZ4, bytesOf(`04224d18 704000 ${lz4Block} 11223344 ${lz4Stored} 11223344 00000000`), `${text}abcabca`], // prettier-ignore
  ['lz4, the size of what it holds', LZ4, bytesOf(`04224d18 6840 0d00000000000000 00 ${lz4Block} 00000000`), text],
  ['lz4, literals of more than one byte of length', LZ4, bytesOf(`04224d18 604000 11010000 f0ff00${d.repeat(270)} 00000000`), 'd'.repeat(270)], // prettier-ignore
  ['gzip', GZIP, gzipSync(text), text],
  ['zstd', ZSTD, zstdCompressSync(text), text],
];

describe('decompress', () => {
  it.each(whole)('reads %s', async (_, codec, bytes, expected) => {
    expect(await read(codec, bytes)).toBe(expected);
  });

  it.each(whole)('refuses %s, cut anywhere near its end', async (_, codec, bytes, expected) => {
    for (const cut of [1, 2, 3]) {
      const outcome = await read(codec, bytes.subarray(0, -cut)).catch(() => 'refused');
      expect([cut, outcome]).toEqual([cut, 'refused']);
    }
    expect(await read(codec, bytes)).toBe(expected);
  });

  it.each(whole)('refuses %s where it holds more than may be', async (_, codec, bytes, expected) => {
    await expect(read(codec, bytes, expected.length - 1)).rejects.toThrow(/more than|larger than/);
    expect(await read(codec, bytes, expected.length)).toBe(expected);
  });

  it.each<[string, number, string]>([
    ['a length that is not the one declared', SNAPPY, `0c 08${abc} 1503 00${d}`],
    ['a copy of what is not there', SNAPPY, `0d 08${abc} 1504 00${d}`],
    ['a copy of distance 0', SNAPPY, `0d 08${abc} 1500 00${d}`],
    ['a block of a negative length', SNAPPY, `${xerial} fffffffc`],
    ['another magic number', LZ4, `04224d19 604000 ${lz4Block} 00000000`],
    ['another version', LZ4, `04224d18 a04000 ${lz4Block} 00000000`],
    ['no bytes at all', LZ4, ''],
    ['no end', LZ4, `04224d18 604000 ${lz4Block}`],
    ['a copy of what is not there', LZ4, `04224d18 604000 08000000 35${abc}0400 10${d} 00000000`],
    ['a codec of the future', 5, abc],
  ])('refuses %s (codec %d)', async (_, codec, hex) => {
    await expect(read(codec, bytesOf(hex))).rejects.toThrow();
  });

  it('repeats one byte many times at once', async () => {
    const more = 200_000; // bytes of a length: 255 each
    const block = Buffer.concat([bytesOf(`1f${d}0100`), Buffer.alloc(more, 0xff), Buffer.from([0])]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    const began = performance.now();
    const out = await decompress(LZ4, Buffer.concat([bytesOf('04224d18 604000'), size, block, Buffer.alloc(4)]));
    expect(out!.length).toBe(1 + more * 255 + 15 + 4);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('leaves alone what nobody compressed', () => {
    expect(decompress(0, Buffer.from(text))).toBeUndefined();
  });
});
