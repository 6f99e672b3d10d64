import { describe, expect, it } from '@jest/globals';
import { ThroughlineError, type Retry } from '@throughline/contracts';
import { decide } from './advice.js';
import { backoff } from './backoff.js';
import { callInProgress } from './errors.js';

const policy = { maxAttempts: 3, backoffMs: [200, 30_000] as [number, number] };
const error = (retry: Retry, retryAfterMs?: number): Error =>
  new ThroughlineError('x', { code: 'X', retry, ...(retryAfterMs !== undefined && { retryAfterMs }) });
const pg = (code: string): Error => Object.assign(new Error(code), { code, severity: 'ERROR' });

describe('decide', () => {
  it.each([
    ['effect', error('never'), 1, { kind: 'dead' }],
    ['effect', error('later'), 1, { kind: 'retry', delayMs: 100, counted: true }],
    ['effect', error('later'), 2, { kind: 'retry', delayMs: 200, counted: true }],
    ['effect', error('later'), 3, { kind: 'dead' }],
    ['effect', error('later', 5_000), 1, { kind: 'retry', delayMs: 5_000, counted: true }],
    ['effect', error('pause', 7_000), 99, { kind: 'pause', retryAfterMs: 7_000 }],
    ['job', new Error('fetch failed'), 1, { kind: 'retry', delayMs: 100, counted: true }],
    ['effect', callInProgress('s', 'c'), 99, { kind: 'retry', delayMs: 250, counted: false }],
    ['effect', pg('53300'), 99, { kind: 'retry', delayMs: 1_000, counted: false }],
    ['effect', pg('23505'), 1, { kind: 'dead' }],
    ['effect', pg('40P01'), 1, { kind: 'retry', delayMs: 100, counted: true }],
    ['state', new TypeError('undefined is not a function'), 1, { kind: 'dead' }],
    ['state', pg('22P02'), 1, { kind: 'dead' }],
    ['state', error('later'), 1, { kind: 'retry', delayMs: 100, counted: true }],
    ['state', error('pause'), 1, { kind: 'retry', delayMs: 100, counted: true }],
  ] as const)('%s, %s, attempt %i', (kind, thrown, attempts, expected) => {
    expect(decide(kind, thrown, attempts, policy, 0)).toEqual(expected);
  });
});

describe('backoff', () => {
  it('doubles up to the longest', () => {
    const waits = [1, 2, 3, 9, 60].map((attempt) => backoff(attempt, [200, 30_000], 1));
    expect(waits).toEqual([200, 400, 800, 30_000, 30_000]);
  });
  it('draws between half and all of it', () => {
    expect(backoff(1, [200, 30_000], 0)).toBe(100);
    expect(backoff(1, [200, 30_000], 0.999)).toBe(200);
  });
  it('never undercuts what the other side asked for', () => {
    expect(backoff(1, [200, 30_000], 0, 90_000)).toBe(90_000);
  });
});
