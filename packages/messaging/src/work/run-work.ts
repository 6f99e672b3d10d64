import type { Codec } from '@throughline/contracts';
import type { Queryable } from '@throughline/postgres';
import { SpanKind, traceparentOf, withSpan } from '@throughline/telemetry';
import { decide, type Failure, type Standing } from '../advice.js';
import type { EffectContext } from '../effect-context.js';
import { effectTimedOut, noRoute } from '../errors.js';
import type { EffectResult } from '../message.js';
import type { OnDeadLetter, Routes, WorkRoute } from '../routes.js';
import type { Done, Outcome } from './outcome.js';
import { performOnce } from './perform-once.js';
import { jobOf, messageOf, type WorkItem } from './work-item.js';

export interface RunParts {
  routes: Routes;
  codec: Codec;
  database: Queryable;
  instanceId: string;
}

/** A handler that has been told to stop gets this long to say how its call ended. In milliseconds. */
const ABORT_GRACE_MS = 1_000;
/** A lease outlives the longest attempt by this much. In milliseconds. */
export const LEASE_MARGIN_MS = 15_000;

/** How one attempt ended. `stopped`: by our doing, not its fault. */
export type Attempt = Done | { kind: 'failed'; item: WorkItem; error: unknown } | { kind: 'stopped'; item: WorkItem };

/** Runs one attempt; never throws. */
export async function runWork(parts: RunParts, item: WorkItem, stop: AbortSignal): Promise<Attempt> {
  const route = routeOf(parts.routes, item);
  if (!route) return { kind: 'failed', item, error: noRoute(item.kind, item.type) };
  try {
    return await withSpan(
      `process ${item.type}`,
      {
        parent: item.traceparent,
        kind: SpanKind.CONSUMER,
        attributes: {
          'messaging.operation.type': 'process',
          'messaging.message.id': item.messageId,
          'throughline.dependency': item.queue,
          'throughline.attempt': item.attempts + 1,
        },
      },
      async (span): Promise<Done> => {
        const result = await attempt(parts, item, route, stop);
        return { kind: 'done', item, result: result ?? {}, traceparent: traceparentOf(span) };
      },
    );
  } catch (error) {
    return stop.aborted ? { kind: 'stopped', item } : { kind: 'failed', item, error };
  }
}

/**
 * What becomes of a row whose attempt failed.
 *
 * @param ranMs how long the attempt took
 */
export function afterFailure(
  { item, error, failure, standing, ranMs }: FailedAttempt,
  route: WorkRoute | undefined,
): Outcome {
  if (!route) return { kind: 'dead', item, error };
  const failingMs = item.failingMs + ranMs;
  const tries = { attempts: item.attempts + 1, failingMs };
  const decision = decide(failure, standing, tries, route.retry, Math.random());
  if (decision.kind !== 'retry') return { ...decision, item, error };
  return { ...decision, item, error, failingMs: failingMs + decision.delayMs };
}

export interface FailedAttempt {
  item: WorkItem;
  error: unknown;
  failure: Failure;
  standing: Standing;
  ranMs: number;
}

export function routeOf(routes: Routes, item: Pick<WorkItem, 'kind' | 'type'>): WorkRoute | undefined {
  const route = item.kind === 'job' ? routes.jobs[item.type] : routes.routes[item.type as keyof Routes['routes']];
  return route?.kind === item.kind ? route : undefined;
}

/** What the successors of this row do once it is a dead letter; also where its route is gone. */
export function onDeadLetterOf(routes: Routes, item: Pick<WorkItem, 'kind' | 'type'>): OnDeadLetter {
  return routeOf(routes, item)?.onDeadLetter ?? (item.kind === 'job' ? 'continue' : 'hold');
}

async function attempt(
  parts: RunParts,
  item: WorkItem,
  route: WorkRoute,
  stop: AbortSignal,
): Promise<EffectResult | void> {
  if (route.kind === 'state') {
    const message = await messageOf(item, parts.codec);
    return { apply: (tx) => route.handle([message], tx) };
  }
  const limit = new AbortController();
  const context = effectContext(parts, item, route, AbortSignal.any([stop, limit.signal]));
  const handled =
    route.kind === 'job'
      ? route.handle(jobOf(item), context)
      : messageOf(item, parts.codec).then((message) => route.handle(message, context));
  return withTimeLimit(handled, limit, item.type, route.timeoutMs);
}

function effectContext(parts: RunParts, item: WorkItem, route: WorkRoute, signal: AbortSignal): EffectContext {
  return {
    attempt: item.attempts + 1,
    signal,
    idempotencyKey: (call) => `${item.messageId}:${call}`,
    once: (call, request, perform, { scope } = {}) =>
      performOnce(parts.database, parts.instanceId, {
        scope: scope ?? item.messageId,
        call,
        request,
        idempotencyKey: `${scope ?? item.messageId}:${call}`,
        leaseMs: route.timeoutMs + LEASE_MARGIN_MS,
        perform,
      }),
  };
}

/** Aborts at the limit, and stops waiting a little later also for a handler that does not listen. */
function withTimeLimit<T>(handled: Promise<T>, limit: AbortController, type: string, timeoutMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let timer = setTimeout(() => {
      const timedOut = effectTimedOut(type, timeoutMs);
      limit.abort(timedOut);
      timer = setTimeout(() => reject(timedOut), ABORT_GRACE_MS);
    }, timeoutMs);
    handled.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
