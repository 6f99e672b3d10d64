import type { StripeClient } from '@throughline/connectors/stripe';
import type { Queryable } from '@throughline/postgres';
import { claimSweep, finishSweep } from './event-store.js';
import { receiveEvents, SWEPT_EVENT_TYPES, type Transactions } from './receive-event.js';

export interface SweepDependencies {
  stripe: Pick<StripeClient, 'eventsSince'>;
  database: Queryable;
  messaging: Transactions;
  /** This process, so that one instance sweeps at a time. */
  instanceId: string;
  now: () => Date;
  /** How far behind the cursor each sweep starts again: events may become visible late and out of order. */
  overlapMs: number;
  leaseMs: number;
}

const SWEEP = 'stripe-events';

/**
 * Asks Stripe for what its webhooks may have failed to bring. The cursor is the newest event seen, in Stripe's time, and moves
 * only after all before it are stored; what is seen twice is stored once.
 *
 * @returns how many events were new, or `undefined` while another instance sweeps
 */
export async function sweepEvents(dependencies: SweepDependencies): Promise<number | undefined> {
  const { stripe, database, messaging, instanceId, now, overlapMs, leaseMs } = dependencies;
  const claimed = await claimSweep(database, SWEEP, instanceId, leaseMs);
  if (!claimed) return undefined;
  let newest = claimed.sweptUntil ?? Math.floor(now().getTime() / 1000);
  const since = newest - Math.ceil(overlapMs / 1000);
  let found = 0;
  for await (const page of stripe.eventsSince(since, SWEPT_EVENT_TYPES)) {
    found += await receiveEvents(messaging, page, 'sweep');
    newest = Math.max(newest, ...page.map((event) => event.created));
  }
  await finishSweep(database, SWEEP, instanceId, newest);
  return found;
}
