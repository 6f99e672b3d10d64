import { suggest } from '@throughline/rule-form';
import { z } from 'zod';
import { PolicyError } from './errors.js';

const name = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'must be lower-case words joined by "-"' });

const schema = z.strictObject({
  owners: z.record(
    name,
    z.strictObject({
      name: z.string().min(1),
      contact: z.email(),
      answersFor: z.string().min(1),
      roles: z.record(name, z.string().min(1)),
    }),
  ),
});

/** Who answers for processes, policies and topics, and which roles their people have. */
export interface Owners {
  owners: ReadonlyMap<string, { name: string; contact: string; answersFor: string }>;
  /** Roles that decide at checkpoints, each with its name for people and the owner it belongs to. */
  roles: ReadonlyMap<string, { name: string; owner: string }>;
}

/** Something that names an owner or a role; `path` says where, for example `lead-to-cash: steps.order.owner`. */
export interface NamedOwner {
  path: string;
  owner?: string;
  role?: string;
}

/** Reads the ownership file as it came from YAML. Throws `POLICY_INVALID` with every problem. */
export function parseOwners(data: unknown): Owners {
  const result = schema.safeParse(data);
  const problems = result.success
    ? []
    : result.error.issues.map(({ path, message }) => `owners file: ${path.join('.') || '(top)'}: ${message}`);
  const owners = new Map<string, { name: string; contact: string; answersFor: string }>();
  const roles = new Map<string, { name: string; owner: string }>();
  for (const [owner, { roles: own, ...about }] of Object.entries(result.data?.owners ?? {})) {
    owners.set(owner, about);
    for (const [role, roleName] of Object.entries(own)) {
      const other = roles.get(role);
      if (other) problems.push(`owners file: owners.${owner}.roles.${role}: belongs to ${other.owner} already`);
      roles.set(role, { name: roleName, owner });
    }
  }
  if (problems.length === 0) return { owners, roles };
  throw new PolicyError('POLICY_INVALID', `The ownership file cannot be used:\n${problems.join('\n')}`);
}

/** Every owner and role that is named somewhere and not listed, with the one that was probably meant. */
export function findUnknownOwners({ owners, roles }: Owners, named: Iterable<NamedOwner>): string[] {
  return [...named].flatMap(({ path, owner, role }) => [
    ...(owner === undefined || owners.has(owner)
      ? []
      : [`${path}: there is no owner "${owner}" in the ownership file${suggest(owner, owners.keys())}`]),
    ...(role === undefined || roles.has(role)
      ? []
      : [`${path}: there is no role "${role}" in the ownership file${suggest(role, roles.keys())}`]),
  ]);
}

/** What a policy names. */
export function ownersOfPolicy(policy: {
  file: { policy: string; owner: string };
  roles: readonly string[];
}): NamedOwner[] {
  const { policy: policyName, owner } = policy.file;
  return [
    { path: `${policyName}: owner`, owner },
    ...policy.roles.map((role) => ({ path: `${policyName}: roles`, role })),
  ];
}
