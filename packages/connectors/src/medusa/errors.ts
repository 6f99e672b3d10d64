import { ThroughlineError, type Retry } from '@throughline/contracts';

/** Codes of everything this connector throws. */
export type MedusaErrorCode =
  | 'MEDUSA_UNREACHABLE'
  | 'MEDUSA_TIMEOUT'
  | 'MEDUSA_CONNECTION_LOST'
  | 'MEDUSA_UNAUTHORIZED'
  | 'MEDUSA_RATE_LIMITED'
  | 'MEDUSA_BUSY'
  | 'MEDUSA_SERVER_ERROR'
  | 'MEDUSA_NOT_FOUND'
  | 'MEDUSA_REFUSED'
  | 'MEDUSA_ANSWER_UNREADABLE'
  | 'MEDUSA_AMOUNT_NOT_EXPRESSIBLE';

/** What Medusa says beside a status of 300 or more. */
export interface RefusedResponse {
  status: number;
  message: string;
  /** The Retry-After header as it came: seconds or a date. */
  retryAfter: string | null;
}

/**
 * What an answer of Medusa means for the command that met it.
 * Medusa answers 400 for what it will never accept (`invalid_data`, `not_allowed`), 409 while another request holds the order, and
 * 500 also for some wrong ids; seen on 2.21.2.
 */
export function fromResponse(response: RefusedResponse, now: Date): ThroughlineError {
  const { status, message } = response;
  const wait = retryAfterMs(response.retryAfter, now);
  if (status === 401 || status === 403) {
    return medusaError(
      'MEDUSA_UNAUTHORIZED',
      'pause',
      `Medusa refused our key (${status}), check MEDUSA_API_KEY: ${message}`,
    );
  }
  if (status === 429) {
    const limit = { ...wait, rateLimited: true };
    return medusaError('MEDUSA_RATE_LIMITED', 'later', `Medusa limits our rate: ${message}`, limit);
  }
  if (status === 408 || status === 409 || status === 425) {
    return medusaError('MEDUSA_BUSY', 'later', `Medusa is busy with the object (${status}): ${message}`, wait);
  }
  // A gateway that finds no Medusa behind it, or Medusa in maintenance: nobody's order is at fault.
  if (status === 502 || status === 503 || status === 504) {
    return medusaError('MEDUSA_SERVER_ERROR', 'pause', `Medusa is away (${status}): ${message}`, wait);
  }
  if (status >= 500) return medusaError('MEDUSA_SERVER_ERROR', 'later', `Medusa failed (${status}): ${message}`, wait);
  if (status === 404) return medusaError('MEDUSA_NOT_FOUND', 'never', message);
  return medusaError('MEDUSA_REFUSED', 'never', message);
}

/** What a call that got no complete answer means. Its effect may stand, may come later, or may never come. */
export function fromTransport(error: unknown, timeoutMs: number): ThroughlineError {
  if (error instanceof ThroughlineError) return error;
  const { name, message } = error as Error;
  if (name === 'TimeoutError') {
    return medusaError('MEDUSA_TIMEOUT', 'pause', `Medusa gave no answer within ${timeoutMs} ms.`, { cause: error });
  }
  if (NEVER_CONNECTED.has(systemCode(error))) {
    return medusaError('MEDUSA_UNREACHABLE', 'pause', `Medusa cannot be reached at MEDUSA_BASE_URL: ${message}`, {
      cause: error,
    });
  }
  return medusaError(
    'MEDUSA_CONNECTION_LOST',
    // An attempt that was ended says nothing about Medusa.
    name === 'AbortError' ? 'later' : 'pause',
    `The connection to Medusa ended before its answer: ${message}`,
    {
      cause: error,
    },
  );
}

/** An error of this connector with its stable code. */
export function medusaError(
  code: MedusaErrorCode,
  retry: Retry,
  message: string,
  details: { retryAfterMs?: number; rateLimited?: boolean; field?: string; cause?: unknown } = {},
): ThroughlineError {
  return new ThroughlineError(message, { code, retry, dependency: 'medusa', ...details });
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Node's fetch hides the system's code one or two causes deep. */
function systemCode(error: unknown): string {
  for (let at = error as { code?: unknown; cause?: unknown } | undefined; at; at = at.cause as typeof at) {
    if (typeof at.code === 'string') return at.code;
  }
  return '';
}

function retryAfterMs(header: string | null, now: Date): { retryAfterMs?: number } {
  if (!header) return {};
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : new Date(header).getTime() - now.getTime();
  return wait > 0 ? { retryAfterMs: wait } : {};
}
