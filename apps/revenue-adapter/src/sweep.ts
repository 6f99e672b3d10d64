import { searchDealsModifiedSince, type DealSearch, type FoundDeal } from '@throughline/connectors/hubspot';
import type { Job, Messaging } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { Loop } from '@throughline/service';
import { counter, logger } from '@throughline/telemetry';
import type { RevenueConfig } from './config.js';
import { findModifiedAt } from './deal-store.js';
import { dealsToRead, sweepFrom, sweptUntilAfter } from './decide-sweep.js';
import type { ReadDealJob } from './read-deal.js';
import { ownTrace } from './store-webhook.js';
import { advanceSweep, claimRejectedDeals, claimSweep, finishSweep, purgeWebhookEvents } from './sweep-store.js';

const LEASE_MS = 60_000;
/** With the sweep's interval this bounds what rejected deals cost of HubSpot's rate limit: a read is about eight calls. */
const RECHECKS_PER_SWEEP = 10;
const KEEP_WEBHOOK_EVENTS_DAYS = 30;

const found = counter('throughline.revenue.sweep.found', {
  description: 'Deals a sweep asked to read: changed since we read them, and no webhook yet',
  unit: '{deal}',
});
const rechecked = counter('throughline.revenue.sweep.rechecked', {
  description: 'Rejected deals a sweep asked to read again, because not every correction shows in a search',
  unit: '{deal}',
});
const failed = counter('throughline.revenue.sweep.failed', {
  description: 'Sweeps that ended with an error',
  unit: '{sweep}',
});

export interface SweepOptions {
  hubspot: DealSearch;
  database: Database;
  messaging: Pick<Messaging, 'transaction'>;
  config: RevenueConfig;
  /** Tells this instance from others. */
  instanceId: string;
  clock: () => Date;
}

/** Finds the changes whose webhook never came, and the corrections that no webhook and no search tells. All instances try; the lease in the database lets one of them at a time. */
export class Sweep {
  private readonly log = logger('sweep');
  private readonly loop: Loop;

  constructor(private readonly options: SweepOptions) {
    this.loop = new Loop(options.config.HUBSPOT_SWEEP_INTERVAL_MS, (signal) => this.attempt(signal));
  }

  start(): void {
    this.loop.start();
  }

  /** Ends a sweep under way; another one repeats what it had not recorded. */
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** Sweeps once if it is due and no other instance is at it. Returns how many deals are to be read, or undefined where it was not our turn. */
  async run(signal?: AbortSignal): Promise<number | undefined> {
    const { database, instanceId, config, clock } = this.options;
    const claimed = await claimSweep(database, instanceId, {
      leaseMs: LEASE_MS,
      intervalMs: config.HUBSPOT_SWEEP_INTERVAL_MS,
    });
    if (!claimed) return undefined;
    try {
      const firstFrom = config.HUBSPOT_CLOSED_SINCE ?? clock().toISOString();
      // Without this a first sweep that finds nothing would leave the next one to begin at a later `now`.
      if (!claimed.sweptUntil) await advanceSweep(database, instanceId, firstFrom, LEASE_MS);
      const from = sweepFrom(claimed.sweptUntil, firstFrom, config.HUBSPOT_SWEEP_OVERLAP_MS);
      const count = (await this.walk(from, signal)) + (await this.recheck());
      await purgeWebhookEvents(database, KEEP_WEBHOOK_EVENTS_DAYS);
      return count;
    } finally {
      await finishSweep(database, instanceId);
    }
  }

  private async attempt(signal: AbortSignal): Promise<void> {
    try {
      const count = await this.run(signal);
      if (count) this.log.debug({ count }, `the sweep found ${count} deals to read`);
    } catch (error) {
      if (signal.aborted) return;
      failed.add(1);
      this.log.warn({ err: error }, `the sweep failed and is tried again: ${(error as Error).message}`);
    }
  }

  private async walk(from: string, signal: AbortSignal | undefined): Promise<number> {
    const { hubspot, database, messaging, config, instanceId } = this.options;
    let count = 0;
    for await (const page of searchDealsModifiedSince(hubspot, from, signal && { signal })) {
      const known = await findModifiedAt(
        database,
        page.map(({ id }) => id),
      );
      const toRead = dealsToRead(page, known, config.HUBSPOT_CLOSED_WON_STAGES);
      const sweptUntil = sweptUntilAfter(page);
      if (!sweptUntil) continue;
      const isHeld = await messaging.transaction(async (tx) => {
        tx.enqueue(toRead.map(toJob));
        return advanceSweep(tx, instanceId, sweptUntil, LEASE_MS);
      });
      count += toRead.length;
      if (!isHeld) break;
    }
    found.add(count);
    return count;
  }

  /**
   * Associating a company with a deal, or naming it, changes neither the deal's modification date nor sends a webhook of the deal: a
   * rejected deal is looked at again from time to time. It comes after the walk, so that HubSpot was there a moment ago.
   */
  private async recheck(): Promise<number> {
    const { messaging, config } = this.options;
    const limits = { intervalMs: config.HUBSPOT_RECHECK_INTERVAL_MS, limit: RECHECKS_PER_SWEEP };
    const count = await messaging.transaction(async (tx) => {
      const due = await claimRejectedDeals(tx, limits);
      tx.enqueue(due.map(({ dealId, claimedAt }) => readJob(dealId, claimedAt, `recheck:${dealId}:${claimedAt}`)));
      return due.length;
    });
    rechecked.add(count);
    return count;
  }
}

/** The same change is stored once, however many sweeps find it before it is read. */
function toJob({ id, modifiedAt }: FoundDeal): Job<ReadDealJob> {
  return readJob(id, modifiedAt, `sweep:${id}:${modifiedAt}`);
}

function readJob(dealId: string, occurredAt: string, id: string): Job<ReadDealJob> {
  return {
    type: 'ReadDeal',
    key: dealId,
    id,
    payload: { dealId, foundBy: 'sweep', occurredAt },
    traceparent: ownTrace('sweep deal', dealId),
  };
}
