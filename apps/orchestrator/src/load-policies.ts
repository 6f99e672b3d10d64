import { readdirSync, readFileSync } from 'node:fs';
import { catalog } from '@throughline/contracts';
import { compilePolicies, PolicyError, type Policies } from '@throughline/policy';
import { parse } from 'yaml';
import { RuleFile } from './check/rule-file.js';

/** Where this app keeps the policies it ships. */
export const policiesDirectory = new URL('../policies/', import.meta.url);

/**
 * Reads and compiles every policy of a directory against the contracts.
 * Throws `POLICY_INVALID`, which names each policy (or the file that is no YAML) and path at fault and what to write instead.
 */
export function loadPolicies(directory: URL = policiesDirectory): Policies {
  return compilePolicies(readPolicies(directory), { catalog });
}

/** Every policy of a directory as it was written. */
export function readPolicies(directory: URL = policiesDirectory): unknown[] {
  return namesIn(directory).map((file) => read(file, directory));
}

/** Puts before a problem, which begins with the name of a policy, the file of this directory and the line that it is about. */
export function locatePolicyProblem(problem: string, directory: URL = policiesDirectory): string {
  const [name] = problem.split(':');
  for (const file of namesIn(directory)) {
    const written = new RuleFile(file, readFileSync(new URL(file, directory), 'utf8'));
    if ((written.read() as { policy?: unknown } | null)?.policy === name) return written.tell(problem);
  }
  return problem;
}

const namesIn = (directory: URL): string[] =>
  readdirSync(directory)
    .filter((file) => /\.ya?ml$/.test(file))
    .toSorted();

function read(file: string, directory: URL): unknown {
  try {
    return parse(readFileSync(new URL(file, directory), 'utf8'));
  } catch (cause) {
    throw new PolicyError('POLICY_INVALID', `${file} is no YAML: ${(cause as Error).message}`, { cause });
  }
}
