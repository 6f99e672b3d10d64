export { PolicyError } from './errors.js';
export type { CompiledPolicy, PolicyOutcome } from './compile-policy.js';
export type { ExampleResult } from './examples.js';
export { findUnknownOwners, ownersOfPolicy, parseOwners, type NamedOwner, type Owners } from './owners.js';
export {
  compilePolicies,
  type Compiled,
  type FactRef,
  type Facts,
  type Policies,
  type PolicyCatalog,
  type Scope,
} from './policies.js';
export { policySchema } from './policy-file.js';
