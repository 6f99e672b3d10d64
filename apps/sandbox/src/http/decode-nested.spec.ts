import { expect, it } from '@jest/globals';
import { decodeNested } from './decode-nested.js';

it('decodes nested hashes, lists with and without index, and repeated names', () => {
  expect(
    decodeNested(
      'a=1&metadata[my+key]=x%26y&lines[0][amount]=5&lines[1][amount]=6&expand[]=p&expand[]=q&t=a&t=b&empty=',
    ),
  ).toEqual({
    a: '1',
    metadata: { 'my key': 'x&y' },
    lines: [{ amount: '5' }, { amount: '6' }],
    expand: ['p', 'q'],
    t: ['a', 'b'],
    empty: '',
  });
});

it('decodes what Medusa sends', () => {
  expect(decodeNested('updated_at%5B%24gte%5D=2026-01-01T00%3A00%3A00.000Z&order=updated_at')).toEqual({
    updated_at: { $gte: '2026-01-01T00:00:00.000Z' },
    order: 'updated_at',
  });
});

it('survives what is no form at all', () => {
  expect(decodeNested('')).toEqual({});
  expect(decodeNested('%E0%A4%A')).toEqual({ '%E0%A4%A': '' });
  expect(decodeNested('__proto__[x]=1')).toEqual(Object.fromEntries([['__proto__', { x: '1' }]]));
  expect(({} as { x?: string }).x).toBeUndefined();
});
