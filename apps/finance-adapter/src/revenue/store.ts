import type { Queryable, Tx } from '@throughline/postgres';
import type { PlannedEntry } from './plan-straight-line.js';

/** A schedule as it stands in the subledger; amounts as decimals, days as `YYYY-MM-DD`, times as ISO 8601. */
export interface RevenueSchedule {
  scheduleId: string;
  orderId: string;
  invoiceId: string;
  opportunityId: string;
  occurrence: number;
  correlationId: string;
  currency: string;
  totalAmount: string;
  serviceStart: string;
  serviceEnd: string;
  entryCount: number;
  recordedAt: string;
  reversedAt: string | null;
}

export type EntryKind = 'recognition' | 'reversal';
export type LedgerEntry = PlannedEntry & { kind: EntryKind };

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
const COLUMNS = `schedule_id AS "scheduleId", order_id AS "orderId", invoice_id AS "invoiceId", opportunity_id AS "opportunityId",
  occurrence, correlation_id AS "correlationId", currency, total_amount AS "totalAmount", service_start::text AS "serviceStart",
  service_end::text AS "serviceEnd", entry_count AS "entryCount", to_char(recorded_at AT TIME ZONE 'UTC', ${ISO}) AS "recordedAt",
  to_char(reversed_at AT TIME ZONE 'UTC', ${ISO}) AS "reversedAt"`;

const insert = {
  name: 'revenue-schedule-insert',
  text: `INSERT INTO revenue_schedule (schedule_id, order_id, invoice_id, opportunity_id, occurrence, correlation_id, currency,
      total_amount, service_start, service_end, entry_count, recorded_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::uuid[], $7::text[], $8::numeric[],
      $9::date[], $10::date[], $11::int[], $12::timestamptz[])
    ON CONFLICT DO NOTHING RETURNING schedule_id AS "scheduleId"`,
};

/** @returns the ids that were new; the others meet a schedule that stands already, by schedule or by order. */
export async function insertSchedules(tx: Tx, schedules: RevenueSchedule[]): Promise<Set<string>> {
  const column = <K extends keyof RevenueSchedule>(name: K) => schedules.map((schedule) => schedule[name]);
  const rows = await tx.query<{ scheduleId: string }>(insert, [
    column('scheduleId'),
    column('orderId'),
    column('invoiceId'),
    column('opportunityId'),
    column('occurrence'),
    column('correlationId'),
    column('currency'),
    column('totalAmount'),
    column('serviceStart'),
    column('serviceEnd'),
    column('entryCount'),
    column('recordedAt'),
  ]);
  return new Set(rows.map((row) => row.scheduleId));
}

const insertEntryRows = {
  name: 'revenue-entry-insert',
  text: `INSERT INTO revenue_schedule_entry (schedule_id, kind, sequence, period_start, period_end, recognised_on, currency, amount)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::date[], $5::date[], $6::date[], $7::text[], $8::numeric[])`,
};

export async function insertEntries(
  tx: Tx,
  kind: EntryKind,
  schedules: { scheduleId: string; currency: string; entries: PlannedEntry[] }[],
): Promise<void> {
  const rows = schedules.flatMap(({ scheduleId, currency, entries }) =>
    entries.map((entry) => ({ ...entry, scheduleId, currency })),
  );
  if (rows.length === 0) return;
  await tx.query(insertEntryRows, [
    rows.map((row) => row.scheduleId),
    rows.map(() => kind),
    rows.map((row) => row.sequence),
    rows.map((row) => row.periodStart),
    rows.map((row) => row.periodEnd),
    rows.map((row) => row.recognisedOn),
    rows.map((row) => row.currency),
    rows.map((row) => row.amount),
  ]);
}

const findStanding = {
  name: 'revenue-schedule-find-standing',
  text: `SELECT ${COLUMNS} FROM revenue_schedule WHERE schedule_id = ANY($1::uuid[]) OR order_id = ANY($2::uuid[])`,
};

/** Schedules with one of these ids, or for one of these orders. */
export async function findSchedules(
  tx: Queryable,
  scheduleIds: string[],
  orderIds: string[],
): Promise<RevenueSchedule[]> {
  return tx.query(findStanding, [scheduleIds, orderIds]);
}

const markReversed = {
  name: 'revenue-schedule-reverse',
  text: `UPDATE revenue_schedule SET reversed_at = $2 WHERE schedule_id = ANY($1::uuid[]) AND reversed_at IS NULL
    RETURNING schedule_id AS "scheduleId"`,
};

/** @returns the ids this call reversed: each schedule is reversed once. */
export async function markSchedulesReversed(tx: Tx, scheduleIds: string[], reversedAt: string): Promise<Set<string>> {
  const rows = await tx.query<{ scheduleId: string }>(markReversed, [scheduleIds, reversedAt]);
  return new Set(rows.map((row) => row.scheduleId));
}

const findEntryRows = {
  name: 'revenue-entry-find',
  text: `SELECT schedule_id AS "scheduleId", kind, sequence, period_start::text AS "periodStart", period_end::text AS "periodEnd",
      recognised_on::text AS "recognisedOn", amount
    FROM revenue_schedule_entry WHERE schedule_id = ANY($1::uuid[]) ORDER BY schedule_id, kind, sequence`,
};

/** Entries per schedule, recognitions before reversals, in the order of time. */
export async function findEntries(tx: Queryable, scheduleIds: string[]): Promise<Map<string, LedgerEntry[]>> {
  const rows = await tx.query<LedgerEntry & { scheduleId: string }>(findEntryRows, [scheduleIds]);
  const found = new Map<string, LedgerEntry[]>();
  for (const { scheduleId, ...entry } of rows) {
    const entries = found.get(scheduleId);
    if (entries) entries.push(entry);
    else found.set(scheduleId, [entry]);
  }
  return found;
}

const list = {
  name: 'revenue-schedule-list',
  text: `SELECT ${COLUMNS} FROM revenue_schedule
    WHERE ($1::uuid IS NULL OR order_id = $1) AND ($2::uuid IS NULL OR opportunity_id = $2) AND ($3::uuid IS NULL OR schedule_id > $3)
    ORDER BY schedule_id LIMIT $4`,
};

export interface ScheduleFilter {
  orderId?: string | undefined;
  opportunityId?: string | undefined;
  /** Schedules after this id. */
  after?: string | undefined;
  limit: number;
}

export async function listSchedules(database: Queryable, filter: ScheduleFilter): Promise<RevenueSchedule[]> {
  return database.query(list, [
    filter.orderId ?? null,
    filter.opportunityId ?? null,
    filter.after ?? null,
    filter.limit,
  ]);
}

const recognised = {
  name: 'revenue-recognised',
  text: `SELECT currency, sum(amount)::numeric(19,4)::text AS amount FROM revenue_schedule_entry
    WHERE recognised_on >= $1::date AND recognised_on < $1::date + interval '1 month' GROUP BY currency ORDER BY currency`,
};

/** What was recognised in a calendar month, reversals taken off, per currency. */
export async function sumRecognised(
  database: Queryable,
  month: string,
): Promise<{ currency: string; amount: string }[]> {
  return database.query(recognised, [`${month}-01`]);
}
