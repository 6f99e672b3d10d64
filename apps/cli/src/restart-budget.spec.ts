import { describe, expect, it } from '@jest/globals';
import { RestartBudget } from './restart-budget.js';

describe('the restart budget', () => {
  it('waits longer each time and gives up after five restarts of one part within a minute', () => {
    const budget = new RestartBudget();
    expect([0, 1, 2, 3, 4, 5].map((second) => budget.next('kafka', second * 1_000))).toEqual([
      250,
      500,
      1_000,
      2_000,
      4_000,
      undefined,
    ]);
    expect(budget.next('sandbox', 5_000)).toBe(250);
  });

  it('forgets what is more than a minute ago', () => {
    const budget = new RestartBudget();
    for (let minute = 0; minute < 20; minute += 1) expect(budget.next('kafka', minute * 60_000)).toBe(250);
  });
});
