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
 * On failure: HubSpot away, or our credentials refused: all work waits and is probed, nothing is lost or dead-lettered. Rate limit: all
 * work waits for as long as HubSpot asks. A 500 while HubSpot is up: that deal waits and is tried again, others go on. A command HubSpot will
 * never accept becomes `OpportunityUpdateRejected`. A defect of ours is a dead letter: behind a command its deal's commands are held until a
 * person has decided; a job is a hint, and the next one of its deal goes on.
 */
export function routes(hubspot: HubspotClient, database: Database, config: RevenueConfig): Routes {
  // Some twenty-five minutes: a deal is not given up because HubSpot fails for a quarter of an hour.
  const dependency = `hubspot:${config.HUBSPOT_PORTAL_ID}`;
  const retry = { maxAttempts: 40, backoffMs: [200, 60_000] as [number, number] };
  return defineRoutes({
    group: 'revenue-adapter',
    dependencies: { [dependency]: { probe: (signal) => hubspot.ping(signal) } },
    jobs: {
      ReadDeal: job(
        readDeal(hubspot, database, config, () => new Date()),
        { dependency, timeoutMs: 60_000, retry },
      ),
      RepairWriteBack: job(repairWriteBack(hubspot, database), { dependency, retry }),
    },
    routes: {
      UpdateOpportunity: effect(updateOpportunity(hubspot, database, config), {
        dependency,
        retry,
      }),
    },
    emits: [
      'OpportunityClosedWon',
      'OpportunityAmended',
      'OpportunityAmendmentRejected',
      'OpportunityRejected',
      'OpportunityReopened',
      'OpportunityUpdated',
      'OpportunityUpdateRejected',
    ],
  });
}
