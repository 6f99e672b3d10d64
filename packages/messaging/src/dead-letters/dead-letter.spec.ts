import { expect, it } from '@jest/globals';
import { deadLetterColumns, deathsAgainColumns, type DeadLetter } from './dead-letter.js';

const thrown = {
  toString: (): never => {
    throw new Error('in here, too');
  },
};

it.each([
  ['an object without anything', Object.create(null)],
  ['one that cannot be made a text', thrown],
  ['an error with such a message and such a stack', { code: 'ODD', message: thrown, stack: thrown }],
])('a message is a letter whatever it died of: %s', (_, error: unknown) => {
  const letter = { kind: 'state', error } as DeadLetter;
  expect(deadLetterColumns('spec', null, [letter]).flat()).toContainEqual(expect.stringContaining('no text'));
  expect(deathsAgainColumns(null, [letter]).flat()).toContainEqual(expect.stringContaining('no text'));
});
