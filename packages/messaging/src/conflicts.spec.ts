import { describe, expect, it } from '@jest/globals';
import { Conflicts } from './conflicts.js';

const failed = (code: string): Error => Object.assign(new Error(code), { code, severity: 'ERROR' });

/** How often it is tried when each try takes so long, in milliseconds. */
function tries(code: string, { alone, each }: { alone: boolean; each: number }, conflicts = new Conflicts()): number {
  let now = 1_000_000;
  for (let n = 1; n < 1_000; n++) {
    now += each;
    const wait = conflicts.next(failed(code), alone, now, 0);
    if (wait === undefined) return n;
    now += wait;
  }
  throw new Error('It never ends.');
}

describe('conflicts: what lost against another transaction is tried again', () => {
  it.each(['40001', '40P01', '26000'])('%s: five times at least, however long each took', (code) => {
    expect(tries(code, { alone: true, each: 10_000 })).toBe(5);
    expect(tries(code, { alone: false, each: 10_000 })).toBe(5);
  });

  it('alone, for two seconds at least', () => {
    expect(tries('40P01', { alone: true, each: 1 })).toBeGreaterThan(8);
    expect(tries('40P01', { alone: false, each: 1 })).toBe(5);
  });

  it('after an outage it is counted anew', () => {
    const conflicts = new Conflicts();
    for (let n = 0; n < 4; n++) conflicts.next(failed('40P01'), false, 0, 0);
    conflicts.forget();
    expect(tries('40P01', { alone: false, each: 1 }, conflicts)).toBe(5);
  });

  it('what is too much at once is tried again alone, a lock that somebody keeps not at all', () => {
    expect(tries('57014', { alone: true, each: 30_000 })).toBe(2);
    expect(tries('57014', { alone: false, each: 30_000 })).toBe(1);
    expect(tries('53200', { alone: false, each: 1 })).toBe(1);
    expect(tries('55P03', { alone: true, each: 2_000 })).toBe(1);
  });
});
