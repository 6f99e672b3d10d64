import { expect, it } from '@jest/globals';
import { People } from './people.js';
import { policyTermsProblems, type PolicyFile } from './policy-terms.js';
import { persons } from '../spec/credit-task.js';

const policy = (change: Partial<PolicyFile> = {}): PolicyFile => ({
  policy: 'credit-approval',
  outputs: 'checkpoint',
  defaults: { required: true, roles: ['credit-controller'], due: '4 business hours' },
  rules: [
    { rule: 'small', then: { required: false } },
    { rule: 'large', then: { fourEyes: true } },
  ],
  otherwise: { rule: 'huge', then: { roles: ['head-of-credit'] } },
  ...change,
});
const problemsOf = (change?: Partial<PolicyFile>) => policyTermsProblems([policy(change)], new People(persons));

it('every rule of a policy is checked, with what it takes from the defaults', () => {
  expect(problemsOf()).toEqual([]);
  expect(problemsOf({ rules: [{ rule: 'large', then: { remind: '1 hour', due: null } }] })).toEqual([
    'credit-approval: large: remind: counts back from due, which is missing',
  ]);
  expect(problemsOf({ otherwise: { rule: 'huge', then: { roles: ['head-of-credit'], fourEyes: true } } })).toEqual([
    expect.stringContaining('credit-approval: huge: roles: 1 people have head-of-credit, and 2 must decide'),
  ]);
});

it('a rule that asks nobody, and a policy of another kind, have no terms', () => {
  expect(problemsOf({ rules: [{ rule: 'small', then: { required: false, roles: ['nobody'] } }] })).toEqual([]);
  expect(problemsOf({ outputs: { limit: 'money' }, defaults: {} })).toEqual([]);
});
