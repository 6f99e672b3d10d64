import { codeOf, retryOf } from '@throughline/contracts';
import { postgresFailure } from '@throughline/postgres';
import { backoff } from './backoff.js';
import { isLockTimeout } from './conflicts.js';
import { CALL_IN_PROGRESS } from './errors.js';
import type { RetryPolicy } from './routes.js';

export type WorkKind = 'state' | 'effect' | 'job';

/** What a failure says by itself. */
export type Failure =
  /** Nobody's fault: our own database is away, somebody keeps a lock, or another worker is at it. */
  | { kind: 'ours'; waitMs: number }
  /** The dependency answered, and its answer stands: this message's own fault. */
  | { kind: 'never' }
  /** The dependency answered that we call too often: no message's fault, and nobody calls it for so long. */
  | { kind: 'limited'; waitMs: number }
  /** The message's fault or the dependency's; only evidence can tell. `saysDown`: it looks like the dependency's. */
  | { kind: 'unclear'; saysDown: boolean; waitMs: number };

/**
 * What is known about the dependency that a call failed at. `recovered`: it was down when the call began, and is up again. `unknown`: it
 * has no probe, so that the failure itself is all there is.
 */
export type Standing = 'up' | 'down' | 'recovered' | 'unknown';

/** How often, and for how long, this piece of work has failed while its dependency was up, this attempt included. */
export interface Tries {
  attempts: number;
  failingMs: number;
}

/** What becomes of a piece of work after a failed attempt. */
export type Decision =
  /** Over: a dead letter. */
  | { kind: 'dead' }
  /** Its key waits. `counted` false: the attempt was not its fault. */
  | { kind: 'retry'; delayMs: number; counted: boolean }
  /** Its dependency is down: the key goes back, nothing counts, the dependency pauses. */
  | { kind: 'pause'; retryAfterMs: number };

const CALL_IN_PROGRESS_MS = 250;
const DATABASE_AWAY_MS = 1_000;
/** Somebody holds a row, or a table, for longer than a lock may be waited for: each try holds others up, so they are few. */
const LOCKED_MS = 15_000;
/** The server had no room for it: alone, it waits for others to end. */
const OUT_OF_MEMORY = '53200';
/** Where a vendor limits our rate and does not say for how long. */
const LIMITED_MS = 1_000;
/** Whatever somebody asks for, it is looked again after a day. */
const ASKED_MAX_MS = 86_400_000;

/**
 * By type first. An error without advice is tried again where a vendor was called, because vendors and networks fail in unknown ways;
 * a state handler is not, because it is code and SQL over the same input.
 */
export function classify(kind: WorkKind, error: unknown): Failure {
  const database = postgresFailure(error);
  if (database === 'outage') return { kind: 'ours', waitMs: DATABASE_AWAY_MS };
  if (codeOf(error) === CALL_IN_PROGRESS) return { kind: 'ours', waitMs: CALL_IN_PROGRESS_MS };
  if (database === 'conflict' && codeOf(error) === OUT_OF_MEMORY) return { kind: 'ours', waitMs: DATABASE_AWAY_MS };
  if (database === 'conflict' && isLockTimeout(error)) return { kind: 'ours', waitMs: LOCKED_MS };
  if (database === 'fault') return { kind: 'never' };
  const { retry, retryAfterMs, rateLimited } = (error ?? {}) as {
    retry?: unknown;
    retryAfterMs?: unknown;
    rateLimited?: boolean;
  };
  const askedMs = toWait(retryAfterMs);
  if (kind === 'state' && database === undefined && retry === undefined) return { kind: 'never' };
  const advice = retryOf(error);
  if (advice === 'never') return { kind: 'never' };
  if (rateLimited && kind !== 'state') return { kind: 'limited', waitMs: askedMs ?? LIMITED_MS };
  return { kind: 'unclear', saysDown: advice === 'pause' && kind !== 'state', waitMs: askedMs ?? 0 };
}

/** Whole milliseconds, as they are stored; nothing for what is no time. */
function toWait(askedMs: unknown): number | undefined {
  return typeof askedMs === 'number' && askedMs >= 0 ? Math.min(Math.ceil(askedMs), ASKED_MAX_MS) : undefined;
}

/**
 * By evidence second. An attempt counts only while its dependency is up, so that an outage gives up nothing; and while it is up an attempt
 * counts whatever its error says, so that a message whose call always breaks the connection is given up, alone.
 */
export function decide(
  failure: Failure,
  standing: Standing,
  { attempts, failingMs }: Tries,
  policy: Required<RetryPolicy>,
  random: number,
): Decision {
  switch (failure.kind) {
    case 'never':
      return { kind: 'dead' };
    case 'ours':
    case 'limited':
      return { kind: 'retry', delayMs: Math.round(failure.waitMs * (1 + random / 4)), counted: false };
    case 'unclear':
      if (standing === 'down' || (standing === 'unknown' && failure.saysDown))
        return { kind: 'pause', retryAfterMs: failure.waitMs };
      if (standing === 'recovered')
        return { kind: 'retry', delayMs: backoff(1, policy.backoffMs, random, failure.waitMs), counted: false };
      if (attempts >= policy.maxAttempts || failingMs >= policy.giveUpAfterMs) return { kind: 'dead' };
      return { kind: 'retry', delayMs: backoff(attempts, policy.backoffMs, random, failure.waitMs), counted: true };
  }
}
