import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate, type Database } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { deadLetterColumns, type DeadLetter } from '../dead-letters/dead-letter.js';
import { insertDeadLetters } from '../dead-letters/insert-dead-letters.js';
import { storeEdit } from '../dead-letters/store-edit.js';
import { BATCH_UNREADABLE } from '../errors.js';
import { messagingMigrations } from './index.js';
import { LettersByContent1790000000007 } from './letters-by-content.js';

const before = messagingMigrations.slice(0, messagingMigrations.indexOf(LettersByContent1790000000007));

/** As it was inserted before. */
const insertOld = `
  INSERT INTO dead_letter (consumer, kind, topic, "partition", "offset", key, headers, value, error_code, error_message, attempts,
                           first_failed_at, fingerprint)
  VALUES ('c', 'record', 't', 0, $1, $2, $3, $4, 'E', 'e', 1, now(), 'f')
  ON CONFLICT (consumer, topic, "partition", "offset") WHERE kind = 'record' DO NOTHING RETURNING id`;

describe('the migration that tells letters at one place apart', () => {
  let test: TestDatabase;
  let database: Database;
  const letter = (offset: number, value: Buffer | null, headers = {}, key: Buffer | null = null): DeadLetter => ({
    ...{ kind: 'record', topic: 't', partition: 0, offset: String(offset), key, value, headers },
    ...{ messageId: null, type: null, job: null, place: null, held: false, deadLetterId: null, traceparent: null },
    ...{ error: new Error('e'), attempts: 1, firstFailedAt: null },
  });
  const insert = (...letters: DeadLetter[]): Promise<unknown> =>
    database.query(insertDeadLetters, deadLetterColumns('c', null, letters));
  const rows = async (text: string, values: unknown[] = []) => (await database.pool.query(text, values)).rows;
  const offsets = async (): Promise<(string | null)[]> =>
    (await rows('SELECT "offset" FROM dead_letter ORDER BY id')).map((row: { offset: string | null }) => row.offset);

  beforeEach(async () => {
    test = await testDatabase(before);
    database = await test.connect();
  });
  afterEach(() => test.drop());

  it('knows the letters of before when their records are read again, edited or not, and a batch by its head', async () => {
    const batch = Buffer.alloc(200, 7);
    const held: [number, Buffer | null, object, Buffer | null][] = [
      [1, Buffer.from('bytes'), { ü: 'text', b: { base64: 'AP8=' }, a: '' }, Buffer.from([0, 255])],
      [2, null, {}, null],
      [3, Buffer.from('before the edits'), { h: '1' }, null],
      [4, batch, { [BATCH_UNREADABLE]: 'offsets 1 to 4: damaged' }, null],
    ];
    for (const [offset, value, headers, key] of held) await rows(insertOld, [offset, key, headers, value]);
    const [edited] = (await rows('SELECT id FROM dead_letter WHERE "offset" = 3')) as { id: string }[];
    for (const [headers, value] of [
      ['{"h":"2"}', 'once'],
      ['{"h":"3"}', 'twice'],
    ] as const) {
      const [found] = (await rows('SELECT xmin FROM dead_letter WHERE id = $1', [edited!.id])) as { xmin: string }[];
      const edit = [edited!.id, 'ada', 'r', null, headers, Buffer.from(value), null, found!.xmin];
      expect(await database.query(storeEdit, edit)).toHaveLength(1);
    }
    await migrate(database, messagingMigrations);

    for (const [offset, value, headers, key] of held) await insert(letter(offset, value, headers, key));
    const shorter = { [BATCH_UNREADABLE]: 'offsets 3 to 4: too early' };
    await insert(letter(4, batch.subarray(0, 120), shorter)); // another fetch, which began within it
    expect(await offsets()).toEqual(['1', '2', '3', '4']);

    // Of a topic that was made again.
    await insert(letter(1, Buffer.from('other'), held[0]![2], held[0]![3]), letter(2, null, { h: '1' }));
    await insert(letter(3, Buffer.from('twice'), { h: '3' }), letter(4, Buffer.alloc(200, 8), shorter));
    await insert(letter(2, null, {}, Buffer.from('k')), letter(2, Buffer.alloc(0)));
    expect(await offsets()).toEqual(['1', '2', '3', '4', '1', '2', '3', '4', '2', '2']);
  });

  it('goes back with every letter, and forth again', async () => {
    await migrate(database, messagingMigrations);
    await insert(letter(1, Buffer.from('a')), letter(1, Buffer.from('b')), letter(2, Buffer.from('c')));
    const runner = database.dataSource.createQueryRunner();
    await new LettersByContent1790000000007().down(runner);
    expect(await offsets()).toEqual([null, '1', '2']);
    expect(await rows(insertOld, [1, null, {}, Buffer.from('d')])).toEqual([]);
    await new LettersByContent1790000000007().up(runner);
    await runner.release();
    await insert(letter(1, Buffer.from('b')), letter(1, Buffer.from('d')));
    expect(await offsets()).toEqual([null, '1', '2', '1']);
  });
});
