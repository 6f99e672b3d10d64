import { once } from 'node:events';
import { createRequire } from 'node:module';
import { crc32, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromRawHeaders, toRawHeaders, type RawHeaders } from '../raw-headers.js';
import { BATCH_UNREADABLE } from '../errors.js';
import { crc32c } from './crc32c.js';
import { decodeFetchResponse, type FetchedRecord } from './decode-fetch.js';
import { FetchSession, type FetchTerms } from './fetch-session.js';
import { failedFetches, patchKafkaFetch } from './fetch-patch.js';

const require = createRequire(import.meta.url);
interface Encoder {
  buffer: Buffer;
  writeInt8(n: number): Encoder;
  writeInt16(n: number): Encoder;
  writeInt32(n: number): Encoder;
  writeInt64(n: number): Encoder;
  writeString(text: string): Encoder;
  writeBytes(bytes: Buffer | null): Encoder;
}
const NewEncoder = require('kafkajs/src/protocol/encoder.js') as new () => Encoder;
const record = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (of: object) => object;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch: (of: object) => Promise<Encoder>;
};
const byKafkajs = require('kafkajs/src/protocol/requests/fetch/v11/response.js') as {
  decode(bytes: Buffer): Promise<{ responses: { partitions: { messages: object[] }[] }[] }>;
};
const requestOf = require('kafkajs/src/protocol/requests/fetch/v11/request.js') as (terms: object) => {
  encode(): Promise<Encoder>;
};

const KafkajsBatch = require('kafkajs/src/consumer/batch.js') as new (
  topic: string,
  fetchedOffset: string,
  partition: object,
) => { messages: { offset: string }[]; lastOffset(): string };

const GZIP = 1;
const [TRANSACTIONAL, CONTROL] = [0x10, 0x20];
const TOPIC = 'a.topic';

async function batch(firstOffset: number, count: number, extra: object = {}): Promise<Buffer> {
  const records = Array.from({ length: count }, (_, n) =>
    record({
      offsetDelta: n,
      timestampDelta: n * 1_000,
      key: n % 3 === 0 ? null : `key ${n}`,
      value: n % 5 === 4 ? null : Buffer.alloc(n * 40, n),
      headers: { ce_id: `id ${n}`, twice: ['1', '2'], ['ü'.repeat(n % 4)]: Buffer.from([n]) },
    }),
  );
  const of = { records, firstOffset, firstTimestamp: 1_760_000_000_000, lastOffsetDelta: count - 1, ...extra };
  return (await RecordBatch(of)).buffer;
}

/** `of` with another body, and a length and a checksum that are right. */
function rebuilt(
  of: Buffer,
  { attributes = 0, count = 1, body }: { attributes?: number; count?: number; body: Buffer },
): Buffer {
  const bytes = Buffer.concat([of.subarray(0, 61), body]);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt16BE(attributes, 21);
  bytes.writeInt32BE(count, 57);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

function damaged(of: Buffer, at: number): Buffer {
  const bytes = Buffer.from(of);
  bytes[at]! ^= 0x40;
  return bytes;
}

function checksum(of: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(of);
  return bytes;
}

/** `of` with another length, which no checksum covers. */
function ofLength(of: Buffer, length: number): Buffer {
  const bytes = Buffer.from(of);
  bytes.writeInt32BE(length, 8);
  return bytes;
}

/** `of` with another first offset, which no checksum covers either. */
function atOffset(of: Buffer, offset: number): Buffer {
  const bytes = Buffer.from(of);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

async function messagesOf(...batches: Buffer[]): Promise<FetchedRecord[]> {
  return (await decodeFetchResponse(response([Buffer.concat(batches)]))).responses[0]!.partitions[0]!.messages;
}

/** As {@link messagesOf}, where this offset was asked for. */
async function messagesFrom(fetchOffset: number, ...batches: Buffer[]): Promise<FetchedRecord[]> {
  const asked = [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset: String(fetchOffset), maxBytes: 9 }] }];
  const { responses } = await decodeFetchResponse(response([Buffer.concat(batches)]), { topics: asked });
  return responses[0]?.partitions[0]?.messages ?? [];
}

/** As kafkajs hands on what was fetched from this offset. */
async function handedOn(fetchOffset: number, bytes: Buffer): Promise<{ offsets: string[]; lastOffset: string }> {
  const partitions = [{ partition: 0, fetchOffset: String(fetchOffset), maxBytes: 9 }];
  const { responses } = await decodeFetchResponse(bytes, { topics: [{ topic: TOPIC, partitions }] });
  const handed = new KafkajsBatch(TOPIC, String(fetchOffset), responses[0]!.partitions[0]!);
  return { offsets: handed.messages.map(({ offset }) => offset), lastOffset: handed.lastOffset() };
}

