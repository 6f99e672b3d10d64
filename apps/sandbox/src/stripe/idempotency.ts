import { createHash } from 'node:crypto';
import type { Tx } from '@throughline/postgres';
import { isVendorRefusal } from '../errors.js';
import type { VendorRequest, VendorResponse } from '../http/vendor.js';
import { stripeError } from './errors.js';

const lockKey = {
  name: 'stripe-key-lock',
  text: 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7)) AS locked',
};
const findKey = {
  name: 'stripe-key-find',
  text: 'SELECT fingerprint, request_id, status, body FROM stripe_idempotency WHERE key = $1',
};
const storeKey = {
  name: 'stripe-key-store',
  text: `INSERT INTO stripe_idempotency (key, fingerprint, request_id, status, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (key) DO NOTHING`,
};
const savepoint = { name: 'stripe-savepoint', text: 'SAVEPOINT execution' };
const rollback = { name: 'stripe-rollback', text: 'ROLLBACK TO SAVEPOINT execution' };

interface StoredResult {
  fingerprint: string;
  request_id: string;
  status: number;
  body: unknown;
}

/**
 * Stripe's idempotency keys, https://docs.stripe.com/api/idempotent_requests: the first result of a key is stored, be it a success
 * or a failure, and replayed; other parameters are refused; a key in use is refused; what failed before execution began is not stored.
 */
export async function underKey(
  key: string,
  request: VendorRequest,
  tx: Tx,
  now: Date,
  execute: () => Promise<VendorResponse>,
): Promise<VendorResponse> {
  if (key.length > 255)
    throw stripeError('Idempotency keys may be at most 255 characters long.', {
      type: 'idempotency_error',
      beforeExecution: true,
    });
  const [lock] = await tx.query<{ locked: boolean }>(lockKey, [key]);
  if (!lock?.locked) {
    throw stripeError(
      `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
      { type: 'idempotency_error', code: 'idempotency_key_in_use', status: 409, beforeExecution: true },
    );
  }
  const [stored] = await tx.query<StoredResult>(findKey, [key]);
  if (stored) return replay(key, stored, request);
  await tx.query(savepoint);
  const response = await settle(tx, execute);
  await rememberResult(key, request, response, tx, now);
  return response;
}

export async function rememberResult(
  key: string,
  request: VendorRequest,
  response: VendorResponse,
  tx: Tx,
  now: Date,
): Promise<void> {
  await tx.query(storeKey, [
    key,
    fingerprint(request),
    request.id,
    response.status,
    JSON.stringify(response.body),
    now,
  ]);
}

function replay(key: string, stored: StoredResult, request: VendorRequest): VendorResponse {
  if (stored.fingerprint !== fingerprint(request)) {
    throw stripeError(
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      { type: 'idempotency_error', beforeExecution: true },
    );
  }
  const failed: Record<string, string> = stored.status >= 500 ? { 'stripe-should-retry': 'false' } : {};
  return {
    status: stored.status,
    headers: { 'idempotent-replayed': 'true', 'original-request': stored.request_id, ...failed },
    body: stored.body,
  };
}

/** A refusal after execution began is a result like any other: its partial effects are undone and it is stored. */
async function settle(tx: Tx, execute: () => Promise<VendorResponse>): Promise<VendorResponse> {
  try {
    return await execute();
  } catch (error) {
    if (!isVendorRefusal(error) || !error.executed) throw error;
    await tx.query(rollback);
    return error.response;
  }
}

function fingerprint(request: VendorRequest): string {
  return createHash('sha256').update(`${request.method} ${request.path}\n${request.body}`).digest('hex');
}
