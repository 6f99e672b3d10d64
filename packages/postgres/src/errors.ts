import { ThroughlineError } from '@throughline/contracts';
import { ASSERTION_FAILED } from './assertion.js';

/**
 * What a failed statement or transaction says about the next try.
 * - `outage`: PostgreSQL is away, shutting down, out of space or out of connections. The work itself is not at fault.
 * - `conflict`: the transaction met another one (deadlock, serialization, lock or statement time limit, a name that the other was faster
 *   to take, something it took for granted that is not so any more), wanted more locks than the server has room for, or met a connection whose prepared statements are stale, for example after a
 *   migration. The same work may pass now, on another connection, or less of it at once.
 * - `fault`: the statement or its values are wrong; the same again gives the same answer.
 */
export type PostgresFailure = 'outage' | 'conflict' | 'fault';

const CONFLICTS = new Set(['40001', '40P01', '55P03', '57014', '25P03', '25P04', '26000', '53200', ASSERTION_FAILED]);
/** Comes as `feature_not_supported`, which otherwise is a fault. */
const STALE_PLAN = /^cached plan must not change result type/;
/** SQLSTATE classes: connection, resources, operator intervention, system error, internal corruption of a standby or limit. */
const OUTAGE_CLASSES = new Set(['08', '53', '57', '58']);
/** `read_only_sql_transaction` (a demoted primary) and a database that is being (re)created. */
const OUTAGE_CODES = new Set(['25006', '3D000', '28000', '28P01']);
/** `protocol_violation`, where the session goes on: another number of values than parameters, or bytes that are none of their type. */
const NOT_AS_DECLARED = '08P01';
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** As the pool says that it was closed here: nothing will be tried again. */
const CLOSED = /after calling end on the pool/;

/** Nobody wraps an error more often; one that is its own cause has no end. */
const CAUSES_MAX = 10;

/** What connections to PostgreSQL have failed with. A vendor that is away is told by the same codes and words. */
const ofConnections = new WeakSet<object>();

/** Notes that a connection to PostgreSQL, or the wait for one, has failed with this, and returns it. */
export function ofConnection<E>(error: E): E {
  if (typeof error === 'object' && error !== null) ofConnections.add(error);
  return error;
}

/** Reads PostgreSQL's or the driver's answer; `undefined` where neither the error nor what caused it came from them. */
export function postgresFailure(error: unknown): PostgresFailure | undefined {
  let at = error;
  for (let depth = 0; depth < CAUSES_MAX && typeof at === 'object' && at !== null; depth++) {
    const failure = failureOf(at);
    if (failure !== undefined) return failure;
    at = (at as { cause?: unknown }).cause;
  }
  return undefined;
}

function failureOf(error: object): PostgresFailure | undefined {
  const { code, message, severity } = error as { code?: unknown; message?: unknown; severity?: unknown };
  if (code === 'POSTGRES_COMMIT_REFUSED' || code === OVERTAKEN) return 'conflict';
  if (typeof code === 'string' && SQLSTATE.test(code) && typeof severity === 'string')
    return ofServer(code, severity, String(message));
  if (!ofConnections.has(error)) return undefined;
  // Whatever it says: also a process without file descriptors, or a certificate that is over, is no message's fault.
  return CLOSED.test(String(message)) ? undefined : 'outage';
}

function ofServer(code: string, severity: string, message: string): PostgresFailure {
  if (CONFLICTS.has(code) || (code === '0A000' && STALE_PLAN.test(message))) return 'conflict';
  // What ends the session is never about a statement; a database that takes no connections says so as 55000.
  if (severity === 'FATAL' || severity === 'PANIC' || OUTAGE_CODES.has(code)) return 'outage';
  return code !== NOT_AS_DECLARED && OUTAGE_CLASSES.has(code.slice(0, 2)) ? 'outage' : 'fault';
}

export const UNIQUE_VIOLATION = '23505';
const OVERTAKEN = 'POSTGRES_OVERTAKEN';

/** Another transaction has written the very row that this one was to be the first to write. */
export function overtaken(cause: unknown): ThroughlineError {
  return new ThroughlineError(
    `Another transaction was faster: ${(cause as Error).message}. The same work is to be done again, with what that one wrote.`,
    { code: OVERTAKEN, retry: 'later', dependency: 'postgres', cause },
  );
}

/** Whether a transaction that failed with this may have committed all the same: it ended with its session, or nobody answered. */
export function mayHaveCommitted(error: unknown): boolean {
  return postgresFailure(error) === 'outage' && (error as { severity?: unknown }).severity !== 'ERROR';
}

/** COMMIT was answered with ROLLBACK: a statement failed and its error was swallowed, so nothing was written. */
export function commitRefused(): ThroughlineError {
  return new ThroughlineError(
    'The transaction was rolled back at COMMIT, because a statement in it had failed unnoticed: do not catch errors of a statement inside a transaction.',
    { code: 'POSTGRES_COMMIT_REFUSED', retry: 'later', dependency: 'postgres' },
  );
}

/** Whoever rehearsed has its answer; what this statement wanted is of no interest any more, and must not reach the real tables. */
export function rehearsalOver(): ThroughlineError {
  return new ThroughlineError('The rehearsal is over: nothing more is asked of the database on its behalf.', {
    code: 'POSTGRES_REHEARSAL_OVER',
    retry: 'never',
    dependency: 'postgres',
  });
}
