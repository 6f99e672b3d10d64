import { describe, expect, it } from '@jest/globals';
import { readForm, type FormField } from './form.js';

const field = (type: FormField['type'], more: Partial<FormField> = {}): FormField => ({
  name: 'answer',
  label: 'Answer',
  type,
  required: false,
  ...more,
});
const read = (asked: FormField, answer: unknown) => {
  const result = readForm([asked], { answer });
  return 'problems' in result ? result.problems : result.values['answer'];
};
const choice = field('choice', { options: ['gold', 'silver'] });

describe('the form of a task', () => {
  it.each<[FormField, unknown, unknown]>([
    [field('text'), 'fine', 'fine'],
    [field('number'), '12.5', 12.5],
    [field('number'), 0, 0],
    [field('money'), '1250 EUR', { amount: '1250.0000', currency: 'EUR' }],
    [field('money'), { amount: '0.1', currency: 'EUR' }, { amount: '0.1000', currency: 'EUR' }],
    [field('date'), '2028-02-29', '2028-02-29'],
    [field('boolean'), 'false', false],
    [field('boolean'), true, true],
    [choice, 'gold', 'gold'],
  ])('%j takes %j', (asked, answer, value) => {
    expect(read(asked, answer)).toEqual(value);
  });

  it.each<[FormField, unknown]>([
    [field('text'), 7],
    [field('text'), 'x'.repeat(4_001)],
    [field('number'), '12,5'],
    [field('number'), Infinity],
    [field('money'), 1250],
    [field('money'), '1250'],
    [field('money'), '0.001 EUR'],
    [field('money'), '1 XXX'],
    [field('money'), { amount: 1250.1, currency: 'EUR' }],
    [field('date'), '2027-02-29'],
    [field('boolean'), 'yes'],
    [choice, 'bronze'],
  ])('%j refuses %j, and says what it wants', (asked, answer) => {
    expect(read(asked, answer)).toEqual([{ field: 'answer', message: expect.stringContaining('(Answer) must be ') }]);
  });

  it('wants what is required, takes what is left open, and refuses what it does not ask for', () => {
    const required = field('text', { required: true });
    for (const nothing of [undefined, null, ''])
      expect(read(required, nothing)).toEqual([{ field: 'answer', message: '(Answer) must be filled in' }]);
    expect(readForm([field('text')], {})).toEqual({ values: {} });
    expect(readForm([], { limit: 1 })).toEqual({
      problems: [{ field: 'limit', message: expect.stringContaining('is not asked for') }],
    });
  });
});
