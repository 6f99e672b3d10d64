import { isClosedWon, type FoundDeal } from '@throughline/connectors/hubspot';

/** Where a sweep starts: the overlap finds what HubSpot's search index showed late. */
export function sweepFrom(sweptUntil: string | null, firstFrom: string, overlapMs: number): string {
  return new Date(Date.parse(sweptUntil ?? firstFrom) - overlapMs).toISOString();
}

/**
 * The deals of a page that changed after we last read them. A deal we never read matters only once it is won: if it was won and left
 * again before the index showed it, nothing was started for it either.
 */
export function dealsToRead(
  found: readonly FoundDeal[],
  knownModifiedAt: ReadonlyMap<string, string>,
  closedWonStages: readonly string[],
): FoundDeal[] {
  return found.filter(({ id, stage, modifiedAt }) => {
    const known = knownModifiedAt.get(id);
    return known === undefined ? isClosedWon(stage, closedWonStages) : known < modifiedAt;
  });
}

/** How far a page brings the sweep: the newest change in it, by HubSpot's clock, not ours. */
export function sweptUntilAfter(page: readonly FoundDeal[]): string | undefined {
  return page
    .map(({ modifiedAt }) => modifiedAt)
    .sort()
    .at(-1);
}
