import { describe, expect, it } from '@jest/globals';
import { decideRelease, stagesOf, type ReleaseProgress } from './decide-release.js';

const progress = (given: Partial<ReleaseProgress>): ReleaseProgress => ({
  total: 40,
  released: 0,
  waiting: 0,
  failed: 0,
  newcomers: 0,
  ...given,
});

/** The sizes to which a release grows while everything goes well. */
function steps(total: number): number[] {
  const sizes: number[] = [];
  for (let released = 0; ;) {
    const decision = decideRelease(progress({ total, released }));
    if (decision.kind === 'done') return sizes;
    if (decision.kind !== 'release') throw new Error(decision.kind);
    sizes.push((released = decision.upTo));
  }
}

describe('decideRelease', () => {
  it.each([
    [0, []],
    [1, [1]],
    [2, [1, 2]],
    [10, [1, 10]],
    [11, [1, 2, 11]],
    [40, [1, 4, 40]],
    [1_000, [1, 100, 300, 500, 700, 900, 1_000]],
  ])('releases of %i letters one, then a tenth, then the rest in slices', (total, expected) => {
    expect(steps(total)).toEqual(expected);
  });

  it('waits while anything it put back is not handled', () => {
    expect(decideRelease(progress({ released: 1, waiting: 1 }))).toEqual({ kind: 'wait' });
    expect(decideRelease(progress({ released: 40, waiting: 3 }))).toEqual({ kind: 'wait' });
  });

  it('stops as soon as one of its own dies again, or the defect strikes elsewhere, whatever still waits', () => {
    expect(decideRelease(progress({ released: 4, waiting: 2, failed: 1 }))).toMatchObject({
      kind: 'stop',
      why: '1 letter died again',
    });
    expect(decideRelease(progress({ released: 4, waiting: 2, newcomers: 2 }))).toMatchObject({ kind: 'stop' });
    expect(decideRelease(progress({ released: 40, failed: 1 }))).toMatchObject({ kind: 'stop' });
  });

  it('names the stages it goes through', () => {
    expect(stagesOf(40)).toEqual([1, 4, 40]);
    expect(stagesOf(3)).toEqual([1, 3]);
  });
});
