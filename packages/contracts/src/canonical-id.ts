import { v5 } from 'uuid';

/** Namespace of every canonical id; changing it would give every entity a new identity. */
const NAMESPACE = '6f9d1c1e-3a77-5d0b-9c55-0a4f2d7e8b10';

/**
 * The canonical id (UUIDv5, RFC 9562) of an entity, from the parts that identify it where it is mastered. The same parts give
 * the same id in every instance, so two deals of one new account agree on the account without asking each other.
 *
 * @example canonicalId('hubspot', portalId, 'deal', dealId)
 */
export function canonicalId(...parts: [string, ...string[]]): string {
  return v5(JSON.stringify(parts), NAMESPACE);
}

/** The correlation id shared by everything that belongs to one closing of one opportunity. */
export function opportunityCorrelationId(opportunityId: string, occurrence: number): string {
  return canonicalId('opportunity', opportunityId, String(occurrence));
}
