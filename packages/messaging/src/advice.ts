import { codeOf, retryOf, type Retry } from '@throughline/contracts';
import { postgresFailure } from '@throughline/postgres';
import { backoff } from './backoff.js';
import { CALL_IN_PROGRESS } from './errors.js';
import type { RetryPolicy } from './routes.js';

export type WorkKind = 'state' | 'effect' | 'job';

/** What becomes of a piece of work after a failed attempt. */
export type Decision =
  /** Over: a dead letter. */
  | { kind: 'dead' }
  /** Its key waits. `counted` false: the attempt was nobody's fault. */
  | { kind: 'retry'; delayMs: number; counted: boolean }
  /** Its dependency is down: the key goes back, nothing counts, the dependency pauses. */
  | { kind: 'pause'; retryAfterMs: number };

const UNCOUNTED_RETRY_MS = 250;
const DATABASE_AWAY_MS = 1_000;

/**
 * Decides from the error's advice. Without any, an effect is tried again, because vendors and networks fail in unknown ways; a state
 * handler is not, because it is code and SQL over the same input.
 *
 * @param attempts failed attempts so far, this one included
 */
export function decide(
  kind: WorkKind,
  error: unknown,
  attempts: number,
  policy: Required<RetryPolicy>,
  random: number,
): Decision {
  const database = postgresFailure(error);
  if (database === 'outage') return { kind: 'retry', delayMs: DATABASE_AWAY_MS, counted: false };
  if (codeOf(error) === CALL_IN_PROGRESS) {
    return { kind: 'retry', delayMs: Math.round(UNCOUNTED_RETRY_MS * (1 + random)), counted: false };
  }
  const advice = adviceOf(kind, error, database);
  const retryAfterMs = (error as { retryAfterMs?: number } | null)?.retryAfterMs ?? 0;
  if (advice === 'pause' && kind !== 'state') return { kind: 'pause', retryAfterMs };
  if (advice === 'never' || attempts >= policy.maxAttempts) return { kind: 'dead' };
  return { kind: 'retry', delayMs: backoff(attempts, policy.backoffMs, random, retryAfterMs), counted: true };
}

function adviceOf(kind: WorkKind, error: unknown, database: ReturnType<typeof postgresFailure>): Retry {
  if (database === 'conflict') return 'later';
  if (database === 'fault') return 'never';
  const says = (error as { retry?: unknown } | null)?.retry;
  return kind === 'state' && says === undefined ? 'never' : retryOf(error);
}
