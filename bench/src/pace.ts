import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Begins `one` so many times, on a fixed schedule, whatever became of those before: a queue that builds up must show. Resolves when all
 * have ended with how much later than planned the worst was begun, in milliseconds.
 */
export async function atPace(
  count: number,
  perSecond: number,
  one: (index: number) => Promise<void>,
): Promise<{ behindMs: number }> {
  const pending: Promise<void>[] = [];
  const start = performance.now();
  let behindMs = 0;
  for (let index = 0; index < count; index += 1) {
    const due = start + (index * 1_000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await sleep(early);
    behindMs = Math.max(behindMs, performance.now() - due);
    pending.push(one(index));
  }
  await Promise.all(pending);
  return { behindMs };
}
