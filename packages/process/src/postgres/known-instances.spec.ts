import { describe, expect, it } from '@jest/globals';
import { initialState } from '../state.js';
import { KnownInstances, Trust, type KnownInstance } from './known-instances.js';

const noon = Date.parse('2026-11-26T12:00:00.000Z');
const after = (minutes: number): Date => new Date(noon + minutes * 60_000);

function instance(key: string, xmin = '1', writtenAt = after(0)): KnownInstance {
  const state = initialState({ key, occurrence: 1, correlationId: key });
  return { id: '1', process: 'sale', version: 1, key, occurrence: 1, state, xmin, writtenAt };
}

describe('KnownInstances', () => {
  it('forgets beyond its limit what was written longest ago', () => {
    const known = new KnownInstances(1_000);
    const kept = (): (string | undefined)[] => ['a', 'b', 'c', 'd'].map((key) => known.get(key, after(0))?.xmin);
    for (const key of ['a', 'b']) known.set(key, instance(key), 400);
    known.set('a', instance('a', '2'), 500);
    expect(kept()).toEqual(['2', '1', undefined, undefined]);
    known.set('c', instance('c'), 500);
    expect(kept()).toEqual(['2', undefined, '1', undefined]);
    known.delete('c');
    known.set('d', instance('d'), 500);
    expect(kept()).toEqual(['2', undefined, undefined, '1']);
    known.set('b', instance('b'), 1_001);
    expect(kept()).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('knows nothing for longer than ten minutes, whichever way the clock goes', () => {
    const known = new KnownInstances(2);
    known.set('a', instance('a'), 1);
    expect(known.get('a', after(9.9))).toBeDefined();
    expect(known.get('a', after(10))).toBeUndefined();
    expect(known.get('a', after(-10))).toBeUndefined();
  });
});

describe('Trust', () => {
  it('leaves out 1, 3, 7 and at most 255 guesses after each that was not proved, and none after one that was', () => {
    const trust = new Trust();
    const untilNext = (): number => {
      let left = 0;
      while (!trust.guess()) left++;
      return left;
    };
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(untilNext)).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 255, 255, 255]);
    trust.proved();
    expect([untilNext(), untilNext()]).toEqual([0, 1]);
  });
});
