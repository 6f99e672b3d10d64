import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import type { Database } from './index.js';

const text = fc.string({ unit: 'grapheme' }).filter((of) => !of.includes('\0'));
const json = fc.jsonValue().map((of) => JSON.stringify(of).replaceAll(/\\u0000/g, ''));
const whole = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
/** By the type in the cast: what statements bring, and a few things that are left to text. */
const elements: [string, fc.Arbitrary<unknown>][] = [
  ['text', fc.oneof(text, whole, fc.constantFrom('', 'null', '{"a","b"}', '\\x00', '"', "'", '\\'))],
  ['json', fc.oneof(json, fc.object({ key: text, values: [whole, text] }))],
  ['jsonb', fc.oneof(json, fc.object({ key: text, values: [whole, text] }))],
  [
    'uuid',
    fc.oneof(
      fc.uuid(),
      fc.uuid().map((id) => id.toUpperCase()),
      fc.uuid().map((id) => `{${id}}`),
    ),
  ],
  ['int', fc.oneof(whole, whole.map(String))],
  ['bigint', fc.oneof(fc.maxSafeInteger(), fc.maxSafeInteger().map(String), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n))],
  ['boolean', fc.oneof(fc.boolean(), fc.constantFrom('true', 'f'))],
  [
    'bytea',
    fc.oneof(
      fc.uint8Array().map((of) => Buffer.from(of)),
      fc.uint8Array(),
    ),
  ],
  ['numeric', fc.oneof(whole, fc.constantFrom('1.50', '-0.0001', '123456789012345678901234567890.5'))],
  [
    'timestamptz',
    fc.oneof(
      fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
      fc.constant('2026-01-01T00:00:00.123456Z'),
    ),
  ],
];

describe('an array parameter', () => {
  let test: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    test = await testDatabase([]);
    database = await test.connect({ poolSize: 2 });
  });
  afterAll(() => test.drop());

  it.each(elements)('of %s arrives as pg sends it in text', async (type, element) => {
    const sql = `SELECT t.value::text AS value FROM unnest($1::${type}[]) WITH ORDINALITY AS t (value, n) ORDER BY n`;
    const array = fc.array(fc.oneof({ weight: 5, arbitrary: element }, fc.constantFrom(null, undefined)), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(array, async (values) => {
        const expected = await database.pool.query({ text: sql, values: [values] });
        expect(await database.query({ name: `echo-${type}`, text: sql }, [values])).toEqual(expected.rows);
      }),
      { numRuns: 50 },
    );
  });

  it('that is refused is refused by name, and the connection is not in disorder', async () => {
    const ids = { name: 'ids', text: 'SELECT unnest($1::uuid[]) AS id' };
    await expect(database.query(ids, [['no uuid']])).rejects.toMatchObject({ code: '22P02' });
    const numbers = { name: 'numbers', text: 'SELECT unnest($1::bigint[])' };
    await expect(database.query(numbers, [[2n ** 63n]])).rejects.toMatchObject({ code: '22003' });
    const id = '018f3a5e-0000-7000-8000-00000000000a';
    expect(await database.query(ids, [[id]])).toEqual([{ id }]);
  });
});
