import { describe, expect, it } from '@jest/globals';
import { Stripe } from 'stripe';
import { toThroughlineError } from './errors.js';

/** The error the SDK makes of an answer. */
function answer(statusCode: number, error: object, headers: Record<string, string> = {}): unknown {
  return Stripe.errors.StripeError.generate({ statusCode, headers, message: 'said so', ...error });
}

describe('toThroughlineError', () => {
  it.each([
    [
      'too many requests',
      answer(429, { type: 'invalid_request_error', code: 'rate_limit' }, { 'retry-after': '2' }),
      'STRIPE_RATE_LIMITED',
      'later',
      { retryAfterMs: 2000, rateLimited: true },
    ],
    [
      'an object locked by another request',
      answer(429, { type: 'invalid_request_error', code: 'lock_timeout' }),
      'STRIPE_BUSY',
      'later',
      {},
    ],
    [
      'a key in use',
      answer(409, { type: 'idempotency_error', code: 'idempotency_key_in_use' }),
      'STRIPE_BUSY',
      'later',
      {},
    ],
    [
      'a refusal that Stripe itself takes back',
      answer(400, { type: 'invalid_request_error' }, { 'stripe-should-retry': 'true' }),
      'STRIPE_BUSY',
      'later',
      {},
    ],
    [
      'a key used for another request',
      answer(400, { type: 'idempotency_error' }),
      'STRIPE_IDEMPOTENCY_MISMATCH',
      'never',
      {},
    ],
    ['a failure at Stripe', answer(500, { type: 'api_error' }), 'STRIPE_SERVER_ERROR', 'later', {}],
    [
      'a gateway that gets no answer from Stripe',
      answer(502, { type: 'api_error' }),
      'STRIPE_SERVER_ERROR',
      'pause',
      {},
    ],
    [
      'Stripe being away',
      answer(503, { type: 'api_error' }, { 'retry-after': '9' }),
      'STRIPE_SERVER_ERROR',
      'pause',
      { retryAfterMs: 9000 },
    ],
    [
      'the same failure again, as Stripe keeps it',
      answer(503, { type: 'api_error' }, { 'idempotent-replayed': 'true' }),
      'STRIPE_SERVER_ERROR_REPLAYED',
      'later',
      {},
    ],
    [
      'the same failure again',
      answer(500, { type: 'api_error' }, { 'idempotent-replayed': 'true' }),
      'STRIPE_SERVER_ERROR_REPLAYED',
      'later',
      {},
    ],
    [
      'a key of ours that Stripe does not know',
      answer(401, { type: 'invalid_request_error' }),
      'STRIPE_UNAUTHORIZED',
      'pause',
      {},
    ],
    [
      'a connection that breaks or times out',
      new Stripe.errors.StripeConnectionError({ message: 'socket hang up', type: 'api_error' } as never),
      'STRIPE_UNREACHABLE',
      'pause',
      {},
    ],
    [
      'an object that is not there',
      answer(404, { type: 'invalid_request_error', code: 'resource_missing', param: 'id' }),
      'STRIPE_NOT_FOUND',
      'never',
      {},
    ],
    [
      'an id that is taken',
      answer(400, { type: 'invalid_request_error', code: 'resource_already_exists' }),
      'STRIPE_ALREADY_EXISTS',
      'never',
      {},
    ],
    [
      'parameters Stripe refuses',
      answer(400, { type: 'invalid_request_error', param: 'currency' }),
      'STRIPE_REQUEST_REFUSED',
      'never',
      { field: 'currency' },
    ],
  ])('%s', (_, error, code, retry, rest) => {
    expect(toThroughlineError(error)).toMatchObject({ code, retry, dependency: 'stripe', ...rest });
  });
});
