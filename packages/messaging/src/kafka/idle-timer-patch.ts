import { createRequire } from 'node:module';

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

const PATCHED = Symbol.for('throughline.kafkajs.idle-timer-patch');

/**
 * kafkajs 2.2.4 re-arms a timer of 1 ms for ever on every connection that has nothing to send (upstream #1751; about 6 % of a core
 * each, and a `TimeoutNegativeWarning` on new Nodes). The check it arms is needed only while requests wait or the broker throttles;
 * with this it is armed only then. Everything else goes to the original. Idempotent.
 */
export function patchKafkaIdleTimer(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/requestQueue/index.js') as {
    prototype: RequestQueue & { [PATCHED]?: true };
  };
  if (prototype[PATCHED]) return;
  const original = Object.getOwnPropertyDescriptor(prototype, 'scheduleCheckPendingRequests')?.value as
    ((this: RequestQueue) => void) | undefined;
  if (typeof original !== 'function') {
    throw new Error('kafkajs has changed: check whether idle-timer-patch.ts is still needed, and remove or adapt it.');
  }
  prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue): void {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return;
    original.call(this);
  };
  prototype[PATCHED] = true;
}
