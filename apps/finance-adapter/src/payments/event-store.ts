import type { Queryable, Tx } from '@throughline/postgres';

export type FoundBy = 'webhook' | 'sweep';

/** What became of an event: `queued` waits to be read again, `echo` is our own doing coming back, the others say it themselves. */
export type EventOutcome =
  | 'queued'
  | 'echo'
  | 'not-ours'
  | 'payment-received'
  | 'payment-known'
  | 'not-paid'
  | 'nothing-received'
  | 'invoice-gone'
  | 'invoice-voided'
  | 'credit-note-issued'
  | 'credit-note-known'
  | 'credit-note-gone'
  | 'credit-note-voided'
  | 'credit-note-stands';

const insert = {
  name: 'stripe-event-insert',
  text: `INSERT INTO stripe_event (event_id, type, object_id, created_at, found_by, outcome)
    SELECT event_id, type, object_id, to_timestamp(created), $5, outcome
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $6::text[]) AS e (event_id, type, object_id, created, outcome)
    ON CONFLICT DO NOTHING RETURNING event_id AS "eventId"`,
};

export interface NewEvent {
  eventId: string;
  type: string;
  objectId: string;
  /** Seconds since 1970. */
  created: number;
  outcome: EventOutcome;
}

/** @returns the ids of those that were not known. */
export async function insertEvents(tx: Tx, events: NewEvent[], foundBy: FoundBy): Promise<Set<string>> {
  const column = <K extends keyof NewEvent>(name: K) => events.map((event) => event[name]);
  const rows = await tx.query<{ eventId: string }>(insert, [
    column('eventId'),
    column('type'),
    column('objectId'),
    column('created'),
    foundBy,
    column('outcome'),
  ]);
  return new Set(rows.map((row) => row.eventId));
}

const conclude = { name: 'stripe-event-conclude', text: 'UPDATE stripe_event SET outcome = $2 WHERE event_id = $1' };

export async function concludeEvent(tx: Tx, eventId: string, outcome: EventOutcome): Promise<void> {
  await tx.query(conclude, [eventId, outcome]);
}

const claim = {
  name: 'sweep-claim',
  text: `UPDATE sweep SET holder = $2, leased_until = now() + $3 * interval '1 ms'
    WHERE name = $1 AND (leased_until < now() OR holder = $2)
    RETURNING extract(epoch FROM swept_until)::bigint::text AS "sweptUntil"`,
};

/** Takes the sweep for a while. @returns `undefined` while another instance has it; otherwise how far it came, in seconds. */
export async function claimSweep(
  database: Queryable,
  name: string,
  holder: string,
  leaseMs: number,
): Promise<{ sweptUntil: number | undefined } | undefined> {
  const [row] = await database.query<{ sweptUntil: string | null }>(claim, [name, holder, leaseMs]);
  return row && { sweptUntil: row.sweptUntil === null ? undefined : Number(row.sweptUntil) };
}

const finish = {
  name: 'sweep-finish',
  text: `UPDATE sweep SET swept_until = greatest(swept_until, to_timestamp($3)), finished_at = now() WHERE name = $1 AND holder = $2`,
};

/** Keeps how far the sweep came; an instance that lost its lease meanwhile keeps nothing. */
export async function finishSweep(
  database: Queryable,
  name: string,
  holder: string,
  sweptUntil: number,
): Promise<void> {
  await database.query(finish, [name, holder, sweptUntil]);
}
