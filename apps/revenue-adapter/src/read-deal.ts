import { opportunityIdOf, readDealSnapshot, type DealReader } from '@throughline/connectors/hubspot';
import type { EffectContext, EffectResult, Job } from '@throughline/messaging';
import type { RevenueConfig } from './config.js';
import { decideDealEvents } from './decide-deal-events.js';
import { lockDeal, saveDeal, saveDealDeleted } from './deal-store.js';

/** Look at this deal again: something may have changed. */
export interface ReadDealJob {
  dealId: string;
  foundBy: 'webhook' | 'sweep';
  /** When HubSpot says it changed. */
  occurredAt: string;
}

/**
 * Reads the deal as it is now and emits what follows from it. The webhook that asked for it is a hint only: its content is never used.
 * A deleted deal emits nothing. Deleting a record in the CRM undoes no contract; a person reopens the deal to undo it.
 */
export function readDeal(hubspot: DealReader, config: RevenueConfig, clock: () => Date) {
  const {
    HUBSPOT_PORTAL_ID: portalId,
    HUBSPOT_CLOSED_WON_STAGES: closedWonStages,
    HUBSPOT_CLOSED_SINCE: closedSince,
  } = config;

  return async ({ payload: { dealId } }: Job<ReadDealJob>, { signal }: EffectContext): Promise<EffectResult> => {
    const snapshot = await readDealSnapshot(hubspot, dealId, { portalId, closedWonStages, signal });
    if (!snapshot) return { apply: (tx) => saveDealDeleted(tx, dealId, clock()) };
    return {
      async apply(tx) {
        const previous = await lockDeal(tx, dealId, opportunityIdOf(portalId, dealId));
        const { state, events } = decideDealEvents(previous, snapshot, {
          closedWonStages,
          closedSince,
          now: clock().toISOString(),
        });
        await saveDeal(tx, state);
        tx.emit(events);
      },
    };
  };
}
