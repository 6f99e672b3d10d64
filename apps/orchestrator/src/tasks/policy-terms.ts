import type { People } from './people.js';
import { missingPeople, readTerms } from './terms.js';

/** What of a policy file says how tasks are worked on. */
export interface PolicyFile {
  policy: string;
  /** `checkpoint` where a person is asked. */
  outputs: unknown;
  defaults: Record<string, unknown>;
  rules: Rule[];
  otherwise: Rule;
}

interface Rule {
  rule: string;
  then: Record<string, unknown>;
}

/**
 * What is wrong with the terms that the rules of these policies can give, among these people; to be told when they are deployed, and not
 * when a deal waits. Each problem begins with the policy and the rule.
 */
export function policyTermsProblems(files: PolicyFile[], people: People): string[] {
  return files
    .filter(({ outputs }) => outputs === 'checkpoint')
    .flatMap(({ policy, defaults, rules, otherwise }) =>
      [...rules, otherwise].flatMap(({ rule, then }) => {
        const outputs = { ...defaults, ...then };
        const read = readTerms(outputs);
        const problems = 'problems' in read ? read.problems : missingPeople(read.terms, people);
        return outputs['required'] === false ? [] : problems.map((problem) => `${policy}: ${rule}: ${problem}`);
      }),
    );
}