function response(
  sets: (Buffer | null)[],
  errorCode = 0,
  aborted: [producerId: number, firstOffset: number][] = [[12, 34]],
): Buffer {
  const body = new NewEncoder().writeInt32(7).writeInt16(errorCode).writeInt32(99).writeInt32(1).writeString(TOPIC);
  body.writeInt32(sets.length);
  for (const [partition, set] of sets.entries()) {
    body.writeInt32(partition).writeInt16(0).writeInt64(5_000_000_000).writeInt64(1).writeInt64(0);
    body.writeInt32(aborted.length);
    for (const [producerId, firstOffset] of aborted) body.writeInt64(producerId).writeInt64(firstOffset);
    body.writeInt32(-1).writeBytes(set);
  }
  return body.buffer;
}

describe('decodeFetchResponse', () => {
  it('reads what kafkajs reads, compressed or not, up to a batch that was cut off', async () => {
    const one = await batch(4_999_999_000, 20);
    const two = await batch(4_999_999_020, 1, { transactional: true, producerId: 4_711 });
    const compressed = await batch(4_999_999_021, 7, { compression: GZIP });
    const bytes = response([
      Buffer.concat([one, two]),
      compressed,
      Buffer.concat([two, compressed]),
      Buffer.concat([two, one.subarray(0, 400)]),
      Buffer.concat([two, one.subarray(0, 30)]),
    ]);
    const expected = (await byKafkajs.decode(bytes)).responses[0]!.partitions;
    const read = await decodeFetchResponse(bytes);
    expect(read).toMatchObject({ clientSideThrottleTime: 7, errorCode: 0, sessionId: 99 });
    expect(read.responses[0]!.partitions).toHaveLength(expected.length);
    for (const [index, { messages, abortedTransactions, ...partition }] of read.responses[0]!.partitions.entries()) {
      expect(expected[index]).toMatchObject(partition);
      expect(abortedTransactions).toEqual([]);
      expect(messages.length).toBe(expected[index]!.messages.length);
      for (const [n, message] of messages.entries()) expect(expected[index]!.messages[n]).toMatchObject(message);
    }
  });

  it.each([0, 1])(
    'leaves to kafkajs a message of format %d, which may be shorter than the head of a batch',
    async (magic) => {
      const body = new NewEncoder().writeInt8(magic).writeInt8(0); // format, attributes
      if (magic === 1) body.writeInt64(1_760_000_000_000);
      body.writeBytes(null).writeBytes(Buffer.from('v'));
      const set = new NewEncoder().writeInt64(7).writeInt32(4 + body.buffer.length);
      const bytes = Buffer.concat([set.buffer, checksum(crc32(body.buffer)), body.buffer]);
      expect(bytes.length).toBeLessThan(61);
      const read = await decodeFetchResponse(response([bytes]));
      expect(read.responses[0]!.partitions[0]!.messages).toMatchObject([{ offset: '7', value: Buffer.from('v') }]);
      const afterBatch = await decodeFetchResponse(response([Buffer.concat([await batch(5, 2), bytes])]));
      expect(afterBatch.responses[0]!.partitions[0]!.messages).toMatchObject([{ offset: '5' }, { offset: '6' }]);
    },
  );

  it.each([0, GZIP])('keeps a header of any name, compressed by codec %d', async (compression) => {
    const named = record({ offsetDelta: 0, key: null, value: Buffer.from('v'), headers: JSON.parse('{"__proto__":"p","constructor":"c"}') as object }); // prettier-ignore
    const { buffer } = await RecordBatch({
      records: [named],
      firstOffset: 1,
      firstTimestamp: 1,
      lastOffsetDelta: 0,
      compression,
    });
    const { headers } = (await decodeFetchResponse(response([buffer]))).responses[0]!.partitions[0]!.messages[0]!;
    const kept = [['__proto__', 'p'], ['constructor', 'c']]; // prettier-ignore
    expect(Object.entries(headers)).toEqual(kept.map(([name, value]) => [name, Buffer.from(value!)]));
    const raw = JSON.parse(JSON.stringify(toRawHeaders(headers))) as RawHeaders;
    expect(Object.entries(fromRawHeaders(raw))).toEqual(kept);
  });

  const zeros = Buffer.alloc(80 * 1_024 * 1_024);
  it.each<[string, RegExp, (good: Buffer) => Buffer]>([
    ['has fewer records than it says', /too early/, (of) => rebuilt(of, { count: 10, body: of.subarray(61) })],
    ['has more records than it says', /more than/, (of) => rebuilt(of, { count: 8, body: of.subarray(61) })],
    ['is cut within a record', /too early/, (of) => rebuilt(of, { count: 9, body: of.subarray(61, -1) })],
    ['is snappy that holds nothing', /too early/, (of) => rebuilt(of, { attributes: 2, body: hex('82534e4150505900 00000001 00000001') })], // prettier-ignore
    ['is lz4 that holds nothing', /too early/, (of) => rebuilt(of, { attributes: 3, body: hex('04224d18 40 40 00 00000000') })], // prettier-ignore
    ['is gzip that is damaged', /incorrect header check/, (of) => rebuilt(of, { attributes: 1, body: hex('00112233') })], // prettier-ignore
    ['has a codec that nobody knows', /codec/, (of) => rebuilt(of, { attributes: 5, body: of.subarray(61) })],
    [
      'is larger than a process can spare',
      /larger than/,
      (of) => rebuilt(of, { attributes: 1, body: gzipSync(zeros) }),
    ],
    ['has a record of a negative length', /as long as/, (of) => rebuilt(of, { count: 0x7fff_ffff, body: hex('01 00 00 00 01 01 00') })], // prettier-ignore
    ['has a number that never ends', /too early/, (of) => rebuilt(of, { body: Buffer.alloc(100, 0xff) })],
    ['has a header without a name', /no name/, (of) => rebuilt(of, { body: hex('0e 00 00 00 01 01 02 01') })],
    ['has a checksum that is wrong', /checksum/, (of) => damaged(of, 70)],
  ])('hands on as one record, with its bytes, a batch that %s, and reads the others', async (_, why, damage) => {
    const [before, good, after] = [await batch(5, 2), await batch(7, 9), await batch(16, 1)];
    const bad = damage(good);
    const read = await messagesOf(before, bad, after);
    expect(read.map(({ offset }) => offset)).toEqual(['5', '6', '15', '16']);
    const { headers, key, value } = read[2]!;
    expect({ key, value }).toEqual({ key: null, value: bad });
    expect(String(headers[BATCH_UNREADABLE])).toMatch(why);
    expect(String(headers[BATCH_UNREADABLE])).toMatch(/^offsets 7 to 15: /);
  });

  it('ends with any bytes in a batch, and reads the others', async () => {
    const [before, good, after] = [await batch(5, 2), await batch(7, 9), await batch(16, 1)];
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.tuple(fc.nat(good.length - 62), fc.nat(255)).map(([at, byte]) => {
        const bytes = good.subarray(61);
        return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at + 1)]);
      }),
    );
    await fc.assert(
      fc.asyncProperty(body, fc.nat(7), fc.nat(0x7fff_ffff), async (bytes, attributes, count) => {
        const read = await messagesOf(before, rebuilt(good, { attributes, count, body: Buffer.from(bytes) }), after);
        expect(read.slice(0, 2).map(({ offset }) => offset)).toEqual(['5', '6']);
        expect(read.at(-1)!.offset).toBe('16');
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['the batch behind it', 7, [16], '15'],
    ['the end of the partition', 4_999_999_998, [], '4999999999'],
    ['as many offsets as it has records', 4_999_999_000, [], '4999999008'],
  ])('skips no more than up to %s, whatever a damaged batch says of itself', async (_, first, behind, last) => {
    const bad = damaged(await batch(first, 9), 23); // the highest byte of what its last offset is told by
    expect((await messagesOf(bad, ...(await Promise.all(behind.map((offset) => batch(offset, 1))))))[0]!.offset).toBe(
      last,
    );
  });

  const MANY = 1_000_000;
  it.each<[string, RegExp, (good: Buffer) => Buffer]>([
    ['is negative', /shorter than its head/, (of) => ofLength(of, -1)],
    ['is shorter than a head', /shorter than its head/, (of) => ofLength(of, 48)],
    ['ends within its records', /checksum|too early/, (of) => ofLength(of, 100)],
    ['ends within the next batch', /checksum/, (of) => ofLength(of, of.length - 12 + 30)],
    ['is the next one, too', /checksum|more than/, (of) => ofLength(of, of.length - 12 + 400)],
    ['goes beyond what was sent', /more than was sent/, (of) => ofLength(of, MANY)],
  ])(
    'hands on, with its bytes, a batch whose length %s, wherever it stands, and reads the others',
    async (_, why, damage) => {
      const [before, good, after] = [await batch(5, 2), await batch(7, 9), await batch(16, 3)];
      const bad = damage(good);
      for (const [set, offsets] of [
        [
          [before, bad, after],
          ['5', '6', '15', '16', '17', '18'],
        ],
        [
          [bad, after],
          ['15', '16', '17', '18'],
        ],
        [
          [bad, after, before.subarray(0, 50)],
          ['15', '16', '17', '18'],
        ],
      ] as const) {
        const read = await messagesFrom(Number(offsets[0]) === 5 ? 5 : 7, ...set);
        expect(read.map(({ offset }) => offset)).toEqual(offsets);
        const { headers, value } = read.find((each) => each.headers[BATCH_UNREADABLE])!;
        expect(value).toEqual(bad);
        expect(String(headers[BATCH_UNREADABLE])).toMatch(why);
        expect(String(headers[BATCH_UNREADABLE])).toMatch(/^offsets 7 to 15: /);
      }
    },
  );

  it('hands on what stands last, where it cannot have been cut off, and goes on behind as many offsets as it has records', async () => {
    const good = await batch(7, 9);
    for (const bad of [ofLength(good, MANY), ofLength(good, -1), good.subarray(0, 200)]) {
      const read = await messagesFrom(7, bad);
      expect(read).toMatchObject([{ offset: '15', value: bad }]);
    }
    const [cut] = await messagesFrom(12, good.subarray(0, 40)); // not even its head
    expect(cut).toMatchObject({ offset: '12', value: good.subarray(0, 40) });
    expect(await messagesFrom(5, await batch(5, 2), good.subarray(0, 200))).toHaveLength(2);
  });

  it('knows a batch by its place where a value looks like one, also where it was cut off', async () => {
    const inner = await batch(1_000, 1);
    const value = Buffer.concat([inner, Buffer.alloc(300)]);
    const { buffer: outer } = await RecordBatch({
      records: [record({ offsetDelta: 0, timestampDelta: 0, key: null, value, headers: {} })],
      firstOffset: 7,
      firstTimestamp: 1,
      lastOffsetDelta: 0,
    });
    const read = await messagesFrom(5, await batch(5, 2), outer.subarray(0, -100));
    expect(read.map(({ offset }) => offset)).toEqual(['5', '6']);
    expect(await messagesFrom(7, outer)).toMatchObject([{ offset: '7', value }]);
  });

  it.each([
    ['a format that nobody knows', 16, 7],
    ['an older format', 16, 0],
  ])('hands on a batch that says it is of %s', async (_, at, to) => {
    const [before, bad, after] = [await batch(5, 2), await batch(7, 9), await batch(16, 1)];
    bad[at] = to;
    expect((await messagesFrom(5, before, bad, after)).map(({ offset }) => offset)).toEqual(['5', '6', '15', '16']);
    expect((await messagesFrom(7, bad, after)).map(({ offset }) => offset)).toEqual(['15', '16']);
  });

  it.each([
    ['far beyond the end', 2 ** 50],
    ['beyond the next batch', 20],
    ['before what came already', 3],
    ['just before', 6],
    ['negative', -8],
  ])('lets no offset that is %s move the partition: its batch is handed on in its place', async (_, offset) => {
    const [before, good, after] = [await batch(5, 2), await batch(7, 9), await batch(16, 1)];
    const read = await messagesFrom(5, before, atOffset(good, offset), after);
    expect(read.map((each) => each.offset)).toEqual(['5', '6', '15', '16']);
    expect(String(read[2]!.headers[BATCH_UNREADABLE])).toBe('offsets 7 to 15: Its offsets cannot be right');
    const first = await messagesFrom(7, atOffset(good, -10), after);
    expect(first.map((each) => each.offset)).toEqual(['15', '16']);
  });

  it('ends with any damage of a set, skips nothing, and gives no record twice', async () => {
    const batches = [await batch(5, 2), await batch(7, 9), await batch(16, 3)];
    const set = Buffer.concat(batches);
    // Nobody can tell a first offset that is a little wrong from one behind a gap.
    const begin = [0, batches[0]!.length, batches[0]!.length + batches[1]!.length];
    const place = fc.nat(set.length - 1).filter((at) => begin.every((first) => at < first || at >= first + 8));
    const damage = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(set.length - 1), async (bytes, cutAt) => {
        const bad = Buffer.from(set);
        for (const [at, byte] of bytes) bad[at] = byte;
        for (const sent of [bad, bad.subarray(0, cutAt + 1)]) {
          const read = await messagesFrom(5, sent);
          const offsets = read.map(({ offset }) => Number(offset));
          expect(offsets.length).toBeGreaterThan(0); // or it would be asked for for ever
          expect(offsets).toEqual([...new Set(offsets.map(Math.floor))].sort((a, b) => a - b));
          // What is skipped is in the reason of a letter.
          let next = 5;
          for (const { offset, headers } of read) {
            const [, first] = /^offsets (\d+) to/.exec(String(headers[BATCH_UNREADABLE])) ?? [];
            expect(Number(first ?? offset)).toBeLessThanOrEqual(next);
            next = Number(offset) + 1;
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('tells apart the one partition that its broker refuses', async () => {
    const body = new NewEncoder()
      .writeInt32(0)
      .writeInt16(0)
      .writeInt32(99)
      .writeInt32(1)
      .writeString(TOPIC)
      .writeInt32(2);
    for (const errorCode of [2, 3]) {
      body.writeInt32(errorCode).writeInt16(errorCode).writeInt64(-1).writeInt64(-1).writeInt64(-1).writeInt32(0);
      body.writeInt32(-1).writeBytes(null);
    }
    const partitions = [2, 3].map((partition) => ({ partition, fetchOffset: '41', maxBytes: 9 }));
    const { refused, responses } = await decodeFetchResponse(body.buffer, {
      topics: [{ topic: TOPIC, partitions }],
    });
    expect(refused).toEqual([{ topic: TOPIC, partition: 2, offset: '41', errorCode: 2 }]);
    expect(responses[0]!.partitions).toMatchObject([{ partition: 3, errorCode: 3 }]);
  });

  it('moves on behind what compaction has removed, be it the end of a batch or all of it', async () => {
    const whole = await batch(7, 9);
    const empty = rebuilt(whole, { count: 0, body: Buffer.alloc(0) });
    expect(await handedOn(7, response([empty]))).toEqual({ offsets: [], lastOffset: '15' });
    const three = await batch(7, 3);
    three.writeInt32BE(8, 23); // up to 15
    const shortened = rebuilt(three, { count: 3, body: three.subarray(61) });
    expect(await handedOn(7, response([shortened]))).toEqual({ offsets: ['7', '8', '9'], lastOffset: '15' });
    expect(await handedOn(12, response([shortened]))).toEqual({ offsets: [], lastOffset: '15' });
    const following = Buffer.concat([shortened, await batch(16, 2)]);
    expect(await handedOn(12, response([following]))).toEqual({ offsets: ['16', '17'], lastOffset: '17' });
    expect(await handedOn(7, response([Buffer.concat([shortened, whole.subarray(0, 30)])]))).toEqual({
      offsets: ['7', '8', '9'],
      lastOffset: '15',
    });
  });

  const of = (producerId: number, offset: number, count = 1): Promise<Buffer> =>
    batch(offset, count, { transactional: true, producerId });
  const marker = async (producerId: number, offset: number, kind: 0 | 1): Promise<Buffer> => {
    const { buffer } = await RecordBatch({
      records: [record({ offsetDelta: 0, timestampDelta: 0, key: Buffer.from([0, 0, 0, kind]), value: Buffer.alloc(6), headers: {} })], // prettier-ignore
      ...{ firstOffset: offset, firstTimestamp: 1, lastOffsetDelta: 0, transactional: true, producerId },
    });
    return rebuilt(buffer, { attributes: TRANSACTIONAL | CONTROL, body: buffer.subarray(61) });
  };
  const [ABORT, COMMIT] = [0, 1] as const;

  it('hands on all that was committed and nothing that was aborted, wherever in several transactions a fetch begins', async () => {
    const set = Buffer.concat([
      ...[await of(2, 10), await of(1, 11), await of(3, 12, 2)], // 1 and 2 are aborted, 3 is not
      ...[await marker(2, 14, ABORT), await of(2, 15, 2), await marker(2, 17, COMMIT), await batch(18, 1)],
      ...[await marker(1, 19, ABORT), await of(1, 20), await marker(3, 21, COMMIT), await marker(1, 22, ABORT)],
    ]);
    const aborted: [number, number][] = [[1, 3], [2, 4], [1, 20]]; // prettier-ignore
    const committed = ['12', '13', '15', '16', '18'];
    expect(await handedOn(10, response([set], 0, aborted))).toEqual({ offsets: committed, lastOffset: '22' });
    const rest = set.subarray((await of(2, 10)).length + (await of(1, 11)).length + (await of(3, 12, 2)).length);
    expect(await handedOn(14, response([rest], 0, aborted))).toEqual({ offsets: committed.slice(2), lastOffset: '22' });
  });

  it.each(['damaged', 'missing'])(
    'loses nothing that was committed behind a marker of an aborted transaction that is %s',
    async (how) => {
      const ended = await marker(1, 1, ABORT);
      const rest = [await of(1, 2), await marker(1, 3, COMMIT), await batch(9, 1)];
      const set = Buffer.concat([await of(1, 0), ...(how === 'damaged' ? [damaged(ended, 70)] : []), ...rest]);
      const partitions = [{ partition: 0, fetchOffset: '0', maxBytes: 9 }];
      const { responses, gaps } = await decodeFetchResponse(response([set], 0, [[1, 0]]), {
        topics: [{ topic: TOPIC, partitions }],
      });
      expect(responses[0]!.partitions[0]!.messages.map(({ offset }) => offset)).toEqual(['0', '1']);
      // The one behind them is told by the next fetch, which brings no transaction that was aborted before.
      expect(gaps.map(({ first, last }) => [first, last])).toEqual(how === 'missing' ? [[1, 1]] : []);
      const handed = { offsets: how === 'damaged' ? ['1'] : [], lastOffset: '1' };
      expect(await handedOn(0, response([set], 0, [[1, 0]]))).toEqual(handed);
      expect(await handedOn(2, response([Buffer.concat(rest)], 0, []))).toMatchObject({ offsets: ['2', '9'] });
      // Where a fetch begins with what is missing.
      const begun = response([Buffer.concat(rest)], 0, [[1, 0]]);
      if (how === 'missing') expect(await handedOn(1, begun)).toEqual({ offsets: [], lastOffset: '1' });
    },
  );

  it('tells which offsets were passed over', async () => {
    const some = response([Buffer.concat([await batch(7, 2), await batch(9, 1), await batch(20, 1)]), null]);
    const partitions = [{ partition: 0, fetchOffset: '5', maxBytes: 9 }];
    expect((await decodeFetchResponse(some, { topics: [{ topic: TOPIC, partitions }] })).gaps).toEqual([
      { topic: TOPIC, partition: 0, first: 5, last: 6 },
      { topic: TOPIC, partition: 0, first: 10, last: 19 },
    ]);
  });

  it('tells apart what is not served although it came first, and what may have found no room behind others', async () => {
    const read = async (sets: (Buffer | null)[], ...from: number[]) => {
      const partitions = from.map((offset, partition) => ({ partition, fetchOffset: String(offset), maxBytes: 9 }));
      const answer = await decodeFetchResponse(response(sets), { topics: [{ topic: TOPIC, partitions }] });
      const numbers = (of: { partition: number }[]): number[] => of.map(({ partition }) => partition);
      return [numbers(answer.refused), numbers(answer.withheld)];
    };
    const some = await batch(0, 1);
    const END = 1; // where each partition has its last stable offset
    expect(await read([some, null, null], 0, 0, END)).toEqual([[], [1]]);
    expect(await read([null, null, some, null], 0, END, 0, 0)).toEqual([[0], [3]]);
    expect(await read([null, null], 0, 0)).toEqual([[0, 1], []]);
    const body = response([null, some]); // of a partition at its end nothing is expected
    expect((await decodeFetchResponse(body)).refused).toEqual([]);
  });

  it('leaves out partitions that bring nothing, and tells that a session is not known', async () => {
    const quiet = await decodeFetchResponse(response([null, Buffer.alloc(0)]));
    expect(quiet.responses).toEqual([]);
    expect((await decodeFetchResponse(response([], 70))).errorCode).toBe(70);
  });
});

describe('FetchSession', () => {
  const terms = (places: Record<string, Record<number, number>>): FetchTerms => ({
    isolationLevel: 1,
    maxWaitTime: 1_000,
    minBytes: 1,
    maxBytes: 1_000_000,
    topics: Object.entries(places).map(([topic, partitions]) => ({
      topic,
      partitions: Object.entries(partitions).map(([partition, offset]) => ({
        partition: Number(partition),
        fetchOffset: String(offset),
        maxBytes: 1_024,
      })),
    })),
  });
  const asKafkajs = async (extra: object): Promise<Buffer> =>
    (await requestOf({ replicaId: -1, ...terms({}), rackId: '', ...extra }).encode()).buffer;
  const ok = { errorCode: 0, sessionId: 99 };

  it('names everything once, then what has moved, is new, or is no longer wanted', async () => {
    const session = new FetchSession();
    const all = terms({ a: { 0: 5, 1: 6 }, b: { 0: 1 } });
    expect(session.next(all)).toEqual(await asKafkajs({ ...all, sessionId: 0, sessionEpoch: 0 }));
    session.answered(ok);
    expect(session.next(all)).toEqual(await asKafkajs({ topics: [], sessionId: 99, sessionEpoch: 1 }));
    session.answered(ok);
    const moved = session.next(terms({ a: { 0: 5, 1: 9 }, b: { 0: 1, 2: 3 } }));
    const changed = terms({ a: { 1: 9 }, b: { 2: 3 } });
    expect(moved).toEqual(await asKafkajs({ ...changed, sessionId: 99, sessionEpoch: 2 }));
    session.answered(ok);
    // kafkajs cannot say what is no longer wanted: topic, then its partitions, before the rack.
    const fewer = session.next(terms({ a: { 1: 9 } }));
    const forgotten = new NewEncoder().writeInt32(2).writeString('a').writeInt32(1).writeInt32(0);
    forgotten.writeString('b').writeInt32(2).writeInt32(0).writeInt32(2).writeString('');
    const head = await asKafkajs({ topics: [], sessionId: 99, sessionEpoch: 3 });
    expect(fewer).toEqual(Buffer.concat([head.subarray(0, head.length - 6), forgotten.buffer]));
    session.answered(ok);
    expect(session.next(terms({ a: { 1: 9 } }))).toEqual(
      await asKafkajs({ topics: [], sessionId: 99, sessionEpoch: 4 }),
    );
  });

  it.each([
    ['is not known any more', 0, (session: FetchSession) => session.answered({ errorCode: 70, sessionId: 0 })],
    ['was refused, for want of room', 0, (session: FetchSession) => session.answered({ errorCode: 0, sessionId: 0 })],
    [
      'is at another epoch, closing it',
      99,
      (session: FetchSession) => session.answered({ errorCode: 71, sessionId: 0 }),
    ],
    ['may have missed something, closing it', 99, (session: FetchSession) => session.reset()],
  ])('names everything again where the session %s', async (_, sessionId, happens) => {
    const session = new FetchSession();
    const all = terms({ a: { 0: 5 } });
    session.next(all);
    session.answered(ok);
    session.next(all);
    happens(session);
    expect(session.next(all)).toEqual(await asKafkajs({ ...all, sessionId, sessionEpoch: 0 }));
  });

  it('asks first, and for all, for what brought nothing behind others and does not come in turn either', async () => {
    const session = new FetchSession();
    const all = terms({ a: { 0: 5, 1: 6 }, b: { 0: 1, 1: 2 } });
    const named = (body: Buffer): [epoch: number, first: string] => {
      const epoch = body.readInt32BE(21);
      const any = body.readInt32BE(25) > 0;
      return [epoch, any ? `${body.toString('utf8', 31, 32)}${body.readInt32BE(36)}` : '-'];
    };
    const next = (of: FetchTerms) => {
      const body = session.next(of);
      session.answered(ok);
      return named(body);
    };
    expect(next(all)).toEqual([0, 'a0']);
    session.withheld([
      { topic: 'b', partition: 0, offset: '1' },
      { topic: 'b', partition: 1, offset: '2' },
    ]);
    const moved = terms({ a: { 0: 5, 1: 6 }, b: { 0: 9, 1: 2 } }); // the one has come
    expect([next(moved), next(moved), next(moved)]).toEqual([[1, 'b0'], [2, '-'], [3, '-']]); // prettier-ignore
    const body = session.next(moved);
    session.answered(ok);
    expect(named(body)).toEqual([0, 'b1']);
    const places = [
      { topic: 'b', partitions: moved.topics[1]!.partitions.slice(1) },
      { topic: 'b', partitions: moved.topics[1]!.partitions.slice(0, 1) },
      moved.topics[0]!,
    ];
    expect(body).toEqual(await asKafkajs({ ...moved, topics: places, sessionId: 99, sessionEpoch: 0 }));
    // The answer to that says it once more, or it is over.
    expect([next(moved), next(moved), next(moved), next(moved)].map(([epoch]) => epoch)).toEqual([1, 2, 3, 4]);
  });

  it('without a session lets each partition come first in turn, so that a backlog of others starves none', () => {
    const session = new FetchSession();
    const all = terms({ a: { 0: 5, 1: 6 }, b: { 0: 1, 1: 2, 2: 3 } });
    const firsts = Array.from({ length: 12 }, () => {
      const body = session.next(all);
      session.answered({ errorCode: 0, sessionId: 0 });
      expect(body.readInt32BE(25)).toBe(2); // topics
      return `${body.toString('utf8', 31, 32)}${body.readInt32BE(36)}`;
    });
    expect([...new Set(firsts)].sort()).toEqual(['a0', 'a1', 'b0', 'b1', 'b2']);
  });
});

describe('patchKafkaFetch', () => {
  interface Broker {
    connectionPool: { send: (of: { request: { encode(): Promise<Encoder> } }) => Promise<object>; pool?: object[] };
    versions: object;
    disconnect: () => Promise<void>;
    fetch(terms: FetchTerms): Promise<{ responses: unknown[] }>;
  }
  const terms: FetchTerms = { isolationLevel: 1, maxWaitTime: 1, minBytes: 1, maxBytes: 9, topics: [] };
  const sessionOf = (body: Buffer): number[] => [body.readInt32BE(17), body.readInt32BE(21)];

  it('asks again at once, for everything, where the broker has forgotten the session; and later where an answer was lost', async () => {
    patchKafkaFetch();
    patchKafkaFetch();
    const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: Broker };
    const broker = Object.create(prototype) as Broker;
    const answers: (object | Error)[] = [
      { errorCode: 0, sessionId: 5, responses: [] },
      { errorCode: 71, sessionId: 0, responses: [] },
      { errorCode: 0, sessionId: 6, responses: [] },
      Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' }),
      { errorCode: 0, sessionId: 7, responses: [] },
    ];
    const sessions: number[][] = [];
    let disconnected = 0;
    broker.versions = { 1: { maxVersion: 11 } };
    broker.disconnect = async () => void (disconnected += 1);
    broker.connectionPool = {
      send: async ({ request }) => {
        sessions.push(sessionOf((await request.encode()).buffer));
        const answer = answers.shift()!;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    };
    await broker.fetch(terms);
    await broker.fetch(terms);
    await expect(broker.fetch(terms)).rejects.toThrow('closed');
    await broker.fetch(terms);
    expect(sessions).toEqual([[0, 0], [5, 1], [5, 0], [6, 1], [6, 0]]); // prettier-ignore
    expect(disconnected).toBe(1);
  });

  it('gives up a connection that brings no answer: it may be half open', async () => {
    patchKafkaFetch();
    const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: Broker };
    const broker = Object.create(prototype) as Broker;
    const given: number[] = [];
    const late = Object.assign(new Error('late'), { name: 'KafkaJSRequestTimeoutError' });
    broker.versions = { 1: { maxVersion: 11 } };
    broker.connectionPool = {
      send: () => Promise.reject(late),
      pool: [0, 1].map((index) => ({ socket: { destroy: () => void given.push(index) } })),
    };
    await expect(broker.fetch(terms)).rejects.toBe(late);
    expect(given).toEqual([1]); // the one for fetches
  });

  it('says which offset is no longer there', async () => {
    patchKafkaFetch();
    const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: Broker };
    const broker = Object.create(prototype) as Broker;
    broker.versions = { 1: { maxVersion: 11 } };
    const partitions = [{ partition: 2, errorCode: 1, messages: [] }];
    broker.connectionPool = {
      send: async () => ({ errorCode: 0, sessionId: 5, responses: [{ topicName: TOPIC, partitions }] }),
    };
    const asked = [{ partition: 2, fetchOffset: '41', maxBytes: 9 }];
    await expect(broker.fetch({ ...terms, topics: [{ topic: TOPIC, partitions: asked }] })).rejects.toMatchObject({
      name: 'KafkaJSOffsetOutOfRange',
      topic: TOPIC,
      partition: 2,
      fetchOffset: '41',
    });
  });

  it('tells whose fetch has failed where kafkajs tells nobody', async () => {
    patchKafkaFetch();
    const { prototype } = require('kafkajs/src/consumer/consumerGroup.js') as { prototype: object };
    const lost = Object.assign(new Error('lost'), { name: 'KafkaJSBrokerNotFound' });
    const cluster = { refreshMetadata: () => Promise.resolve() };
    const member = Object.assign(Object.create(prototype) as { recoverFromFetch(error: unknown): Promise<void> }, {
      ...{ memberId: 'me', cluster, logger: { debug: () => undefined } },
    });
    const told = once(failedFetches, 'failed');
    await member.recoverFromFetch(lost);
    expect(await told).toEqual(['me', lost]);
  });

  it('fetches again at once where a connection was closed that had served, and else after a while', async () => {
    patchKafkaFetch();
    const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: Broker };
    const { prototype: group } = require('kafkajs/src/consumer/consumerGroup.js') as { prototype: object };
    // Without `removeBroker`: that would end the fetches from all others. Nor is who leads waited for: a stop would wait for it, too.
    const member = Object.assign(Object.create(group) as { recoverFromFetch(error: unknown): Promise<void> }, {
      cluster: { refreshMetadata: () => new Promise(() => undefined) },
    });
    const broker = Object.create(prototype) as Broker;
    let isUp = true;
    broker.versions = { 1: { maxVersion: 11 } };
    broker.disconnect = () => Promise.resolve();
    broker.connectionPool = {
      send: async () => {
        if (isUp) return { errorCode: 0, sessionId: 5, responses: [] };
        throw Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' });
      },
    };
    const recovery = async (): Promise<number> => {
      isUp = false;
      const error = await broker.fetch(terms).catch((failed: unknown) => failed);
      const began = performance.now();
      await member.recoverFromFetch(error);
      return performance.now() - began;
    };
    expect(await recovery()).toBeLessThan(500);
    expect(await recovery()).toBeGreaterThan(900);
    isUp = true;
    await broker.fetch(terms);
    expect(await recovery()).toBeLessThan(500);
  });

  it.each([
    ['KafkaJSConnectionError', true],
    ['KafkaJSRequestTimeoutError', true],
    ['KafkaJSProtocolError', false],
  ])('lets the fetches from other brokers go on while one is away: after a %s, %s', async (name, goesOn) => {
    patchKafkaFetch();
    const { prototype } = require('kafkajs/src/consumer/consumerGroup.js') as { prototype: object };
    let refreshed = 0;
    const refreshMetadata = async (): Promise<void> => {
      refreshed++;
      throw new Error('nobody answers');
    };
    const member = Object.assign(Object.create(prototype) as { recoverFromFetch(error: unknown): Promise<void> }, {
      memberId: 'me',
      cluster: { refreshMetadata },
    });
    const began = performance.now();
    const recovered = member.recoverFromFetch(Object.assign(new Error('away'), { name }));
    if (!goesOn) return expect(recovered).rejects.toThrow('away');
    await recovered;
    expect(refreshed).toBe(1);
    expect(performance.now() - began).toBeGreaterThan(900); // it is not asked again at once
  });
});
