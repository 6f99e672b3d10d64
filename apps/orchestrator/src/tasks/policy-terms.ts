import { ThroughlineError } from '@throughline/contracts';
import { logger } from '@throughline/telemetry';
import type { People } from './people.js';
import { deadTerms, missingPeople, readTerms, type Terms } from './terms.js';

const log = logger('policies');

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

/** Told at every start: a task is worked by such terms all the same, so that they keep nothing from running. */
export function warnOfSuperfluousTerms(files: PolicyFile[], locate: (problem: string) => string): void {
  const problems = superfluousTerms(files).map(locate);
  if (problems.length > 0) log.warn({ problems }, 'terms of these policies can never act: correct them');
}

/** What nobody could work by, each with its policy and rule. */
export function policyTermsProblems(files: PolicyFile[], people: People): string[] {
  return problemsOf(files, (terms) => missingPeople(terms, people), true);
}

/** Terms that can never act by what others say, each with its policy and rule. */
export function superfluousTerms(files: PolicyFile[]): string[] {
  return problemsOf(files, deadTerms, false);
}

function problemsOf(files: PolicyFile[], look: (terms: Terms) => string[], tellsUnreadable: boolean): string[] {
  return files
    .filter(({ outputs }) => outputs === 'checkpoint')
    .flatMap((file) =>
      termsOf(file).flatMap(({ rule, terms }) => {
        const read = readTerms(terms);
        const unreadable = 'problems' in read && tellsUnreadable ? read.problems : [];
        const problems = 'terms' in read ? look(read.terms) : unreadable;
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
