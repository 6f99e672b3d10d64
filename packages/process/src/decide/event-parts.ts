import type { Execution, ExternalId, ProcessEvent } from '../state.js';

/** How the systems name what an event is about. */
export function externalIdsOf(event: ProcessEvent): ExternalId[] {
  return Array.isArray(event.payload.externalIds) ? (event.payload.externalIds as ExternalId[]) : [];
}

export function refusal({ payload }: ProcessEvent): Pick<Execution, 'reason' | 'field' | 'message'> {
  const { reason, field, message } = payload as Record<string, string | null | undefined>;
  return { ...(reason && { reason }), ...(field && { field }), ...(message && { message }) };
}

export const reference = ({ type, messageId }: ProcessEvent) => ({ type, messageId });

export function pick(payload: Record<string, unknown>, fields: Iterable<string>): Record<string, unknown> {
  return Object.fromEntries([...fields].filter((field) => field in payload).map((field) => [field, payload[field]]));
}
