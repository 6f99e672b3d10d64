import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresFailure, type Queryable, type Statement } from '@throughline/postgres';
import { backoff } from '../backoff.js';
import { callInProgress } from '../errors.js';
import { beginCall, finishCall, forgetCall, readCall, releaseCall, unpinCall } from './record-call.js';

export interface OnceCall<Request, Response> {
  scope: string;
  call: string;
  request: Request;
  idempotencyKey: string;
  /** Longer than the call can take, in milliseconds. */
  leaseMs: number;
  perform(request: Request, idempotencyKey: string, attempt: { mayHaveRun: boolean }): Promise<Response>;
}

/** Another worker's call usually ends within this; only then the key goes back to the queue. In milliseconds. */
const WAIT_MS = 2_000;
const LOOK_MS = 50;
/** Within about a second; an attempt has a time limit. */
const RECORD_TRIES = 5;
const RECORD_WAIT_MS: [number, number] = [50, 1_000];

/**
 * Performs a call once for good. Before it, the request is pinned and the call is leased; after it, the response is recorded. A crash
 * in between leaves a record without response, and whoever comes next is told that the call may have run.
 */
export async function performOnce<Request, Response>(
  database: Queryable,
  owner: string,
  once: OnceCall<Request, Response>,
): Promise<Response> {
  const { scope, call } = once;
  const lease = randomUUID();
  for (let waited = 0; ; waited += LOOK_MS) {
    const request = JSON.stringify(once.request ?? null);
    const [begun] = await database.query<{ request: Request; attempts: number }>(beginCall, [
      scope,
      call,
      request,
      lease,
      owner,
      once.leaseMs,
    ]);
    if (begun) return perform(database, once, lease, begun);
    const [found] = await database.query<{ response: Response; done: boolean }>(readCall, [scope, call]);
    if (found?.done) return found.response;
    if (waited >= WAIT_MS) throw callInProgress(scope, call);
    await sleep(LOOK_MS);
  }
}

async function perform<Request, Response>(
  database: Queryable,
  once: OnceCall<Request, Response>,
  lease: string,
  begun: { request: Request; attempts: number },
): Promise<Response> {
  const { scope, call, idempotencyKey } = once;
  // If this fails too, the lease runs out by itself.
  const giveBack = (how: Statement): Promise<unknown> =>
    database.query(how, [scope, call, lease]).catch(() => undefined);
  let response: Response;
  try {
    response = await once.perform(begun.request, idempotencyKey, { mayHaveRun: begun.attempts > 1 });
  } catch (error) {
    const refused = (error as { retry?: unknown } | null)?.retry === 'never';
    await giveBack(!refused ? releaseCall : begun.attempts === 1 ? forgetCall : unpinCall);
    throw error;
  }
  try {
    const recorded = await record<Response>(database, [scope, call, JSON.stringify(response ?? null)]);
    return recorded ? recorded.response : response;
  } catch (error) {
    await giveBack(releaseCall);
    throw error;
  }
}

/** A lost connection is no reason to ask the other system again: what it answered is at hand. */
async function record<Response>(database: Queryable, values: unknown[]): Promise<{ response: Response } | undefined> {
  for (let failures = 1; ; failures++) {
    try {
      const [recorded] = await database.query<{ response: Response }>(finishCall, values);
      return recorded;
    } catch (error) {
      if (failures >= RECORD_TRIES || postgresFailure(error) === 'fault') throw error;
      await sleep(backoff(failures, RECORD_WAIT_MS, Math.random()));
    }
  }
}
