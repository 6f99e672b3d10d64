import { describe, expect, it } from '@jest/globals';
import { ThroughlineError, type Retry } from '@throughline/contracts';
import { ofConnection, overtaken } from '@throughline/postgres';
import { classify, decide } from './advice.js';
import { backoff } from './backoff.js';
import { callInProgress } from './errors.js';

const policy = { maxAttempts: 3, giveUpAfterMs: 60_000, backoffMs: [200, 30_000] as [number, number] };
const error = (retry: Retry, more: { retryAfterMs?: number; rateLimited?: boolean } = {}): Error =>
  new ThroughlineError('x', { code: 'X', retry, ...more });
const pg = (code: string): Error => Object.assign(new Error(code), { code, severity: 'ERROR' });
const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const unclear = (saysDown: boolean, waitMs = 0) => ({ kind: 'unclear', saysDown, waitMs }) as const;

describe('classify: what a failure says by itself', () => {
  it.each([
    ['effect', error('never'), { kind: 'never' }],
    ['effect', error('later'), unclear(false)],
    ['effect', error('later', { retryAfterMs: 5_000 }), unclear(false, 5_000)],
    ['effect', error('later', { rateLimited: true }), { kind: 'limited', waitMs: 1_000 }],
    ['effect', error('pause', { rateLimited: true, retryAfterMs: 9 }), { kind: 'limited', waitMs: 9 }],
    ['effect', error('pause', { retryAfterMs: 7_000 }), unclear(true, 7_000)],
    ['state', error('later', { retryAfterMs: 0.5 }), unclear(false, 1)],
    ['effect', error('later', { retryAfterMs: NaN }), unclear(false)],
    ['effect', error('later', { retryAfterMs: '5' as never }), unclear(false)],
    ['effect', error('pause', { retryAfterMs: Infinity }), unclear(true, 86_400_000)],
    ['effect', error('later', { rateLimited: true, retryAfterMs: NaN }), { kind: 'limited', waitMs: 1_000 }],
    ['job', new Error('fetch failed'), unclear(false)],
    ['effect', refused(), unclear(false)],
    ['effect', new ThroughlineError('no answer', { code: 'X', retry: 'pause', cause: refused() }), unclear(true)],
    ['effect', ofConnection(refused()), { kind: 'ours', waitMs: 1_000 }],
    ['effect', callInProgress('s', 'c'), { kind: 'ours', waitMs: 250 }],
    ['effect', pg('53300'), { kind: 'ours', waitMs: 1_000 }],
    ['state', overtaken(pg('23505')), unclear(false)],
    ['state', pg('53200'), { kind: 'ours', waitMs: 1_000 }],
    ['state', pg('55P03'), { kind: 'ours', waitMs: 15_000 }],
    ['state', pg('57014'), unclear(false)],
    ['effect', pg('23505'), { kind: 'never' }],
    ['effect', pg('40P01'), unclear(false)],
    ['state', new TypeError('undefined is not a function'), { kind: 'never' }],
    ['state', pg('22P02'), { kind: 'never' }],
    ['state', pg('40P01'), unclear(false)],
    ['state', error('later'), unclear(false)],
    ['state', error('pause'), unclear(false)],
  ] as const)('%s, %s', (kind, thrown, expected) => {
    expect(classify(kind, thrown)).toEqual(expected);
  });
});

describe('decide: whose fault it was, by evidence', () => {
  const dead = { kind: 'dead' };
  const counted = (delayMs: number) => ({ kind: 'retry', delayMs, counted: true });
  const uncounted = (delayMs: number) => ({ kind: 'retry', delayMs, counted: false });
  it.each([
    [{ kind: 'never' }, 'up', 1, 0, dead],
    [{ kind: 'ours', waitMs: 250 }, 'up', 99, 0, uncounted(250)],
    [{ kind: 'limited', waitMs: 5_000 }, 'up', 99, 0, uncounted(5_000)],
    [unclear(false), 'up', 1, 0, counted(100)],
    [unclear(false), 'up', 2, 0, counted(200)],
    [unclear(false), 'up', 3, 0, dead],
    [unclear(false), 'up', 1, 60_000, dead],
    [unclear(false, 5_000), 'up', 1, 0, counted(5_000)],
    [unclear(true), 'up', 1, 0, counted(100)],
    [unclear(true), 'up', 3, 0, dead],
    [unclear(false), 'down', 99, 90_000, { kind: 'pause', retryAfterMs: 0 }],
    [unclear(true, 7_000), 'down', 99, 0, { kind: 'pause', retryAfterMs: 7_000 }],
    [unclear(true), 'recovered', 99, 90_000, uncounted(100)],
    [unclear(true), 'unknown', 99, 0, { kind: 'pause', retryAfterMs: 0 }],
    [unclear(false), 'unknown', 1, 0, counted(100)],
    [unclear(false), 'unknown', 3, 0, dead],
  ] as const)(
    '%j while its dependency is %s, attempt %i after %i ms',
    (failure, standing, attempts, failingMs, decision) => {
      expect(decide(failure, standing, { attempts, failingMs }, policy, 0)).toEqual(decision);
    },
  );
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
