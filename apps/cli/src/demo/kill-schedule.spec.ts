import { describe, expect, it } from '@jest/globals';
import { MIN_IN_FLIGHT, planKills } from './kill-schedule.js';

describe('planKills', () => {
  it('reproduces itself, and kills each target once in rising order within the run', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const kills = planKills(50, seed);
      expect(planKills(50, seed)).toEqual(kills);
      expect(new Set(kills.map(({ target }) => target)).size).toBe(6);
      const moments = kills.map(({ afterClosed }) => afterClosed);
      expect([...moments].sort((a, b) => a - b)).toEqual(moments);
      expect(moments[0]).toBeGreaterThanOrEqual(MIN_IN_FLIGHT);
      expect(moments.at(-1)).toBeLessThanOrEqual(50);
    }
  });

  it('refuses a run too small to mean anything', () => {
    expect(() => planKills(29, 1)).toThrow('needs at least 30 deals');
  });
});
