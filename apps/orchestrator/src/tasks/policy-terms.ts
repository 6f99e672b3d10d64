import { ThroughlineError } from '@throughline/contracts';
import type { People } from './people.js';
import { deadTerms, missingPeople, readTerms } from './terms.js';

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
 * Checks the terms that the rules of these policies can give among these people, so that a mistake is told when it is deployed, and not
 * when a deal waits.
 * @param locate puts before a problem in which file and line it is
 * @throws `TASK_TERMS_INVALID` with every problem, each with its policy and rule
 */
export function checkPolicyTerms(
  files: PolicyFile[],
  people: People,
  locate: (problem: string) => string = (problem) => problem,
): void {
  const problems = policyTermsProblems(files, people);
  if (problems.length === 0) return;
  const lines = problems.map((problem) => `  - ${locate(problem)}`).join('\n');
  throw new ThroughlineError(`Nobody could work by these policies on their tasks:\n${lines}`, {
    code: 'TASK_TERMS_INVALID',
    retry: 'never',
  });
}

/** What is wrong with those terms, each with its policy and rule. */
export function policyTermsProblems(files: PolicyFile[], people: People): string[] {
  return files
    .filter(({ outputs }) => outputs === 'checkpoint')
    .flatMap((file) =>
      termsOf(file).flatMap(({ rule, terms }) => {
        const read = readTerms(terms);
        const problems =
          'problems' in read ? read.problems : [...deadTerms(read.terms), ...missingPeople(read.terms, people)];
        return problems.map((problem) => `${file.policy}: ${rule}: ${problem}`);
      }),
    );
}

/** What each rule of a policy can put out for a task; nothing where it asks nobody. */
export function termsOf({
  defaults,
  rules,
  otherwise,
}: PolicyFile): { rule: string; terms: Record<string, unknown> }[] {
  return [...rules, otherwise]
    .map(({ rule, then }) => ({ rule, terms: { ...defaults, ...then } }))
    .filter(({ terms }) => terms['required'] !== false);
}
