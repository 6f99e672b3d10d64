import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeTurn, type Bound } from './encode-turn.js';

const require = createRequire(import.meta.url);
const { serialize } = createRequire(require.resolve('pg'))('pg-protocol') as {
  serialize: {
    parse(query: { name: string; text: string }): Buffer;
    bind(config: { statement: string; values: unknown[]; valueMapper: (value: unknown) => unknown }): Buffer;
    describe(of: { type: 'P' }): Buffer;
    execute(): Buffer;
    sync(): Buffer;
  };
};
const { prepareValue } = require('pg/lib/utils.js') as { prepareValue: (value: unknown) => unknown };

/** What pg sends for the same. */
function byPg(turn: Bound[]): Buffer {
  return Buffer.concat([
    ...turn.flatMap(({ statement, values, toParse, toDescribe }) => [
      ...(toParse ? [serialize.parse(statement)] : []),
      serialize.bind({ statement: statement.name, values, valueMapper: (value) => prepareValue(value) }),
      ...(toDescribe ? [serialize.describe({ type: 'P' })] : []),
      serialize.execute(),
    ]),
    serialize.sync(),
  ]);
}

const text = fc.string({ unit: 'grapheme' });
const value = fc.oneof(
  text,
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.object(),
  fc.array(fc.oneof(text, fc.integer(), fc.constant(null))),
);
const bound: fc.Arbitrary<Bound> = fc.record({
  statement: fc.record({ name: text, text }),
  values: fc.array(value, { maxLength: 6 }),
  toParse: fc.boolean(),
  toDescribe: fc.boolean(),
});

describe('encodeTurn', () => {
  it('writes the very bytes that pg writes, where no array has a cast', () => {
    fc.assert(
      fc.property(fc.array(bound, { maxLength: 4 }), (turn) => {
        expect(encodeTurn(turn).equals(byPg(turn))).toBe(true);
      }),
    );
  });

  it('grows with what is written, also after something large', () => {
    const large = {
      statement: { name: 'large', text: '' },
      values: ['ü'.repeat(800_000)],
      toParse: true,
      toDescribe: true,
    };
    const small = { ...large, values: ['small'] };
    for (const turn of [[large], [small], [small, large, small]])
      expect(encodeTurn(turn).equals(byPg(turn))).toBe(true);
  });

  it('writes an array in binary where its cast says of what, and as text where an element is not of that kind', () => {
    const of = (values: unknown[]): Buffer =>
      encodeTurn([{ statement: { name: 'n', text: 'SELECT $1::int[]' }, values, toParse: false, toDescribe: false }]);
    expect(of([[7]]).includes('{"7"}')).toBe(false);
    expect(of([[7, 'seven']]).includes('{"7","seven"}')).toBe(true);
  });

  it('sends nothing of a turn that cannot be written, and goes on with the next', () => {
    const circular: Record<string, unknown> = {};
    circular['itself'] = circular;
    const turn = { statement: { name: 'n', text: '' }, values: [1, circular], toParse: true, toDescribe: false };
    expect(() => encodeTurn([turn])).toThrow();
    expect(encodeTurn([{ ...turn, values: [1] }]).equals(byPg([{ ...turn, values: [1] }]))).toBe(true);
  });
});
