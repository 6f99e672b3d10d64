import { ThroughlineError, type Retry } from '@throughline/contracts';

const DEPENDENCY = 'hubspot';

/** Codes of everything that can go wrong with HubSpot; callers branch on these. */
export const hubspotErrors = {
  /** 404: the object does not exist, or was deleted. */
  notFound: 'HUBSPOT_NOT_FOUND',
  /** 400, 409, 422 and their like: HubSpot will not accept this request however often it is sent. */
  refused: 'HUBSPOT_REFUSED',
  /** 401 or 403: the access token is wrong or lacks a scope. */
  credentials: 'HUBSPOT_CREDENTIALS',
  rateLimited: 'HUBSPOT_RATE_LIMITED',
  /** 5xx, or an answer that is not what HubSpot promises. */
  failed: 'HUBSPOT_FAILED',
  /** No answer: refused, unknown host, connection lost, time limit. */
  unreachable: 'HUBSPOT_UNREACHABLE',
  /** The deal kept changing while it was read. */
  unstable: 'HUBSPOT_SNAPSHOT_UNSTABLE',
  signature: 'HUBSPOT_SIGNATURE_INVALID',
  malformed: 'HUBSPOT_WEBHOOK_MALFORMED',
} as const;

/** What HubSpot answered, as far as it matters for deciding what to do. */
interface VendorAnswer {
  code: number;
  body: unknown;
  headers: Record<string, string>;
}

/** Gives any failure of a HubSpot call its code, its retry advice and a message that says what to do. */
export function classifyHubspotError(error: unknown, operation: string): ThroughlineError {
  if (error instanceof ThroughlineError) return error;
  if (error instanceof SyntaxError) {
    return failure(hubspotErrors.failed, 'later', `HubSpot's answer to ${operation} is not JSON.`, error);
  }
  if (!isVendorAnswer(error)) {
    return failure(
      hubspotErrors.unreachable,
      'pause',
      `HubSpot did not answer ${operation}: ${reasonOf(error)}. Check HUBSPOT_BASE_URL and the network.`,
      error,
    );
  }
  const said = vendorMessage(error.body);
  // The SDK's exception is no cause to keep: its message repeats the whole answer, personal data included.
  const answer = `HubSpot answered ${error.code} to ${operation}${said ? `: ${said}` : ''}.`;
  switch (error.code) {
    case 401:
    case 403:
      return failure(hubspotErrors.credentials, 'pause', `${answer} Check HUBSPOT_ACCESS_TOKEN and its scopes.`);
    case 404:
      return failure(hubspotErrors.notFound, 'never', answer);
    case 408:
      return failure(hubspotErrors.failed, 'later', answer);
    case 423: // the object is locked, which is no limit of ours
      return busy(answer, error.headers['retry-after']);
    case 429:
      return rateLimited(answer, error);
    case 502:
    case 503:
    case 504:
      return away(answer, error.headers['retry-after']);
    default:
      return error.code >= 500 || error.code < 400
        ? failure(hubspotErrors.failed, 'later', answer)
        : failure(hubspotErrors.refused, 'never', answer);
  }
}

/** A page of a proxy, or of a maintenance, in place of an answer. */
export function notJson(status: number): ThroughlineError {
  return failure(hubspotErrors.failed, 'later', `HubSpot answered ${status} without JSON. Check HUBSPOT_BASE_URL.`);
}

/** A gateway that finds no HubSpot behind it, or HubSpot in maintenance: no deal is at fault. */
function away(answer: string, retryAfter: string | undefined): ThroughlineError {
  const retryAfterMs = parseRetryAfter(retryAfter);
  return new ThroughlineError(answer, {
    code: hubspotErrors.failed,
    retry: 'pause',
    dependency: DEPENDENCY,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function busy(answer: string, retryAfter: string | undefined): ThroughlineError {
  const retryAfterMs = parseRetryAfter(retryAfter) ?? 1_000;
  return new ThroughlineError(answer, {
    code: hubspotErrors.failed,
    retry: 'later',
    retryAfterMs,
    dependency: DEPENDENCY,
  });
}

/** A spent daily quota is an outage until midnight, and tried now and then; the burst limits pass within seconds. */
function rateLimited(answer: string, error: VendorAnswer): ThroughlineError {
  const policy = (error.body as { policyName?: unknown } | undefined)?.policyName;
  const waitMs = policy === 'DAILY' ? 60_000 : policy === 'TEN_SECONDLY_ROLLING' ? 10_000 : 1_000;
  const retryAfterMs = parseRetryAfter(error.headers['retry-after']) ?? waitMs;
  return tooMany(answer, policy === 'DAILY' ? 'pause' : 'later', retryAfterMs);
}

/** What HubSpot would refuse now is not sent: its last answer said that no request is left in this interval. */
export function nothingLeft(operation: string, retryAfterMs: number): ThroughlineError {
  return tooMany(
    `HubSpot's limit leaves no request for ${operation} in the next ${retryAfterMs} ms.`,
    'later',
    retryAfterMs,
  );
}

function tooMany(message: string, retry: Retry, retryAfterMs: number): ThroughlineError {
  return new ThroughlineError(message, {
    code: hubspotErrors.rateLimited,
    retry,
    retryAfterMs,
    rateLimited: true,
    dependency: DEPENDENCY,
  });
}

/** Seconds, as HubSpot sends them; an HTTP date is not among its answers. */
function parseRetryAfter(value: string | undefined): number | undefined {
  const seconds = Number(value);
  return value && Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
}

/** The SDK has one `ApiException` class per API, so it is recognised by its shape. */
function isVendorAnswer(error: unknown): error is VendorAnswer {
  const candidate = error as Partial<VendorAnswer> | null;
  return typeof candidate?.code === 'number' && typeof candidate.headers === 'object' && candidate.headers !== null;
}

function vendorMessage(body: unknown): string | undefined {
  const parsed = typeof body === 'string' ? parseJson(body) : body;
  const message = (parsed as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message.slice(0, 300).replace(/\.$/, '') : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}

function failure(code: string, retry: Retry, message: string, cause?: unknown): ThroughlineError {
  return new ThroughlineError(message, { code, retry, dependency: DEPENDENCY, cause });
}
