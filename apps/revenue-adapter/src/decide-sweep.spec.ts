import { describe, expect, it } from '@jest/globals';
import { dealsToRead, sweepFrom, sweptUntilAfter } from './decide-sweep.js';

const at = (second: number): string => new Date(Date.parse('2026-11-22T10:00:00Z') + second * 1_000).toISOString();
const deal = (id: string, second: number, stage = 'closedwon') => ({ id, stage, modifiedAt: at(second) });

describe('a sweep', () => {
  it('starts behind where the last one ended, for changes that the index showed late', () => {
    expect(sweepFrom(at(100), at(0), 60_000)).toBe(at(40));
    expect(sweepFrom(null, at(0), 60_000)).toBe(at(-60));
  });

  it('reads what changed after we read it, and what we never read once it is won', () => {
    const found = [
      deal('unknown', 5),
      deal('unknown-open', 5, 'new'),
      deal('same', 5),
      deal('newer', 5),
      deal('reopened', 5, 'new'),
      deal('older', 5),
    ];
    const known = new Map([
      ['same', at(5)],
      ['newer', at(4)],
      ['reopened', at(4)],
      ['older', at(6)],
    ]);
    expect(dealsToRead(found, known, ['closedwon']).map(({ id }) => id)).toEqual(['unknown', 'newer', 'reopened']);
  });

  it('comes as far as the newest change of a page, whatever its order', () => {
    expect(sweptUntilAfter([deal('a', 3), deal('b', 9), deal('c', 5)])).toBe(at(9));
    expect(sweptUntilAfter([])).toBeUndefined();
  });
});
