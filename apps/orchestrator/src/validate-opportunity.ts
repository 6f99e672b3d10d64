import { lineAmount, refusalsOf, toDecimal, type OpportunityDraft, type Refusal } from '@throughline/contracts';
import type { PolicyOutcome, Process } from '@throughline/process';
import { z } from 'zod';

const LINES_MAX = 1_000;

const text = (length: number) => z.string().max(length).nullish();
const numeral = z
  .union([z.string().max(40), z.int().transform(String)], {
    error: 'must be a number as text, for example "1250.00", so that it stays exact',
  })
  .nullish();
const day = z.iso.date({ error: 'must be a day, for example 2027-01-31' }).nullish();

/** A deal as whoever asks knows it: the fields of OpportunityClosedWon, none of which has to be there, and no others are looked at. */
export const opportunityRequest = z.object({
  opportunityId: text(200).describe('Canonical opportunity id, or the id of the deal in the CRM.'),
  name: text(500),
  account: z
    .object({
      name: text(500),
      domain: text(300),
      billingEmail: text(320),
      country: z
        .string()
        .regex(/^[A-Za-z]{2}$/, { error: 'must be an ISO 3166-1 alpha-2 code, for example DE' })
        .nullish(),
    })
    .nullish(),
  currency: text(10),
  totalAmount: numeral,
  closedAt: z.iso.datetime({ offset: true }).nullish(),
  serviceStart: day,
  serviceEnd: day,
  lineItems: z
    .array(
      z.object({
        lineItemId: text(200),
        productId: text(200),
        sku: text(200),
        name: text(500),
        quantity: numeral,
        unitAmount: numeral,
        amount: numeral,
      }),
    )
    .max(LINES_MAX)
    .nullish(),
});
export type OpportunityRequest = z.output<typeof opportunityRequest>;

/** Somebody who would have to agree. */
export interface Approval {
  checkpoint: string;
  roles: string[];
  due: string | null;
  fourEyes: boolean;
  policy: string;
  version: number;
  rule: string;
  reason: string;
}

/** Something that could not be told, and what that means. */
export interface Unchecked {
  check: string;
  message: string;
}

export interface Validation {
  outcome: 'passes' | 'needs-approval' | 'refused';
  approvals: Approval[];
  refusals: Refusal[];
  /** Version of every policy that was asked. */
  policyVersions: Record<string, number>;
  degraded: Unchecked[];
}

/**
 * What would happen if the deal closed now: refused for what keeps it from becoming an order, or held at the checkpoints of the processes
 * that a won deal starts, by their own conditions and policies. Where a checkpoint cannot be told, the deal is never said to pass.
 */
export function validateOpportunity(processes: readonly Process[], request: OpportunityRequest, now: Date): Validation {
  const draft = toDraft(request, now);
  const refusals = refusalsOf(draft, 'the CRM');
  const nothing = { approvals: [], refusals, policyVersions: {}, degraded: [] };
  if (refusals.length > 0) return { outcome: 'refused', ...nothing };

  const facts = { start: toFacts(request, draft, now), steps: {} };
  const validation: Validation = { outcome: 'passes', ...nothing };
  for (const { name, when, checkpoint } of processes.flatMap(({ steps }) => steps)) {
    if (!checkpoint) continue;
    try {
      const needed = when?.evaluate(facts);
      noteVersions(validation, needed?.policies ?? []);
      if (needed && !needed.value) continue;
      const { value, policies } = checkpoint.policy.evaluate(facts);
      noteVersions(validation, policies);
      validation.approvals.push(toApproval(name, value));
    } catch (error) {
      const message = `Whether ${name} is needed cannot be told: ${(error as Error).message}`;
      validation.degraded.push({ check: name, message });
    }
  }
  if (validation.approvals.length + validation.degraded.length > 0) validation.outcome = 'needs-approval';
  return validation;
}

function toApproval(checkpoint: string, { policy, version, rule, because = '', outputs }: Said): Approval {
  const { roles, due, fourEyes } = outputs as { roles?: string[]; due?: string; fourEyes?: boolean };
  return {
    checkpoint,
    roles: roles ?? [],
    due: due ?? null,
    fourEyes: fourEyes ?? false,
    policy,
    version,
    rule,
    reason: because,
  };
}

/** What our policies say beside what the engine asks of them. */
type Said = PolicyOutcome & { because?: string };

function noteVersions({ policyVersions }: Validation, policies: readonly PolicyOutcome[]): void {
  for (const { policy, version } of policies) policyVersions[policy] = version;
}

/** As the CRM's connector reads a deal: no start is the day of the closing, and no end the start. */
function toDraft({ name, account, currency, closedAt, ...request }: OpportunityRequest, now: Date): OpportunityDraft {
  const serviceStart = request.serviceStart ?? (closedAt ? new Date(closedAt) : now).toISOString().slice(0, 10);
  return {
    name: name?.trim() || 'The deal',
    account: account ?? null,
    currency: currency?.trim().toUpperCase(),
    totalAmount: request.totalAmount,
    serviceStart,
    serviceEnd: request.serviceEnd ?? serviceStart,
    lineItems: request.lineItems ?? [],
  };
}

/** The fields of OpportunityClosedWon as far as they are known; the draft was found sound. */
function toFacts(request: OpportunityRequest, draft: OpportunityDraft, now: Date): Record<string, unknown> {
  const { account, opportunityId, closedAt, lineItems } = request;
  return {
    ...(opportunityId && { opportunityId }),
    occurrence: 1,
    name: draft.name,
    account: {
      name: account?.name,
      domain: account?.domain?.trim().toLowerCase() || null,
      billingEmail: account?.billingEmail ?? null,
      country: account?.country?.toUpperCase() ?? null,
      externalIds: [],
    },
    currency: draft.currency,
    totalAmount: toDecimal(draft.totalAmount ?? '0'),
    closedAt: (closedAt ? new Date(closedAt) : now).toISOString(),
    serviceStart: draft.serviceStart,
    serviceEnd: draft.serviceEnd,
    lineItems: lineItems?.map((line, index) => ({
      lineItemId: line.lineItemId ?? String(index),
      ...(line.productId && { productId: line.productId }),
      sku: line.sku || line.productId || line.name || '',
      name: line.name || line.sku || `Line ${index + 1}`,
      quantity: toDecimal(line.quantity || '1'),
      unitAmount: toDecimal(line.unitAmount || '0'),
      amount: lineAmount(line),
    })),
    externalIds: [],
  };
}
