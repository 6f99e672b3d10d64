import { opportunityIdOf, readDealSnapshot, type DealReader } from '@throughline/connectors/hubspot';
import type { EffectContext, EffectResult, Job } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { currentTraceparent } from '@throughline/telemetry';
import type { RevenueConfig } from './config.js';
import { decideDealEvents } from './decide-deal-events.js';
import { findModifiedAt, lockDeal, saveDeal, saveDealDeleted } from './deal-store.js';
import { askForRepair } from './repair-write-back.js';

/** Look at this deal again: something may have changed. */
export interface ReadDealJob {
  dealId: string;
  foundBy: 'webhook' | 'sweep';
  /** When HubSpot says it changed; when it was asked for, where a rejected deal is looked at again. */
  occurredAt: string;
}

/**
 * Reads the deal as it is now and emits what follows from it. The webhook that asked for it is a hint only: its content is never used,
 * and where the deal has been read in a later state already it asks for nothing new.
 * A deleted deal emits nothing. Deleting a record in the CRM undoes no contract; a person reopens the deal to undo it.
 */
export function readDeal(hubspot: DealReader, database: Database, config: RevenueConfig, clock: () => Date) {
  const { HUBSPOT_PORTAL_ID: portalId, HUBSPOT_CLOSED_WON_STAGES: closedWonStages } = config;

  return async ({ id, payload }: Job<ReadDealJob>, { signal }: EffectContext): Promise<EffectResult | void> => {
    const { dealId, occurredAt } = payload;
    const known = (await findModifiedAt(database, [dealId])).get(dealId);
    // Not at the same millisecond: of two changes within it only one may have been read.
    if (known && known > occurredAt) return;

    const snapshot = await readDealSnapshot(hubspot, dealId, { portalId, closedWonStages, signal });
    if (!snapshot) return { apply: (tx) => saveDealDeleted(tx, dealId, clock()) };
    // The transaction runs in a trace of its own; the events belong to the deal's.
    const traceparent = currentTraceparent();
    return {
      async apply(tx) {
        const opportunityId = opportunityIdOf(portalId, dealId);
        const previous = await lockDeal(tx, dealId, opportunityId);
        const { state, events } = decideDealEvents(previous, snapshot, {
          closedWonStages,
          closedSince: config.HUBSPOT_CLOSED_SINCE,
          now: clock().toISOString(),
        });
        await saveDeal(tx, state);
        tx.emit(events.map((event) => ({ ...event, traceparent })));
        // What was never read before bears nothing of ours, and an older snapshot says nothing of the deal as it is.
        if (previous && state !== previous) await askForRepair(tx, snapshot.deal, { opportunityId, readId: id });
      },
    };
  };
}
