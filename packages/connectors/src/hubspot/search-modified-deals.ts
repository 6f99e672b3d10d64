/** A deal as the search index knows it, which lags behind. */
export interface FoundDeal {
  id: string;
  stage: string | null;
  /** ISO 8601, milliseconds. */
  modifiedAt: string;
}

/** One query of the search API. */
export interface SearchPage {
  filters: { propertyName: string; operator: 'EQ' | 'GT' | 'GTE'; value: string }[];
  sortBy: string;
  limit: number;
}

/** The search a sweep needs. */
export interface DealSearch {
  searchDeals(page: SearchPage, signal?: AbortSignal): Promise<FoundDeal[]>;
}

/** Where a walk through the results stands. */
export type SearchPosition =
  /** Everything modified at `since` or later is still to come. */
  | { since: string }
  /** Of the deals modified exactly at `tie`, those after `afterId` are still to come; then everything later. */
  | { tie: string; afterId: string };

const MODIFIED = 'hs_lastmodifieddate';
const ID = 'hs_object_id';

/**
 * All deals modified at `since` or later, page by page, oldest first, each version once.
 *
 * It walks by the modification time itself and not by HubSpot's `after` offset: a deal that is modified during the walk moves to the end
 * of the results, everything behind it moves up by one, and an offset would step over a deal. It also has no end at 10 000 results.
 */
export async function* searchDealsModifiedSince(
  search: DealSearch,
  since: string,
  { signal, limit = 200 }: { signal?: AbortSignal; limit?: number } = {},
): AsyncGenerator<FoundDeal[]> {
  const seen = new Set<string>();
  let position: SearchPosition | undefined = { since };
  while (position) {
    const found = await search.searchDeals(toPage(position, limit), signal);
    yield found.filter(({ id, modifiedAt }) => !seen.has(`${id} ${modifiedAt}`));
    for (const { id, modifiedAt } of found) seen.add(`${id} ${modifiedAt}`);
    position = nextPosition(position, found, limit);
  }
}

/** The query that continues from a position. */
function toPage(position: SearchPosition, limit: number): SearchPage {
  if ('since' in position) {
    return {
      filters: [{ propertyName: MODIFIED, operator: 'GTE', value: epochMs(position.since) }],
      sortBy: MODIFIED,
      limit,
    };
  }
  const filters: SearchPage['filters'] = [
    { propertyName: MODIFIED, operator: 'EQ', value: epochMs(position.tie) },
    { propertyName: ID, operator: 'GT', value: position.afterId },
  ];
  return { filters, sortBy: ID, limit };
}

/** Where to go on after a page; undefined at the end. A page full of one instant (an import does that) is walked by id instead. */
function nextPosition(
  position: SearchPosition,
  found: readonly FoundDeal[],
  limit: number,
): SearchPosition | undefined {
  const last = found.at(-1);
  const isFull = last !== undefined && found.length >= limit;
  if ('tie' in position) return isFull ? { tie: position.tie, afterId: last.id } : { since: nextMs(position.tie) };
  if (!isFull) return undefined;
  return last.modifiedAt > position.since ? { since: last.modifiedAt } : { tie: position.since, afterId: '0' };
}

function epochMs(instant: string): string {
  return String(Date.parse(instant));
}

function nextMs(instant: string): string {
  return new Date(Date.parse(instant) + 1).toISOString();
}
