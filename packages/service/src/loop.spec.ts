import { describe, expect, it } from '@jest/globals';
import { Loop } from './loop.js';

describe('Loop', () => {
  it('runs its work one at a time, and none after it was stopped', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const third = Promise.withResolvers<void>();
    const loop = new Loop(1, async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      if (++runs === 3) third.resolve();
    });
    loop.start();
    await third.promise;
    await loop.stop();
    const before = runs;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect({ most, running, runs }).toEqual({ most: 1, running: 0, runs: before });
  });

  it('tells work that is under way to end, and waits until it has', async () => {
    const begun = Promise.withResolvers<void>();
    let ended = false;
    const loop = new Loop(1, async (signal) => {
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended = true;
    });
    loop.start();
    await begun.promise;
    await loop.stop();
    expect(ended).toBe(true);
  });
});
