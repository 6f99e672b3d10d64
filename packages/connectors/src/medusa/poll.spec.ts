import { describe, expect, it } from '@jest/globals';
import { compareSourceVersion, pollChanges, type Changed, type PageRequest } from './poll.js';

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 10, 0, second)).toISOString();
const rows = (...seconds: number[]): Changed[] =>
  seconds.map((second, index) => ({ id: `order_${String(index).padStart(3, '0')}`, updatedAt: at(second) }));

/** Medusa's list in miniature, over rows that may change between pages. */
function medusa(table: Changed[], beforePage: (page: number) => void = () => {}) {
  const requests: PageRequest[] = [];
  const list = async (request: PageRequest): Promise<Changed[]> => {
    beforePage(requests.push(request));
    return table
      .filter((row) => row.updatedAt >= request.updatedSince)
      .sort((a, b) => a.updatedAt.localeCompare(b.updatedAt) || a.id.localeCompare(b.id))
      .slice(request.offset, request.offset + request.limit)
      .map((row) => ({ ...row }));
  };
  return { list, requests };
}

async function collect(pages: AsyncGenerator<Changed[]>): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of pages) ids.push(...page.map((row) => row.id));
  return ids;
}

describe('polling changes', () => {
  it('reads from the cursor less the overlap', async () => {
    const { list, requests } = medusa(rows(1, 20, 40));
    const ids = await collect(pollChanges(list, { cursor: at(30), overlapMs: 15_000 }));
    expect(ids).toEqual(['order_001', 'order_002']);
    expect(requests[0]!.updatedSince).toBe(at(15));
  });

  it('reads each change once over many pages', async () => {
    const table = rows(...Array.from({ length: 25 }, (_, second) => second));
    const { list } = medusa(table);
    expect(await collect(pollChanges(list, { cursor: at(0), overlapMs: 0, limit: 4 }))).toEqual(table.map((r) => r.id));
  });

  it('passes over more ties than a page holds', async () => {
    const table = rows(1, ...Array<number>(11).fill(5), 9);
    const { list } = medusa(table);
    const ids = await collect(pollChanges(list, { cursor: at(0), overlapMs: 0, limit: 3 }));
    expect(ids.sort()).toEqual(table.map((row) => row.id));
  });

  it('loses no neighbour when a row changes between pages and moves to the end', async () => {
    const table = rows(...Array.from({ length: 12 }, (_, second) => second));
    const { list } = medusa(table, (page) => {
      if (page === 2) table[1]!.updatedAt = at(50);
    });
    const ids = await collect(pollChanges(list, { cursor: at(0), overlapMs: 0, limit: 3 }));
    expect(new Set(ids)).toEqual(new Set(table.map((row) => row.id)));
    expect(ids.at(-1)).toBe('order_001');
  });

  it('loses no tie when one of them changes between pages', async () => {
    const table = rows(...Array<number>(9).fill(5));
    const { list } = medusa(table, (page) => {
      if (page === 3) table[0]!.updatedAt = at(50);
    });
    const ids = await collect(pollChanges(list, { cursor: at(0), overlapMs: 0, limit: 3 }));
    expect(new Set(ids)).toEqual(new Set(table.map((row) => row.id)));
  });
});

describe('source versions', () => {
  it('orders by version, then by time, however the versions are spelt', () => {
    expect(compareSourceVersion(`9@${at(50)}`, `10@${at(1)}`)).toBeLessThan(0);
    expect(compareSourceVersion(`2@${at(2)}`, `2@${at(1)}`)).toBeGreaterThan(0);
    expect(compareSourceVersion(`2@${at(2)}`, `2@${at(2)}`)).toBe(0);
  });
});
