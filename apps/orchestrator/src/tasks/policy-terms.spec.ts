import { expect, it } from '@jest/globals';
import { loadPolicies } from '../load-policies.js';
import { loadRules } from '../load-rules.js';
import { persons } from '../spec/credit-task.js';
import { FileDirectory } from './file-directory.js';
import { People } from './people.js';
import { checkPolicyTerms, superfluousTerms, type PolicyFile } from './policy-terms.js';

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
const checking = (change?: Partial<PolicyFile>) => () => checkPolicyTerms([policy(change)], new People(persons));

it('every rule of a policy is checked, with what it takes from the defaults, and all problems are told at once', () => {
  expect(checking()).not.toThrow();
  const rules = [{ rule: 'large', then: { remind: '1 hour', due: null } }];
  const otherwise = { rule: 'huge', then: { roles: ['head-of-credit'], fourEyes: true } };
  expect(checking({ rules, otherwise })).toThrow(
    expect.objectContaining({
      code: 'TASK_TERMS_INVALID',
      message: expect.stringMatching(
        /credit-approval: large: remind: counts back from due[^]*credit-approval: huge: roles: 1 people have head-of-credit, and 2 must decide/,
      ),
    }),
  );
});

it('terms that can never act are told by the rule that says so, and keep no service from starting', () => {
  const defaults = {
    ...policy().defaults,
    expires: '10 business days',
    onExpiry: 'reject',
    escalateTo: ['head-of-credit'],
  };
  const rules = [{ rule: 'large', then: { escalateAfter: '20 business days' } }];
  expect(superfluousTerms([policy({ defaults, rules: [] })])).toEqual([]);
  expect(superfluousTerms([policy({ defaults, rules })])).toEqual([
    expect.stringMatching(/^credit-approval: large: escalateAfter: it escalates/),
  ]);
  expect(checking({ defaults, rules })).not.toThrow();
});

it('a rule that asks nobody, and a policy of another kind, have no terms', () => {
  expect(checking({ rules: [{ rule: 'small', then: { required: false, roles: ['nobody'] } }] })).not.toThrow();
  expect(checking({ outputs: { limit: 'money' }, defaults: {} })).not.toThrow();
});

it('the policies that this app ships can be worked by with the people that it ships', async () => {
  const files = [...loadPolicies().all.values()].map(({ file }) => file);
  const people = new People(await new FileDirectory().read());
  expect(files.length).toBeGreaterThan(2);
  expect(() => checkPolicyTerms(files, people)).not.toThrow();
  // Where a policy fails all the same, the owner of the step decides: that must be somebody.
  const steps = loadRules().processes.flatMap((process) => process.steps);
  const owners = steps.flatMap(({ checkpoint, owner }) => (checkpoint ? [owner] : []));
  for (const owner of owners) expect([owner, people.withRole([owner]).length]).not.toEqual([owner, 0]);
});
