import { randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { removePostgresData, startStack, type Stack } from '@throughline/local-stack';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, state, type Message, type Messaging } from './index.js';

jest.setTimeout(120_000);

/** A batch as it lies in the broker's log. */
interface StoredBatch {
  at: number;
  bytes: Buffer;
}

interface Letter {
  error_code: string;
  error_message: string;
  topic: string;
  partition: number;
  offset: string;
  value: Buffer;
}

const PER_BATCH = 3;

describe('damaged-batch: what a broker has damaged on its disk is a dead letter, or waits alone, and hides nothing else', () => {
  let directory: string;
  let stack: Stack;
  let harness: MessagingHarness;
  let writer: Messaging;
  let handled: string[];
  /** Of partition 0 and of partition 1. */
  let keys: string[];

  beforeAll(async () => {
    const { PATH, HOME, JAVA_HOME } = process.env;
    directory = mkdtempSync(join(tmpdir(), 'throughline-damaged-'));
    // A stack of its own, whatever the environment names: its disk is spoiled.
    stack = await startStack({ directory, env: { PATH, HOME, JAVA_HOME }, parts: ['kafka', 'postgres'] });
    process.env['POSTGRES_URL'] = stack.addresses.postgresAdminUrl;
    process.env['KAFKA_BROKERS'] = stack.addresses.kafkaBrokers.join(',');
  }, 240_000);
  afterAll(async () => {
    await stack?.stop();
    removePostgresData(directory);
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  beforeEach(async () => {
    harness = await messagingHarness(['OrderCancelled'], { partitions: 2 });
    writer = await harness.service(
      defineRoutes({ group: `${harness.topics.group}-writer`, emits: ['OrderCancelled'] }),
      { service: 'writer', database: await harness.otherDatabase() },
    );
    handled = [];
    keys = [];
    while (!(keys[0] && keys[1])) {
      const key = randomUUID();
      keys[await write(key, 'first')] ??= key;
    }
  });
  afterEach(() => harness.close());

  async function ends(): Promise<number[]> {
    const all = await harness.topics.ends();
    return [0, 1].map((partition) => Number(all[`${harness.topics.nameOf('OrderCancelled')} ${partition}`]));
  }
  /** One batch, and the partition that it came to. */
  async function write(key: string, name: string): Promise<number> {
    const before = await ends();
    const opportunityId = (n: number): string => `${name} ${n}`;
    await writer.transaction(async (tx) =>
      tx.emit(Array.from({ length: PER_BATCH }, (_, n) => orderCancelled(key, { opportunityId: opportunityId(n) }))),
    );
    const grown = async (): Promise<number> =>
      (await ends()).findIndex((end, partition) => end === before[partition]! + PER_BATCH);
    return (await until('it is published', async () => (await grown()) + 1)) - 1;
  }
  const ofBatch = (name: string): string[] => Array.from({ length: PER_BATCH }, (_, n) => `${name} ${n}`);
  const ofName = (prefix: string): string[] => handled.filter((each) => each.startsWith(prefix));
  async function read(): Promise<Messaging> {
    return harness.service(
      defineRoutes({
        group: harness.topics.group,
        routes: {
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
            tx.onCommit(() => handled.push(...messages.map(({ payload }) => payload.opportunityId)));
          }),
        },
      }),
    );
  }
  const letters = (): Promise<Letter[]> => harness.rows<Letter>('SELECT * FROM dead_letter ORDER BY "offset"');

  const log = (): string =>
    join(directory, 'kafka', 'data', `${harness.topics.nameOf('OrderCancelled')}-0`, '00000000000000000000.log');
  function stored(): StoredBatch[] {
    const bytes = readFileSync(log());
    const batches: StoredBatch[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 12 + bytes.readInt32BE(at + 8);
      batches.push({ at, bytes: bytes.subarray(at, end) });
      at = end;
    }
    return batches;
  }
  /** The broker reads what is on its disk: it has no copy of its own. */
  function spoil({ at }: StoredBatch, offset: number, bytes: Buffer): void {
    const file = openSync(log(), 'r+');
    writeSync(file, bytes, 0, bytes.length, at + offset);
    closeSync(file);
  }
  function length(of: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(of);
    return bytes;
  }

  async function expectLetters(damaged: StoredBatch[]): Promise<void> {
    const found = await until('the letters', async () => (await letters()).length === damaged.length && letters());
    for (const [index, { at, bytes }] of damaged.entries()) {
      const base = Number(bytes.readBigInt64BE(0));
      expect(found[index]).toMatchObject({
        error_code: 'MSG_BATCH_UNREADABLE',
        topic: harness.topics.nameOf('OrderCancelled'),
        partition: 0,
        offset: String(base + PER_BATCH - 1),
        value: readFileSync(log()).subarray(at, at + bytes.length),
      });
      expect(found[index]!.error_message).toContain(`offsets ${base} to ${base + PER_BATCH - 1}: `);
      expect(found[index]!.error_message).toMatch(/have the producer send again/);
    }
  }

  it('a batch whose checksum is wrong is one letter with its bytes, the others are handled, and a restart repeats neither', async () => {
    for (const name of ['a', 'bad', 'b']) await write(keys[0]!, name);
    await write(keys[1]!, 'other');
    const bad = stored().at(-2)!;
    spoil(bad, 90, Buffer.from([bad.bytes[90]! ^ 0x40]));

    const first = await read();
    await until('the last of each partition is handled', () => [...ofName('b'), ...ofName('other')].length === 6);
    await expectLetters([bad]);
    await first.stop();

    const second = await read();
    await write(keys[0]!, 'c');
    await until('what comes after is handled', () => ofName('c').length === PER_BATCH);
    expect(handled.filter((each) => /^[abc] /.test(each))).toEqual(['a', 'b', 'c'].flatMap(ofBatch));
    expect(ofName('other')).toEqual(ofBatch('other'));
    await expectLetters([bad]);

    // Once it is mended, what it held was missed.
    spoil(bad, 90, bad.bytes.subarray(90, 91));
    const { id } = await second.replays.start({ mode: 'missed' }, { actor: 'spec', reason: 'mended' });
    const replay = await until('the replay is over', async () => {
      const found = await second.replays.find(id);
      return found.status !== 'running' && found;
    });
    expect([replay.status, ofName('bad')]).toEqual(['done', ofBatch('bad')]);
    expect(handled.filter((each) => /^[abc] /.test(each))).toHaveLength(3 * PER_BATCH);
  });

  it('so is one whose length is wrong', async () => {
    for (const name of ['a', 'negative', 'b', 'endless', 'c']) await write(keys[0]!, name);
    await write(keys[1]!, 'other');
    const [negative, , endless] = stored().slice(-4);
    spoil(negative!, 8, length(-1));
    spoil(endless!, 8, length(1_000_000));

    const first = await read();
    await until('the last of each partition is handled', () => [...ofName('c'), ...ofName('other')].length === 6);
    await expectLetters([negative!, endless!]);
    await first.stop();

    await read();
    await write(keys[1]!, 'next');
    await until('the other partition goes on', () => ofName('next').length === PER_BATCH);
    expect(handled.filter((each) => /^[abc]/.test(each))).toEqual(['a', 'b', 'c'].flatMap(ofBatch));
    expect(ofName('other')).toEqual(ofBatch('other'));
    await expectLetters([negative!, endless!]);
  });

  it.each([
    ['refuses to serve it', -1],
    ['takes it for the end of its log', 1_000_000],
  ])(
    'where the broker %s, its partition waits and says so, the other goes on, and it follows once it is mended',
    async (_, wrong) => {
      const first = await read();
      await until('all so far is handled', async () => {
        const [zero, one] = await ends();
        return handled.length === zero! + one!;
      });
      await first.stop();
      await write(keys[0]!, 'refused');
      const batch = stored().at(-1)!;
      const offset = String(batch.bytes.readBigInt64BE(0));
      spoil(batch, 8, length(wrong));

      const second = await read();
      await write(keys[1]!, 'other');
      await until('the other partition goes on', () => ofName('other').length === PER_BATCH);
      const said = `Kafka serves nothing of ${harness.topics.nameOf('OrderCancelled')}, partition 0, from offset ${offset} on: it seems damaged`;
      await until('it is told', () => second.health().waits.includes(said));
      expect(second.health().ready).toBe(true);
      expect(second.health().partitions.find(({ partition }) => partition === 0)).toMatchObject({ refusedAt: offset });

      spoil(batch, 8, batch.bytes.subarray(8, 12));
      await until('it follows', () => ofName('refused').length === PER_BATCH);
      expect(second.health().waits).toEqual([]);
      expect(await letters()).toEqual([]);
    },
  );
});
