import { describe, expect, it } from '@jest/globals';
import { searchDealsModifiedSince, type DealSearch, type FoundDeal, type SearchPage } from './search-modified-deals.js';

/** HubSpot's search over a list, with something happening before each query. */
class Index implements DealSearch {
  queries = 0;
  constructor(
    readonly deals: FoundDeal[],
    private readonly beforeQuery: (index: Index) => void = () => {},
  ) {}

  async searchDeals({ filters, sortBy, limit }: SearchPage): Promise<FoundDeal[]> {
    this.queries += 1;
    if (this.queries > 1_000) throw new Error('the walk does not end');
    this.beforeQuery(this);
    const value = (deal: FoundDeal, property: string): number =>
      property === 'hs_object_id' ? Number(deal.id) : Date.parse(deal.modifiedAt);
    return this.deals
      .filter((deal) =>
        filters.every(({ propertyName, operator, value: bound }) => {
          const actual = value(deal, propertyName);
          return operator === 'EQ'
            ? actual === Number(bound)
            : operator === 'GT'
              ? actual > Number(bound)
              : actual >= Number(bound);
        }),
      )
      .sort((a, b) => value(a, sortBy) - value(b, sortBy))
      .slice(0, limit);
  }
}

const at = (ms: number): string => new Date(Date.parse('2026-11-22T10:00:00Z') + ms).toISOString();
const deal = (id: number, ms: number): FoundDeal => ({ id: String(id), stage: 'closedwon', modifiedAt: at(ms) });

async function walk(index: Index, since: string, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of searchDealsModifiedSince(index, since, { limit })) ids.push(...page.map(({ id }) => id));
  return ids;
}

describe('searchDealsModifiedSince', () => {
  it('finds each deal once, oldest first, from the bound inclusive', async () => {
    const index = new Index([deal(1, -1), deal(2, 0), deal(3, 10), deal(4, 20), deal(5, 30)]);
    expect(await walk(index, at(0), 2)).toEqual(['2', '3', '4', '5']);
  });

  it.each([1, 2, 3, 4, 7, 50])('passes ties at every page boundary (pages of %i)', async (limit) => {
    const deals = [
      deal(10, 0),
      ...[23, 21, 22, 25, 24].map((id) => deal(id, 5)),
      deal(30, 6),
      deal(31, 6),
      deal(40, 9),
    ];
    const found = await walk(new Index(deals), at(0), limit);
    expect([...found].sort()).toEqual(deals.map(({ id }) => id).sort());
  });

  it('steps over no deal when others are modified during the walk', async () => {
    const index = new Index(
      Array.from({ length: 30 }, (_, n) => deal(n + 1, n)),
      ({ deals, queries }) => {
        const edited = deals.find(({ id }) => id === String(queries));
        if (edited && queries < 10) edited.modifiedAt = at(1_000 + queries);
      },
    );
    const found = new Set(await walk(index, at(0), 5));
    expect(found.size).toBe(30);
  });

  it('ends at once on an empty index', async () => {
    const index = new Index([]);
    expect(await walk(index, at(0), 5)).toEqual([]);
    expect(index.queries).toBe(1);
  });
});
