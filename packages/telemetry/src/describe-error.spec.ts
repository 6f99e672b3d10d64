import { expect, it } from '@jest/globals';
import { describeError } from './describe-error.js';

it.each([
  ['an error', new Error('no price'), 'no price'],
  ['one without a message', new Error(), ''],
  ['text', 'no price', 'no price'],
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a symbol', Symbol('x'), 'Symbol(x)'],
  ['something else that says something', { message: 'no price' }, 'no price'],
])('says what %s says', (_, thrown, expected) => {
  expect(describeError(thrown)).toBe(expected);
});

const fails = (): never => {
  throw new Error('in here, too');
};

it.each([
  ['an object without anything', Object.create(null)],
  ['one that cannot be made a text', { toString: fails }],
  ['one whose message cannot be', { message: { toString: fails } }],
  ['one whose message cannot be read', Object.defineProperty({}, 'message', { get: fails })],
])('does not throw for %s', (_, thrown: unknown) => {
  expect(describeError(thrown)).toContain('no text');
});
