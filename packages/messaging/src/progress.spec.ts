import { describe, expect, it } from '@jest/globals';
import { Progress } from './progress.js';

describe('Progress', () => {
  it('calls a loop stuck when it has something to do and makes no step, and only then', () => {
    let now = 0;
    const loop = new Progress('consumer', () => now);
    now = 100_000;
    expect(loop.stuckForMs(60_000)).toBeUndefined(); // nothing to do
    loop.step();
    now += 50_000;
    expect(loop.stuckForMs(60_000)).toBeUndefined();
    loop.step();
    now += 61_000;
    expect(loop.stuckForMs(60_000)).toBe(61_000);
    loop.idle();
    expect(loop.stuckForMs(60_000)).toBeUndefined();
  });
});
