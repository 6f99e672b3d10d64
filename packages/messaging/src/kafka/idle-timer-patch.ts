import { createRequire } from 'node:module';

interface RequestQueue {
  pending: unknown[];
  /** Wall clock. */
  throttledUntil: number;
  throttledForMs?: number;
  maybeThrottle(forMs: number | null | undefined): void;
  canSendSocketRequestImmediately(): boolean;
  scheduleCheckPendingRequests(): void;
  inflight: Map<number, { requestTimeout: number; timeoutRequest(): void }>;
  enforceRequestTimeout: boolean;
  requestTimeoutIntervalId: NodeJS.Timeout | undefined;
  isConnected(): boolean;
  destroy(): void;
  scheduleRequestTimeoutCheck(): void;
}

/** Time limits of requests are 15 s and more. Counted are checks that have seen a request: a clock that jumps changes none, nor does a pause. */
const TIMEOUT_CHECK_MS = 1_000;

const PATCHED = Symbol.for('throughline.kafkajs.idle-timer-patch');

/**
 * kafkajs 2.2.4 re-arms a timer of 1 ms for ever on every connection that has nothing to send (upstream #1751; about 6 % of a core
 * each, and a `TimeoutNegativeWarning` on new Nodes). The check it arms is needed only while requests wait or the broker throttles;
 * with this it is armed only then. Time limits of requests it checks on each connection ten times a second, by the wall clock, so that one
 * that was set back lets a request wait for ever, and one that was set forward gives up all; now once, without a clock. Everything else goes
 * to the original. Idempotent.
 */
export function patchKafkaIdleTimer(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/requestQueue/index.js') as {
    prototype: RequestQueue & { [PATCHED]?: true };
  };
  if (prototype[PATCHED]) return;
  const method = <Name extends keyof RequestQueue>(name: Name): RequestQueue[Name] | undefined =>
    Object.getOwnPropertyDescriptor(prototype, name)?.value as RequestQueue[Name] | undefined;
  const original = method('scheduleCheckPendingRequests');
  const [throttle, canSend] = [method('maybeThrottle'), method('canSendSocketRequestImmediately')];
  if (!original || !throttle || !canSend) {
    throw new Error('kafkajs has changed: check whether idle-timer-patch.ts is still needed, and remove or adapt it.');
  }
  prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue): void {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return;
    original.call(this);
  };
  // A broker throttles for a time, which kafkajs takes for a time of day: after the clock was set back nothing would be sent for longer.
  prototype.maybeThrottle = function maybeThrottle(this: RequestQueue, forMs): void {
    this.throttledUntil = notForLonger(this);
    throttle.call(this, forMs);
    this.throttledForMs = Math.max(0, this.throttledUntil - Date.now());
  };
  prototype.canSendSocketRequestImmediately = function canSendSocketRequestImmediately(this: RequestQueue): boolean {
    this.throttledUntil = notForLonger(this);
    return canSend.call(this);
  };
  prototype.scheduleRequestTimeoutCheck = function scheduleRequestTimeoutCheck(this: RequestQueue): void {
    if (!this.enforceRequestTimeout) return;
    this.destroy();
    const seen = new WeakMap<object, number>();
    this.requestTimeoutIntervalId = setInterval(() => {
      for (const request of [...this.inflight.values()]) {
        const since = seen.get(request) ?? 0;
        seen.set(request, since + TIMEOUT_CHECK_MS);
        if (since >= request.requestTimeout) request.timeoutRequest();
      }
      if (!this.isConnected()) this.destroy();
    }, TIMEOUT_CHECK_MS);
  };
  prototype[PATCHED] = true;
}

function notForLonger({ throttledUntil, throttledForMs = 0 }: RequestQueue): number {
  return Math.min(throttledUntil, Date.now() + throttledForMs);
}
