import { describe, expect, it } from '@jest/globals';
import { compareSourceVersion, sourceVersion, type DealSnapshot, type HistoryEntry } from './deal-snapshot.js';
import { mergeHistory, occurrences } from './occurrences.js';

const won = ['closedwon', 'wonlive'];
const history = (...stages: string[]): HistoryEntry[] =>
  stages.map((value, day) => ({ value, timestamp: `2026-11-${String(day + 1).padStart(2, '0')}T00:00:00.000Z` }));

describe('occurrences', () => {
  it('counts each entry into a closed-won stage, and when it was left', () => {
    expect(occurrences(history('new', 'closedwon', 'new', 'closedwon'), won)).toEqual([
      {
        occurrence: 1,
        closedAt: '2026-11-02T00:00:00.000Z',
        stage: 'closedwon',
        reopened: { at: '2026-11-03T00:00:00.000Z', stage: 'new' },
      },
      { occurrence: 2, closedAt: '2026-11-04T00:00:00.000Z', stage: 'closedwon' },
    ]);
  });

  it('does not count a move between closed-won stages, nor the same stage set again', () => {
    expect(occurrences(history('closedwon', 'wonlive', 'wonlive'), won)).toHaveLength(1);
  });

  it('counts nothing for a deal that was never won', () => {
    expect(occurrences(history('new', 'closedlost'), won)).toEqual([]);
    expect(occurrences([], won)).toEqual([]);
  });

  it('keeps the order of two changes within one millisecond', () => {
    const timestamp = '2026-11-01T00:00:00.000Z';
    expect(
      occurrences(
        [
          { value: 'new', timestamp },
          { value: 'closedwon', timestamp },
        ],
        won,
      ),
    ).toHaveLength(1);
    expect(
      occurrences(
        [
          { value: 'closedwon', timestamp },
          { value: 'new', timestamp },
        ],
        won,
      )[0],
    ).toHaveProperty('reopened');
  });
});

describe('mergeHistory', () => {
  it('keeps the number of a closing whose beginning HubSpot has forgotten', () => {
    const all = history('new', 'closedwon', 'new', 'closedwon', 'new', 'closedwon');
    const merged = mergeHistory(all.slice(0, 4), all.slice(3));
    expect(merged).toEqual(all);
    expect(occurrences(merged, won)).toHaveLength(3);
  });

  it('knows an entry again however its time is written', () => {
    const [entry] = history('closedwon');
    expect(mergeHistory([entry!], [{ value: 'closedwon', timestamp: String(Date.parse(entry!.timestamp)) }])).toEqual([
      entry,
    ]);
  });
});

describe('compareSourceVersion', () => {
  const snapshot = (deal: string, line?: string): DealSnapshot => ({
    portalId: '1',
    deal: { id: '1', properties: { hs_lastmodifieddate: deal }, updatedAt: deal },
    stageHistory: [],
    ...(line && { sale: { lineItems: [{ id: '2', properties: {}, updatedAt: line }], company: null } }),
  });
  const compare = (a: DealSnapshot, b: DealSnapshot): number =>
    compareSourceVersion(sourceVersion(a), sourceVersion(b));

  it('orders by the deal, then by its newest part, and calls the rest equal', () => {
    const older = snapshot('2026-11-01T00:00:00Z', '2026-11-05T00:00:00Z');
    expect(compare(older, snapshot('2026-11-01T00:00:00.001Z'))).toBeLessThan(0);
    expect(compare(snapshot('2026-11-01T00:00:00.001Z'), older)).toBeGreaterThan(0);
    expect(compare(older, snapshot('2026-11-01T00:00:00.000Z', '2026-11-06T00:00:00Z'))).toBeLessThan(0);
    expect(compare(older, snapshot('2026-11-01T00:00:00.000Z'))).toBe(0);
    expect(compare(older, older)).toBe(0);
  });

  it('does not take a snapshot for older because its newest line was removed', () => {
    const before = snapshot('2026-11-01T00:00:00Z', '2026-11-05T00:00:00Z');
    before.sale!.lineItems.push({ id: '3', properties: {}, updatedAt: '2026-11-06T00:00:00Z' });
    expect(compare(snapshot('2026-11-01T00:00:00Z', '2026-11-05T00:00:00Z'), before)).toBe(0);
  });

  it('does not take a snapshot for older because another company, untouched for longer, came in its place', () => {
    const withCompany = (id: string, updatedAt: string): DealSnapshot => {
      const made = snapshot('2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z');
      return { ...made, sale: { ...made.sale!, company: { id, properties: {}, updatedAt } } };
    };
    const before = withCompany('7', '2026-11-06T00:00:00Z');
    expect(compare(withCompany('8', '2026-11-02T00:00:00Z'), before)).toBe(0);
    expect(compare(withCompany('7', '2026-11-02T00:00:00Z'), before)).toBeLessThan(0);
  });
});
