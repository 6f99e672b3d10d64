import { ThroughlineError, type Retry } from '@throughline/contracts';
import { Stripe } from 'stripe';

/** Codes of everything this connector throws. */
export type StripeErrorCode =
  | 'STRIPE_RATE_LIMITED'
  | 'STRIPE_BUSY'
  | 'STRIPE_SERVER_ERROR'
  | 'STRIPE_SERVER_ERROR_REPLAYED'
  | 'STRIPE_UNREACHABLE'
  | 'STRIPE_UNAUTHORIZED'
  | 'STRIPE_IDEMPOTENCY_MISMATCH'
  | 'STRIPE_NOT_FOUND'
  | 'STRIPE_ALREADY_EXISTS'
  | 'STRIPE_REQUEST_REFUSED'
  | 'STRIPE_SIGNATURE_INVALID'
  | 'STRIPE_WEBHOOK_MALFORMED';

/**
 * What an error of Stripe's SDK means for the command that met it. Source: https://docs.stripe.com/error-low-level and
 * https://docs.stripe.com/api/idempotent_requests
 */
export function toThroughlineError(error: unknown): ThroughlineError {
  if (error instanceof ThroughlineError) return error;
  if (!(error instanceof Stripe.errors.StripeError)) {
    return stripeError('STRIPE_REQUEST_REFUSED', 'never', `Stripe's SDK refused the call: ${String(error)}`, error);
  }
  const { statusCode, code, message } = error;
  if (error instanceof Stripe.errors.StripeConnectionError || statusCode === undefined) {
    return stripeError('STRIPE_UNREACHABLE', 'pause', `Stripe cannot be reached: ${message}`, error);
  }
  if (statusCode === 401 || statusCode === 403) {
    return stripeError(
      'STRIPE_UNAUTHORIZED',
      'pause',
      `Stripe refused our key (${statusCode}), check STRIPE_SECRET_KEY: ${message}`,
      error,
    );
  }
  if (code === 'lock_timeout' || statusCode === 409) {
    return stripeError('STRIPE_BUSY', 'later', `Another request holds the object or the key: ${message}`, error);
  }
  if (error instanceof Stripe.errors.StripeRateLimitError) {
    return stripeError('STRIPE_RATE_LIMITED', 'later', `Stripe limits our rate: ${message}`, error);
  }
  if (statusCode >= 500) {
    // Stripe keeps the outcome of a key, 500 included: the same key gives this answer again for as long as the key lives.
    const replayed = error.headers?.['idempotent-replayed'] === 'true';
    const away = statusCode === 502 || statusCode === 503 || statusCode === 504;
    return stripeError(
      replayed ? 'STRIPE_SERVER_ERROR_REPLAYED' : 'STRIPE_SERVER_ERROR',
      away && !replayed ? 'pause' : 'later',
      `Stripe failed (${statusCode}): ${message}`,
      error,
    );
  }
  if (error instanceof Stripe.errors.StripeIdempotencyError) {
    return stripeError(
      'STRIPE_IDEMPOTENCY_MISMATCH',
      'never',
      `An idempotency key was used for two different requests: ${message}`,
      error,
    );
  }
  // Stripe knows better than the status does. Source: https://docs.stripe.com/error-low-level, "Stripe-Should-Retry"
  if (error.headers?.['stripe-should-retry'] === 'true') {
    return stripeError('STRIPE_BUSY', 'later', `Stripe asks for another try (${statusCode}): ${message}`, error);
  }
  if (statusCode === 404) return stripeError('STRIPE_NOT_FOUND', 'never', message, error);
  if (code === 'resource_already_exists') return stripeError('STRIPE_ALREADY_EXISTS', 'never', message, error);
  return stripeError('STRIPE_REQUEST_REFUSED', 'never', message, error);
}

/** An error of this connector with its stable code. */
export function stripeError(code: StripeErrorCode, retry: Retry, message: string, cause?: unknown): ThroughlineError {
  const stripe = cause instanceof Stripe.errors.StripeError ? cause : undefined;
  const seconds = Number(stripe?.headers?.['retry-after']);
  return new ThroughlineError(message, {
    code,
    retry,
    dependency: 'stripe',
    ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
    ...(code === 'STRIPE_RATE_LIMITED' ? { rateLimited: true } : {}),
    ...(stripe?.param ? { field: stripe.param } : {}),
    ...(cause === undefined ? {} : { cause }),
  });
}
