import type { Queryable } from '@throughline/postgres';

const NAME = 'hubspot-deals';

const claim = {
  name: 'sweep-claim',
  // The interval counts from the end of the last sweep by any instance, on the database's clock.
  text: `UPDATE sweep SET holder = $2, leased_until = now() + $3 * interval '1 ms'
    WHERE name = $1 AND leased_until < now() AND finished_at + $4 * interval '1 ms' <= now()
    RETURNING swept_until`,
};
const advance = {
  name: 'sweep-advance',
  text: `UPDATE sweep SET swept_until = greatest(swept_until, $3), leased_until = now() + $4 * interval '1 ms'
    WHERE name = $1 AND holder = $2 AND leased_until >= now() RETURNING 1 AS held`,
};
const finish = {
  name: 'sweep-finish',
  text: `UPDATE sweep SET holder = NULL, leased_until = '-infinity', finished_at = now() WHERE name = $1 AND holder = $2`,
};
const purge = {
  name: 'webhook-event-purge',
  text: `DELETE FROM webhook_event WHERE event_id IN (
    SELECT event_id FROM webhook_event WHERE received_at < now() - $1 * interval '1 day' ORDER BY received_at LIMIT 10000)`,
};

/** Makes this instance the one that sweeps, if a sweep is due and nobody is at it. `sweptUntil` is null before the first one. */
export async function claimSweep(
  db: Queryable,
  holder: string,
  limits: { leaseMs: number; intervalMs: number },
): Promise<{ sweptUntil: string | null } | undefined> {
  const [row] = await db.query<{ swept_until: Date | null }>(claim, [NAME, holder, limits.leaseMs, limits.intervalMs]);
  return row && { sweptUntil: row.swept_until?.toISOString() ?? null };
}

/** Records how far this sweep has come and extends its lease; false where the lease was lost, and the sweep with it. */
export async function advanceSweep(
  db: Queryable,
  holder: string,
  sweptUntil: string,
  leaseMs: number,
): Promise<boolean> {
  const rows = await db.query(advance, [NAME, holder, sweptUntil, leaseMs]);
  return rows.length > 0;
}

export async function finishSweep(db: Queryable, holder: string): Promise<void> {
  await db.query(finish, [NAME, holder]);
}

const claimRejected = {
  name: 'sweep-claim-rejected',
  // Skipping what a read has locked: that read is the look the deal was due for.
  text: `UPDATE deal SET rechecked_at = now() WHERE deal_id IN (
      SELECT deal_id FROM deal
      WHERE deleted_at IS NULL AND closings -> -1 ->> 'reopenedAt' IS NULL
        AND (closings -> -1 ->> 'status' = 'rejected' OR closings -> -1 -> 'amendmentRejection' IS NOT NULL)
        AND greatest(read_at, rechecked_at) <= now() - $1 * interval '1 ms'
      ORDER BY greatest(read_at, rechecked_at) LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING deal_id, rechecked_at`,
};

/**
 * Takes the deals that stand rejected, as a sale or as an amendment, and were not looked at for `intervalMs`, longest ago first. Each counts as looked at from now on,
 * whatever becomes of the look: a deal that cannot be read keeps no other from its turn.
 */
export async function claimRejectedDeals(
  tx: Queryable,
  { intervalMs, limit }: { intervalMs: number; limit: number },
): Promise<{ dealId: string; claimedAt: string }[]> {
  const rows = await tx.query<{ deal_id: string; rechecked_at: Date }>(claimRejected, [intervalMs, limit]);
  return rows.map((row) => ({ dealId: row.deal_id, claimedAt: row.rechecked_at.toISOString() }));
}

/** Forgets webhooks that HubSpot can no longer repeat: it retries for a day. */
export async function purgeWebhookEvents(db: Queryable, olderThanDays: number): Promise<void> {
  await db.query(purge, [olderThanDays]);
}
