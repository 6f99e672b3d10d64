import { readdirSync, readFileSync } from 'node:fs';
import { catalog } from '@throughline/contracts';
import { compilePolicies, type Policies } from '@throughline/policy';
import { parse } from 'yaml';

/** Where this app keeps the policies it ships. */
const policiesDirectory = new URL('../policies/', import.meta.url);

/**
 * Reads and compiles every policy of a directory against the contracts.
 * Throws `POLICY_INVALID`, which names each policy and path at fault and what to write instead.
 */
export function loadPolicies(directory: URL = policiesDirectory): Policies {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  const contents = files.map((file): unknown => parse(readFileSync(new URL(file, directory), 'utf8')));
  return compilePolicies(contents, { catalog });
}
