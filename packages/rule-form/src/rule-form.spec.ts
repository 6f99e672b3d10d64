import { expect, it } from '@jest/globals';
import { z } from 'zod';
import { nameIn, problemsOf, ruleName, suggest } from './rule-form.js';

const form = z.strictObject({
  rule: ruleName('big-deal'),
  limits: z.array(z.string()).min(1),
  rank: z.int().min(2).optional(),
  then: z.union([z.enum(['ask', 'stop']), z.strictObject({ tell: z.string().min(1) })]).optional(),
});
const problems = (change: object): string[] =>
  problemsOf(form.safeParse({ rule: 'one', limits: ['1 EUR'], ...change }).error?.issues ?? [], (path) =>
    path.length === 0 ? Object.keys(form.shape) : ['tell'],
  );

it.each<[change: object, ...problems: string[]]>([
  [{}],
  [
    { limits: undefined, limit: 'none' },
    'limits: is missing: it must be a list',
    'limit: no such setting; remove it or correct its spelling; did you mean "limits"?',
  ],
  [{ limits: [] }, 'limits: must not be empty'],
  [{ limits: 'none' }, 'limits: must be a list, and is a text'],
  [{ limits: [null] }, 'limits.0: must be a text, and nothing is written there'],
  [{ rank: 1 }, 'rank: must be 2 or more'],
  [{ rule: 'Big deal' }, 'rule: must be lower-case words joined by "-", for example "big-deal"'],
  [{ then: { tell: '' } }, 'then.tell: must not be empty'],
  [
    { then: { tel: 'x' } },
    'then.tell: is missing: it must be a text',
    'then.tel: no such setting; remove it or correct its spelling; did you mean "tell"?',
  ],
])('of %j the problems are told in words of the file', (change, ...expected) => {
  expect(problems(change)).toEqual(expected);
});

it('suggests the nearest name, and none that is far', () => {
  expect(suggest('ordr', ['owner', 'Order'])).toBe('; did you mean "Order"?');
  expect(suggest('price', ['owner', 'order'])).toBe('');
});

it('names what is no rule at all', () => {
  expect([{ rule: 'one' }, { rule: 1 }, null].map((data) => nameIn(data, 'rule'))).toEqual([
    'one',
    '(without a name)',
    '(without a name)',
  ]);
});
