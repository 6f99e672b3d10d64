import type { DealHint } from '@throughline/connectors/hubspot';
import type { Job, MessagingTx } from '@throughline/messaging';
import { currentTraceparent, traceparentOf, startSpan } from '@throughline/telemetry';
import type { ReadDealJob } from './read-deal.js';

const insertHints = {
  name: 'webhook-event-insert',
  text: `INSERT INTO webhook_event (event_id, deal_id, subscription_type, occurred_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    ON CONFLICT (event_id) DO NOTHING RETURNING event_id`,
};

/** Stores each element once, and a job for each deal that one of the new elements is about. Returns how many were new. */
export async function storeWebhook(tx: MessagingTx, hints: readonly DealHint[]): Promise<number> {
  if (hints.length === 0) return 0;
  // Sorted: two deliveries of the same elements in another order must not deadlock.
  const sorted = [...hints].sort((a, b) => (a.id < b.id ? -1 : 1));
  const inserted = await tx.query<{ event_id: string }>(insertHints, [
    sorted.map(({ id }) => id),
    sorted.map(({ dealId }) => dealId ?? null),
    sorted.map(({ subscriptionType }) => subscriptionType),
    sorted.map(({ occurredAt }) => occurredAt),
  ]);
  const isNew = new Set(inserted.map(({ event_id }) => event_id));
  tx.enqueue(toJobs(sorted.filter(({ id }) => isNew.has(id))));
  return isNew.size;
}

/** One read serves all elements of a request that are about the same deal: the newest of them says how new it has to be. */
function toJobs(hints: DealHint[]): Job<ReadDealJob>[] {
  const byDeal = new Map<string, DealHint>();
  for (const hint of hints) {
    if (hint.dealId === undefined) continue;
    const newest = byDeal.get(hint.dealId);
    if (!newest || hint.occurredAt > newest.occurredAt) byDeal.set(hint.dealId, hint);
  }
  return [...byDeal].map(([dealId, { id, occurredAt }]) => ({
    type: 'ReadDeal',
    key: dealId,
    id: `webhook:${id}`,
    payload: { dealId, foundBy: 'webhook', occurredAt },
    traceparent: byDeal.size === 1 ? currentTraceparent() : ownTrace('webhook deal', dealId),
  }));
}

/** One deal is one trace: where a request or a sweep brings several, each gets a trace of its own, linked to where it came from. */
export function ownTrace(name: string, dealId: string): string | undefined {
  const span = startSpan(name, {
    parent: null,
    links: [currentTraceparent()],
    attributes: { 'throughline.deal.id': dealId },
  });
  span.end();
  return traceparentOf(span);
}
