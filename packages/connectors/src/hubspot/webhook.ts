import { createHmac, timingSafeEqual } from 'node:crypto';
import { ThroughlineError } from '@throughline/contracts';
import { z } from 'zod';
import { hubspotErrors } from './errors.js';

/** How far the request's timestamp may be from our clock, either way. Source: HubSpot, "Validating requests", v3. */
const TOLERANCE_MS = 5 * 60_000;

export interface SignedRequest {
  method: string;
  /** The URI HubSpot was told to call, with scheme, host and query; behind a proxy this is not what the service sees. */
  uri: string;
  rawBody: Buffer;
  /** `X-HubSpot-Signature-v3`. */
  signature: string | undefined;
  /** `X-HubSpot-Request-Timestamp`, epoch milliseconds. */
  timestamp: string | undefined;
}

/**
 * Refuses a request that HubSpot did not sign, or signed more than five minutes ago or ahead.
 * The SDK's `Signature.isValid` would accept a timestamp from the future, compares in variable time and wants the body as text.
 * @throws `HUBSPOT_SIGNATURE_INVALID`
 */
export function verifySignature(request: SignedRequest, clientSecret: string, nowMs: number): void {
  const { method, uri, rawBody, signature, timestamp } = request;
  if (!signature || !timestamp) throw invalidSignature('the signature or timestamp header is missing');
  const sentMs = /^\d{1,16}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (!(Math.abs(nowMs - sentMs) <= TOLERANCE_MS))
    throw invalidSignature('the timestamp is more than five minutes away');
  const expected = createHmac('sha256', clientSecret)
    .update(method + decodeSigned(uri))
    .update(rawBody)
    .update(timestamp)
    .digest();
  const given = Buffer.from(signature, 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw invalidSignature('the signature does not match');
}

/** HubSpot decodes these, and only these, before it signs. Source: as above. */
function decodeSigned(uri: string): string {
  const characters: Record<string, string> = {
    '%3A': ':',
    '%2F': '/',
    '%3F': '?',
    '%40': '@',
    '%21': '!',
    '%24': '$',
    '%27': "'",
    '%28': '(',
    '%29': ')',
    '%2A': '*',
    '%2C': ',',
    '%3B': ';',
  };
  return uri.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (code) => characters[code.toUpperCase()]!);
}

const id = z.union([z.string().min(1), z.number().int()]).transform(String);

const elementShape = z.looseObject({
  eventId: id,
  portalId: id,
  // The range of a JavaScript date.
  occurredAt: z.number().int().min(0).max(8.64e15),
  subscriptionType: z.string().min(1),
  subscriptionId: id.optional(),
  objectId: id.optional(),
  objectTypeId: z.string().optional(),
  fromObjectId: id.optional(),
  fromObjectTypeId: z.string().optional(),
  propertyName: z.string().optional(),
});

/** What one element of a webhook says: look at this deal again. It is a hint, never the truth. */
export interface DealHint {
  /** HubSpot's event id is not unique, so this joins everything that tells two elements apart. */
  id: string;
  portalId: string;
  /** Absent where the element is about something else. */
  dealId?: string;
  subscriptionType: string;
  occurredAt: string;
}

/**
 * The elements of a webhook body, each once.
 * @throws `HUBSPOT_WEBHOOK_MALFORMED` naming the element and field at fault.
 */
export function parseWebhook(rawBody: Buffer): DealHint[] {
  const hints = parseElements(rawBody).map((element): DealHint => {
    const { portalId, subscriptionId, subscriptionType, objectId, fromObjectId, propertyName, occurredAt, eventId } =
      element;
    const dealId = dealIdOf(element);
    return {
      id: [
        portalId,
        subscriptionId ?? subscriptionType,
        objectId ?? fromObjectId ?? '',
        propertyName ?? '',
        occurredAt,
        eventId,
      ].join(':'),
      portalId,
      ...(dealId === undefined ? {} : { dealId }),
      subscriptionType,
      occurredAt: new Date(occurredAt).toISOString(),
    };
  });
  return [...new Map(hints.map((hint) => [hint.id, hint])).values()];
}

type Element = z.infer<typeof elementShape>;

/** Subscriptions come as `deal.*` or, in the generic form, as `object.*` with the type id of deals. */
function dealIdOf(element: Element): string | undefined {
  const dealTypeId = '0-3';
  const isDeal =
    element.subscriptionType.startsWith('deal.') || (element.objectTypeId ?? element.fromObjectTypeId) === dealTypeId;
  return isDeal ? (element.objectId ?? element.fromObjectId) : undefined;
}

function parseElements(rawBody: Buffer): Element[] {
  let body: unknown;
  try {
    body = JSON.parse(rawBody.toString('utf8'));
  } catch (error) {
    throw malformed('The body is not JSON', error);
  }
  const parsed = z.array(elementShape).safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(
    `The body is not an array of HubSpot events: ${issue?.path.join('.') || 'body'}: ${issue?.message}`,
    parsed.error,
  );
}

function invalidSignature(what: string): ThroughlineError {
  return new ThroughlineError(
    `Not a request of HubSpot: ${what}. Check HUBSPOT_CLIENT_SECRET, HUBSPOT_WEBHOOK_PUBLIC_URLS and the clock.`,
    {
      code: hubspotErrors.signature,
      retry: 'never',
    },
  );
}

function malformed(message: string, cause: unknown): ThroughlineError {
  return new ThroughlineError(`${message}.`, { code: hubspotErrors.malformed, retry: 'never', cause });
}
