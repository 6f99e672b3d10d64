import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { patchKafkaIdleTimer } from './idle-timer-patch.js';

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as new (
  options: object,
) => {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: unknown;
  scheduleCheckPendingRequests(): void;
  maybeThrottle(ms: number): void;
  push(request: object): void;
  destroy(): void;
  inflight: Map<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>;
  scheduleRequestTimeoutCheck(): void;
};
const logger = { debug: (): void => undefined };

describe('patchKafkaIdleTimer', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('arms no timer on an idle connection, and one where a request waits or the broker throttles', () => {
    patchKafkaIdleTimer();
    patchKafkaIdleTimer();
    const idle = new RequestQueue({ logger });
    idle.scheduleCheckPendingRequests();
    expect(idle.throttleCheckTimeoutId).toBeNull();

    const waiting = new RequestQueue({ logger });
    waiting.pending.push({});
    waiting.scheduleCheckPendingRequests();
    expect(waiting.throttleCheckTimeoutId).not.toBeNull();
    waiting.pending.pop();
    waiting.destroy();

    const throttled = new RequestQueue({ logger });
    throttled.maybeThrottle(1_000);
    throttled.scheduleCheckPendingRequests();
    expect(throttled.throttleCheckTimeoutId).not.toBeNull();
    throttled.destroy();
  });

  it.each([0, -3_600_000, 3_600_000])(
    'gives up a request that is over its time limit, and no other, though the clock jumps by %d ms',
    (jump) => {
      patchKafkaIdleTimer();
      jest.useFakeTimers();
      const queue = new RequestQueue({ logger, enforceRequestTimeout: true, requestTimeout: 15_000 });
      const given: number[] = [];
      for (const requestTimeout of [2_000, 15_000]) {
        const timeoutRequest = (): void => void given.push(requestTimeout);
        queue.inflight.set(requestTimeout, { sentAt: Date.now(), requestTimeout, timeoutRequest });
      }
      queue.scheduleRequestTimeoutCheck();
      jest.setSystemTime(Date.now() + jump);
      jest.advanceTimersByTime(2_000);
      expect(given).toEqual([]);
      jest.advanceTimersByTime(1_000);
      expect(given).toEqual([2_000]);
      queue.destroy();
      expect(jest.getTimerCount()).toBe(0);
      jest.useRealTimers();
    },
  );

  it.each([false, true])(
    'sends again when a throttled time is over, though the clock was set back meanwhile; another answer: %s',
    (isAnswered) => {
      patchKafkaIdleTimer();
      jest.useFakeTimers();
      const queue = new RequestQueue({ logger });
      let sent = 0;
      queue.maybeThrottle(1_000);
      queue.push({ entry: { correlationId: 1 }, expectResponse: true, sendRequest: () => void sent++ });
      jest.advanceTimersByTime(500);
      jest.setSystemTime(Date.now() - 3_600_000);
      if (isAnswered) queue.maybeThrottle(0);
      expect(sent).toBe(0);
      jest.advanceTimersByTime(2_000);
      expect(sent).toBe(1);
      queue.destroy();
      jest.useRealTimers();
    },
  );
});
