import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Evidence } from './evidence.js';

const evidence = (failed: [key: string, at: number][], answered: number[] = []): Evidence => {
  const made = new Evidence();
  const all = [
    ...failed.map(([key, at]) => ({ at, tell: () => made.failed(key, at) })),
    ...answered.map((at, i) => ({ at, tell: () => made.answered(`answered ${i}`, at) })),
  ];
  for (const { tell } of all.sort((a, b) => a.at - b.at)) tell();
  return made;
};
const keys = (n: number, at = 0): [string, number][] => Array.from({ length: n }, (_, i) => [`k${i}`, at]);

describe('Evidence: many different keys that fail while few are answered', () => {
  it('is an outage', () => expect(evidence(keys(5)).manyFail(1)).toBe(true));
  it('is none while they are few', () => expect(evidence(keys(4)).manyFail(1)).toBe(false));
  it('is none where one key fails often', () => {
    expect(evidence(Array.from({ length: 50 }, (_, i) => ['k', i])).manyFail(50)).toBe(false);
  });
  it('is none while as many are answered', () => expect(evidence(keys(9), Array(9).fill(0)).manyFail(1)).toBe(false));
  it('is one again once the answers are long ago', () => {
    expect(evidence(keys(9, 20_000), Array(9).fill(0)).manyFail(20_001)).toBe(true);
  });
  it('is none once the failures are long ago', () => expect(evidence(keys(9)).manyFail(10_001)).toBe(false));
  it('forgets the failure of a key that was answered since', () => {
    const made = evidence(keys(5));
    made.answered('k0', 1);
    expect(made.manyFail(2)).toBe(false);
  });

  it('is never seen by fewer keys, nor where most is answered, in any order of events', () => {
    const event = fc.record({
      key: fc.integer({ min: 0, max: 30 }),
      ok: fc.boolean(),
      wait: fc.integer({ min: 0, max: 900 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const made = new Evidence();
        const said: { key: number; ok: boolean; at: number }[] = [];
        let at = 0;
        for (const { key, ok, wait } of events) {
          at += wait;
          said.push({ key, ok, at });
          if (ok) made.answered(String(key), at);
          else made.failed(String(key), at);
          const since = at - 10_000;
          const recent = said.filter((it) => it.at >= since);
          const failing = new Set(recent.filter((it) => !it.ok).map((it) => it.key)).size;
          // The window of answers moves by halves: those of its last half count for certain.
          const certain = said.filter((it) => it.ok && it.at > at - 5_000).length;
          if (failing < 5 || certain >= failing) expect(made.manyFail(at)).toBe(false);
        }
      }),
    );
  });
});
