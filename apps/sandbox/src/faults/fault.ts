import { createHash } from 'node:crypto';
import { z } from 'zod';

const vendor = z.enum(['hubspot', 'stripe', 'medusa']);
const expression = z.string().refine(compiles, 'not a regular expression');
const chances = {
  probability: z.number().min(0).max(1).default(1).describe('How likely a match fires.'),
  count: z.int().positive().optional().describe('Fires at most so often; unlimited without it.'),
  skip: z.int().nonnegative().default(0).describe('Lets the first so many matches pass.'),
};

const requestMatch = {
  vendor,
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional().describe('Any method without it.'),
  path: expression.optional().describe('Regular expression on the path without the query; any path without it.'),
  ...chances,
};
const milliseconds = z.int().nonnegative().max(3_600_000);

const requestFault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('answer-429'), ...requestMatch, retryAfterSeconds: z.int().positive().default(1) }),
  z.strictObject({
    kind: z.literal('answer-500'),
    ...requestMatch,
    status: z.union([z.literal(500), z.literal(502), z.literal(503)]).default(500),
    remember: z
      .boolean()
      .default(false)
      .describe(
        'Stripe only: store the 500 under the idempotency key, as Stripe does once execution has begun, so that the key answers 500 from then on.',
      ),
  }),
  z.strictObject({ kind: z.literal('delay'), ...requestMatch, delayMs: milliseconds.default(1000) }),
  z.strictObject({ kind: z.literal('drop'), ...requestMatch }),
  z.strictObject({ kind: z.literal('apply-then-drop'), ...requestMatch }),
  z.strictObject({
    kind: z.literal('timeout-then-apply'),
    ...requestMatch,
    holdMs: milliseconds
      .default(0)
      .describe('How long the connection stays open without an answer before it is dropped.'),
    applyAfterMs: milliseconds.default(2000).describe('When the effect happens, also after a restart.'),
  }),
]);

const webhookMatch = {
  vendor: z.enum(['hubspot', 'stripe']),
  events: expression
    .optional()
    .describe('Regular expression on the event type (`deal.propertyChange`, `invoice.paid`).'),
  ...chances,
};
const webhookFault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('webhook-duplicate'), ...webhookMatch, delayMs: milliseconds.default(500) }),
  z.strictObject({ kind: z.literal('webhook-disorder'), ...webhookMatch, delayMs: milliseconds.default(2000) }),
  z.strictObject({ kind: z.literal('webhook-delay'), ...webhookMatch, delayMs: milliseconds.default(2000) }),
  z.strictObject({ kind: z.literal('webhook-drop'), ...webhookMatch }),
]);

const faultSpec = z.discriminatedUnion('kind', [requestFault, webhookFault]);
export const faultPlan = z.strictObject({
  seed: z.int().default(1).describe('The same seed makes the same decisions for the same order of requests.'),
  faults: z.array(faultSpec).max(100),
});

export type RequestFault = z.infer<typeof requestFault>;
export type WebhookFault = z.infer<typeof webhookFault>;
export type FaultSpec = RequestFault | WebhookFault;

function isWebhookFault(fault: FaultSpec): fault is WebhookFault {
  return fault.kind.startsWith('webhook-');
}

export function matchesRequest(
  fault: FaultSpec,
  vendorName: string,
  method: string,
  path: string,
): fault is RequestFault {
  return (
    !isWebhookFault(fault) &&
    fault.vendor === vendorName &&
    (fault.method === undefined || fault.method === method) &&
    (fault.path === undefined || new RegExp(fault.path).test(path))
  );
}

export function matchesWebhook(fault: FaultSpec, vendorName: string, type: string): fault is WebhookFault {
  return (
    isWebhookFault(fault) &&
    fault.vendor === vendorName &&
    (fault.events === undefined || new RegExp(fault.events).test(type))
  );
}

/** Whether the `ordinal`-th match (from 0) of a fault fires: a function of its inputs alone, so that a run can be repeated. */
export function fires(fault: FaultSpec, seed: number, id: number, ordinal: number): boolean {
  return ordinal >= fault.skip && chance(seed, id, ordinal) < fault.probability;
}

/** Applies a fired webhook fault to the delays (ms) at which an event's deliveries are sent; no delay at all means it is lost. */
export function bendDelays(fault: WebhookFault, delays: number[], random: number): number[] {
  switch (fault.kind) {
    case 'webhook-drop':
      return [];
    case 'webhook-delay':
      return delays.map((delay) => delay + fault.delayMs);
    case 'webhook-disorder':
      return delays.map((delay) => delay + Math.floor(random * fault.delayMs));
    case 'webhook-duplicate':
      return delays.length === 0 ? [] : [...delays, (delays[0] ?? 0) + Math.floor(random * fault.delayMs)];
  }
}

/** A number in [0, 1) that depends on its arguments alone. */
export function chance(...of: (number | string)[]): number {
  return createHash('sha256').update(of.join(':')).digest().readUInt32BE(0) / 2 ** 32;
}

function compiles(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
