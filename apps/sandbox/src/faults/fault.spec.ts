import { describe, expect, it } from '@jest/globals';
import { bendDelays, chance, faultPlan, type FaultSpec, fires, matchesRequest, matchesWebhook } from './fault.js';

const parse = (...faults: object[]): FaultSpec[] => faultPlan.parse({ faults }).faults;
const one = (fault: object): FaultSpec => parse(fault)[0]!;

describe('a fault', () => {
  it('strikes about as often as its probability says, and the same matches every time', () => {
    const fault = one({ kind: 'drop', vendor: 'stripe', probability: 0.3 });
    const run = (seed: number) => Array.from({ length: 1000 }, (_, ordinal) => fires(fault, seed, 0, ordinal));
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
    const share = run(7).filter(Boolean).length / 1000;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.35);
  });

  it('lets the first matches pass where it is told to', () => {
    const fault = one({ kind: 'drop', vendor: 'stripe', skip: 2 });
    expect([0, 1, 2, 3].map((ordinal) => fires(fault, 1, 0, ordinal))).toEqual([false, false, true, true]);
  });

  it('matches vendor, method and path', () => {
    const fault = one({ kind: 'answer-500', vendor: 'medusa', method: 'POST', path: '^/admin/orders/[^/]+/cancel$' });
    expect(matchesRequest(fault, 'medusa', 'POST', '/admin/orders/o/cancel')).toBe(true);
    expect(matchesRequest(fault, 'medusa', 'GET', '/admin/orders/o/cancel')).toBe(false);
    expect(matchesRequest(fault, 'medusa', 'POST', '/admin/orders/o')).toBe(false);
    expect(matchesRequest(fault, 'stripe', 'POST', '/admin/orders/o/cancel')).toBe(false);
  });

  it('of webhooks matches the event type, and never a request', () => {
    const fault = one({ kind: 'webhook-drop', vendor: 'stripe', events: '^invoice\\.paid$' });
    expect(matchesWebhook(fault, 'stripe', 'invoice.paid')).toBe(true);
    expect(matchesWebhook(fault, 'stripe', 'invoice.created')).toBe(false);
    expect(matchesRequest(fault, 'stripe', 'POST', '/v1/invoices')).toBe(false);
  });

  it('bends the delays of a webhook', () => {
    const bend = (kind: string, delays: number[]) =>
      bendDelays(
        one({ kind, vendor: 'hubspot', ...(kind === 'webhook-drop' ? {} : { delayMs: 100 }) }) as never,
        delays,
        0.5,
      );
    expect(bend('webhook-drop', [0])).toEqual([]);
    expect(bend('webhook-duplicate', [0])).toEqual([0, 50]);
    expect(bend('webhook-duplicate', [])).toEqual([]);
    expect(bend('webhook-delay', [0, 50])).toEqual([100, 150]);
    expect(bend('webhook-disorder', [0])).toEqual([50]);
  });

  it('that makes no sense is refused', () => {
    expect(faultPlan.safeParse({ faults: [{ kind: 'drop', vendor: 'stripe', path: '(' }] }).success).toBe(false);
    expect(faultPlan.safeParse({ faults: [{ kind: 'drop', vendor: 'stripe', colour: 'red' }] }).success).toBe(false);
    expect(faultPlan.safeParse({ faults: [{ kind: 'webhook-drop', vendor: 'medusa' }] }).success).toBe(false);
  });
});

it('chance is a number from 0 to below 1', () => {
  for (let n = 0; n < 100; n++) {
    expect(chance(1, n)).toBeGreaterThanOrEqual(0);
    expect(chance(1, n)).toBeLessThan(1);
  }
});
