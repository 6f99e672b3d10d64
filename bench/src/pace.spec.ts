import { describe, expect, it } from '@jest/globals';
import { atPace } from './pace.js';

describe('a steady pace', () => {
  it('begins each on its time, though those before have not ended', async () => {
    const gate = Promise.withResolvers<void>();
    const begun: { index: number; atMs: number }[] = [];
    const from = performance.now();
    const { behindMs } = await atPace(5, 200, (index) => {
      begun.push({ index, atMs: performance.now() - from });
      if (index === 4) gate.resolve();
      return gate.promise;
    });
    expect(begun.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    // Timers count whole milliseconds.
    for (const { index, atMs } of begun) expect(atMs).toBeGreaterThan(index * 5 - 2);
    expect(behindMs).toBeGreaterThanOrEqual(0);
  });

  it('fails with the first that fails', async () => {
    await expect(
      atPace(2, 1_000, (index) => (index ? Promise.reject(new Error('no')) : Promise.resolve())),
    ).rejects.toThrow('no');
  });
});
