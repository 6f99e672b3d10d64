import type { HubspotClient } from '@throughline/connectors/hubspot';
import { defineRoutes, effect, job, type Routes } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import type { RevenueConfig } from './config.js';
import { readDeal } from './read-deal.js';
import { repairWriteBack } from './repair-write-back.js';
import { updateOpportunity } from './update-opportunity.js';

/**
 * What this service does.
 *
 * In:  POST /webhooks/hubspot and the sweep store a `ReadDeal` per deal that may have changed.
 * Out: the deal's events, and the result of each write-back. A deal that is read with other numbers than were written last is repaired.
 *
 * On failure: HubSpot away (502 to 504 too), or our credentials refused: all work pauses and is probed, nothing is lost or
 * dead-lettered. Rate limit or 500: that deal waits and is tried again, others go on. A command HubSpot will never accept becomes `OpportunityUpdateRejected`.
 */
export function routes(hubspot: HubspotClient, database: Database, config: RevenueConfig): Routes {
  // Some twenty-five minutes: a deal is not given up because HubSpot fails for a quarter of an hour.
  const retry = { maxAttempts: 40, backoffMs: [200, 60_000] as [number, number] };
  return defineRoutes({
    group: 'revenue-adapter',
    jobs: {
      ReadDeal: job(
        readDeal(hubspot, database, config, () => new Date()),
        { dependency: 'hubspot', timeoutMs: 60_000, retry },
      ),
      RepairWriteBack: job(repairWriteBack(hubspot, database), { dependency: 'hubspot', retry }),
    },
    routes: {
      UpdateOpportunity: effect(updateOpportunity(hubspot, database, config), {
        dependency: 'hubspot',
        retry,
      }),
    },
    emits: [
      'OpportunityClosedWon',
      'OpportunityRejected',
      'OpportunityReopened',
      'OpportunityUpdated',
      'OpportunityUpdateRejected',
    ],
  });
}
