import { describe, expect, it } from '@jest/globals';
import { judge } from './verdict.js';

describe('the verdict on a figure', () => {
  it('is met on the limit itself where the limit is "at most" or "at least"', () => {
    expect(judge('cpuSecondsPer1000', 2.7)).toEqual({
      figure: 'cpuSecondsPer1000',
      value: 2.7,
      limit: '<= 2.7, aim 1.9',
      met: true,
    });
    expect(judge('bareRatio', 0.75).met).toBe(true);
    expect(judge('bareRatio', 0.749).met).toBe(false);
  });

  it('is not met on the limit itself where the limit is "below"', () => {
    expect(judge('commitsPerMessage', 0.5).met).toBe(false);
    expect(judge('commitsPerMessage', 0.499).met).toBe(true);
  });

  it('is not met by what could not be measured', () => {
    expect(judge('p99Ms', NaN).met).toBe(false);
    expect(judge('bareRatio', NaN).met).toBe(false);
  });
});
