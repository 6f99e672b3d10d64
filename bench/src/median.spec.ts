import { describe, expect, it } from '@jest/globals';
import { median, quantile } from './median.js';

describe('medians and quantiles', () => {
  it('take a value that was measured, the lower of two middle ones', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2);
    expect(median([7])).toBe(7);
  });

  it('give the smallest value that the share does not exceed', () => {
    const ascending = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(quantile(ascending, 0.5)).toBe(50);
    expect(quantile(ascending, 0.99)).toBe(99);
    expect(quantile([5], 0.99)).toBe(5);
  });
});
