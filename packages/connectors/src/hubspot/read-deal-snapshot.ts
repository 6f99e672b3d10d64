import { isDeepStrictEqual } from 'node:util';
import { ThroughlineError } from '@throughline/contracts';
import { isClosedWon, type DealSnapshot, type HistoryEntry, type HubspotObject } from './deal-snapshot.js';
import { hubspotErrors } from './errors.js';

/** A deal as one call returns it: its parts by id. */
export interface DealParts {
  deal: HubspotObject;
  stageHistory: HistoryEntry[];
  lineItemIds: string[];
  /** The primary company first. */
  companyIds: string[];
}

/** The reads a snapshot is made of. */
export interface DealReader {
  readDeal(dealId: string, signal?: AbortSignal): Promise<DealParts | undefined>;
  readLineItems(ids: readonly string[], signal?: AbortSignal): Promise<HubspotObject[]>;
  readCompany(id: string, signal?: AbortSignal): Promise<HubspotObject | undefined>;
}

export interface ReadDealOptions {
  portalId: string;
  closedWonStages: readonly string[];
  signal?: AbortSignal;
  /** How often to read at most until two reads in a row agree. Default 5. */
  maxReads?: number;
}

/**
 * The deal with its lines and its company as they stood together at one moment. HubSpot has no read across objects, so everything is
 * read until two reads in a row agree (double collect): had anything changed between them, it would have shown in the second. A deal
 * that is not closed-won is one object, and one read is enough.
 *
 * @returns undefined where the deal does not exist or was deleted.
 * @throws `HUBSPOT_SNAPSHOT_UNSTABLE` (`later`) where somebody keeps editing, and what the reads throw.
 */
export async function readDealSnapshot(
  reader: DealReader,
  dealId: string,
  options: ReadDealOptions,
): Promise<DealSnapshot | undefined> {
  const maxReads = options.maxReads ?? 5;
  let previous: DealSnapshot | undefined;
  for (let read = 1; read <= maxReads; read += 1) {
    const collected = await collect(reader, dealId, options);
    if (collected === 'deleted') return undefined;
    if (collected !== 'torn') {
      if (!collected.sale || isDeepStrictEqual(collected, previous)) return collected;
      previous = collected;
    } else {
      previous = undefined;
    }
  }
  throw new ThroughlineError(
    `Deal ${dealId} changed during each of ${maxReads} reads: it is read again once the editing pauses.`,
    {
      code: hubspotErrors.unstable,
      retry: 'later',
      dependency: 'hubspot',
    },
  );
}

async function collect(
  reader: DealReader,
  dealId: string,
  options: ReadDealOptions,
): Promise<DealSnapshot | 'deleted' | 'torn'> {
  const { portalId, closedWonStages, signal } = options;
  const parts = await reader.readDeal(dealId, signal);
  if (!parts) return 'deleted';
  const { deal, stageHistory } = parts;
  if (!isClosedWon(deal.properties['dealstage'], closedWonStages)) return { portalId, deal, stageHistory };

  const [companyId] = parts.companyIds;
  const [lineItems, company] = await Promise.all([
    parts.lineItemIds.length > 0 ? reader.readLineItems(parts.lineItemIds, signal) : [],
    companyId === undefined ? undefined : reader.readCompany(companyId, signal),
  ]);
  const isTorn = lineItems.length !== parts.lineItemIds.length || (companyId !== undefined && !company);
  if (isTorn) return 'torn';
  return { portalId, deal, stageHistory, sale: { lineItems: lineItems.sort(byId), company: company ?? null } };
}

/** HubSpot returns a batch in any order; the order of creation is what people see. */
function byId(a: HubspotObject, b: HubspotObject): number {
  return a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}
