import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { findUnknownOwners, ownersOfPolicy, parseOwners, type NamedOwner } from '@throughline/policy';
import { parse } from 'yaml';
import { loadPolicies } from '../apps/orchestrator/src/load-policies.js';

const root = new URL('../', import.meta.url);
const read = (path: string): unknown => parse(readFileSync(new URL(path, root), 'utf8'));

/** Whatever a file names as `owner`, at any depth. */
function ownersIn(value: unknown, path: string): NamedOwner[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'owner' ? [{ path: `${path}.owner`, owner: String(inner) }] : ownersIn(inner, `${path}.${key}`),
  );
}

it('every owner and every role that a process, a policy, a topic or a person has is in the ownership file', () => {
  const files = ['processes', 'policies', 'calendars'].flatMap((folder) =>
    readdirSync(new URL(`apps/orchestrator/${folder}/`, root))
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => `apps/orchestrator/${folder}/${file}`),
  );
  const named = [...files, 'infra/topics.yaml'].flatMap((file) => ownersIn(read(file), file));
  const byPolicies = [...loadPolicies().all.values()].flatMap(ownersOfPolicy);
  const { people } = read('apps/orchestrator/people.yaml') as { people: { id: string; roles: string[] }[] };
  const ofPeople = people.flatMap(({ id, roles }) => roles.map((role) => ({ path: `people.yaml: ${id}`, role })));
  expect(named.length).toBeGreaterThan(15);
  expect(byPolicies.some(({ role }) => role !== undefined)).toBe(true);
  expect(findUnknownOwners(parseOwners(read('infra/owners.yaml')), [...named, ...byPolicies, ...ofPeople])).toEqual([]);
});
