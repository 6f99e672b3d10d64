import { describe, expect, it } from '@jest/globals';
import { People } from './people.js';
import { persons, terms } from '../spec/credit-task.js';
import { deadTerms, fallbackTerms, missingPeople, readTerms } from './terms.js';

const problemsOf = (outputs: Record<string, unknown>): string => {
  const read = readTerms({ roles: 'credit-controller', ...outputs });
  return 'problems' in read ? read.problems.join('\n') : '';
};

describe('what a policy says of a task', () => {
  it('may be little, and what else the policy puts out is of no concern', () => {
    expect(terms({ required: true, limit: '5000.0000', due: null })).toEqual({
      roles: ['credit-controller'],
      escalateTo: [],
      fourEyes: false,
      form: [],
    });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no role', { roles: [] }, 'roles: must name at least one role'],
    ['no duration', { due: 'soon' }, 'due: must be a duration'],
    ['a reminder of nothing', { remind: '1 hour' }, 'remind: counts back from due'],
    ['an escalation to nobody', { due: '1 day', escalateAfter: '1 hour' }, 'escalateAfter: needs escalateTo'],
    ['an escalation of what is never late', { escalateTo: 'head-of-credit' }, 'escalateTo: needs escalateAfter'],
    ['an expiry without a meaning', { expires: '1 day' }, 'onExpiry: must say'],
    ['a meaning without an expiry', { onExpiry: 'reject' }, 'expires: is missing'],
    ['an unknown meaning', { expires: '1 day', onExpiry: 'forget' }, 'onExpiry: '],
    ['an escalation by expiry to nobody', { expires: '1 day', onExpiry: 'escalate' }, 'escalateTo: is missing'],
    [
      'two people replaced by time',
      { expires: '1 day', onExpiry: 'approve', fourEyes: true },
      'onExpiry: cannot approve where two',
    ],
    [
      'a form filled in by time',
      { expires: '1 day', onExpiry: 'approve', form: [{ name: 'a', label: 'A', type: 'text', required: true }] },
      'onExpiry: cannot approve where the form',
    ],
    [
      'a choice of nothing',
      { form: [{ name: 'a', label: 'A', type: 'choice' }] },
      'form.0.options: belongs to a choice',
    ],
    ['options of no choice', { form: [{ name: 'a', label: 'A', type: 'date', options: ['x'] }] }, 'form.0.options: '],
    [
      'a field twice',
      {
        form: [
          { name: 'a', label: 'A', type: 'text' },
          { name: 'a', label: 'B', type: 'text' },
        ],
      },
      'form: names a field twice',
    ],
  ])('is refused where it says %s', (_, outputs, problem) => {
    expect(problemsOf(outputs)).toContain(problem);
  });

  const late = { escalateTo: 'head-of-credit', onExpiry: 'reject', expires: '10 business days' };

  it.each<[string, Record<string, unknown>, string]>([
    [
      'an escalation after the end',
      { ...late, due: '1 business day', escalateAfter: '20 business days' },
      'escalateAfter: it escalates after 20 business days, and expires: 10 business days ends it before',
    ],
    ['an escalation at the very end', { ...late, escalateAfter: '10 business days' }, 'escalateAfter: '],
    ['an escalation when due, at the end', { ...late, due: '10 business days' }, 'escalateTo: it escalates when it is'],
    ['what is due after the end', { due: '3 hours', expires: '120 minutes', onExpiry: 'approve' }, 'due: a decision'],
    [
      'a look after the end',
      { followUp: '1 day', expires: '24 hours', onExpiry: 'reject' },
      'followUp: somebody looks',
    ],
    [
      'a reminder before the opening',
      { due: '4 business hours', remind: '300 business minutes' },
      'remind: is counted',
    ],
  ])('can never act where it says %s', (_, outputs, problem) => {
    expect(deadTerms(terms(outputs)).join('\n')).toContain(problem);
  });

  it.each<[string, Record<string, unknown>]>([
    ['the end is when it is due', { due: '1 day', expires: '24 hours', onExpiry: 'reject' }],
    [
      'the end is an escalation',
      { ...late, onExpiry: 'escalate', due: '11 business days', followUp: '12 business days' },
    ],
    ['only a calendar can tell', { ...late, due: '1 hour', escalateAfter: '81 business hours', followUp: '20 days' }],
    ['the end may be an escalation after all', { followUp: '1 day', expires: '24 hours', onExpiry: 'approve' }],
    ['the reminder comes at once', { due: '1 hour', remind: '60 minutes' }],
  ])('may act where %s', (_, outputs) => {
    expect(deadTerms(terms(outputs))).toEqual([]);
  });

  it('is refused where there are too few people for it', () => {
    const people = new People(persons);
    const fits = (outputs: Record<string, unknown>) => missingPeople(terms(outputs), people).join('\n');
    expect(fits({ fourEyes: true, due: '4 business hours', escalateTo: 'head-of-credit' })).toBe('');
    expect(fits({ roles: 'treasurer' })).toContain('roles: 0 people have treasurer');
    expect(fits({ roles: 'head-of-credit', fourEyes: true })).toContain(
      'roles: 1 people have head-of-credit, and 2 must decide',
    );
    expect(fits({ due: '1 day', escalateTo: 'board' })).toContain('escalateTo: nobody has board');
  });

  it('that cannot be used leaves the decision to the owner of the step, and takes none of the four eyes away', () => {
    const seconded = (outputs: Record<string, unknown>) => fallbackTerms('credit-control', outputs).fourEyes;
    expect(fallbackTerms('credit-control', {})).toEqual(terms({ roles: 'credit-control' }));
    for (const fourEyes of [true, 'true', 'no', 1])
      expect([fourEyes, seconded({ fourEyes })]).toEqual([fourEyes, true]);
    for (const fourEyes of [false, null, undefined]) expect(seconded({ fourEyes })).toBe(false);
  });
});
