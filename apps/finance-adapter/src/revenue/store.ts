import type { Queryable, Tx } from '@throughline/postgres';
import type { Ledger, LedgerAddition, LedgerEntry, RevenueSchedule, ScheduleChange } from './ledger.js';

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
const COLUMNS = `schedule_id AS "scheduleId", order_id AS "orderId", invoice_id AS "invoiceId", opportunity_id AS "opportunityId",
  occurrence, correlation_id AS "correlationId", currency, total_amount AS "totalAmount",
  CASE WHEN reversed_at IS NULL THEN total_amount - credited_amount ELSE 0.0000 END AS "remainingAmount",
  service_start::text AS "serviceStart", service_end::text AS "serviceEnd", recognised_from::text AS "recognisedFrom",
  plan_version AS "planVersion", entry_count AS "entryCount", to_char(recorded_at AT TIME ZONE 'UTC', ${ISO}) AS "recordedAt",
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
  text: `INSERT INTO revenue_schedule_entry (schedule_id, kind, sequence, period_start, period_end, recognised_on, currency, amount,
      plan_version, reason)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::date[], $5::date[], $6::date[], $7::text[], $8::numeric[],
      $9::int[], $10::text[])`,
};

export async function insertEntries(
  tx: Tx,
  schedules: { scheduleId: string; currency: string; entries: LedgerEntry[] }[],
): Promise<void> {
  const rows = schedules.flatMap(({ scheduleId, currency, entries }) =>
    entries.map((entry) => ({ ...entry, scheduleId, currency })),
  );
  if (rows.length === 0) return;
  await tx.query(insertEntryRows, [
    rows.map((row) => row.scheduleId),
    rows.map((row) => row.kind),
    rows.map((row) => row.sequence),
    rows.map((row) => row.periodStart),
    rows.map((row) => row.periodEnd),
    rows.map((row) => row.recognisedOn),
    rows.map((row) => row.currency),
    rows.map((row) => row.amount),
    rows.map((row) => row.planVersion),
    rows.map((row) => row.reason),
  ]);
}

const findStanding = {
  name: 'revenue-schedule-find-standing',
  text: `SELECT ${COLUMNS} FROM revenue_schedule
    WHERE schedule_id = ANY($1::uuid[]) OR (order_id = ANY($2::uuid[]) AND reversed_at IS NULL)`,
};

/** Schedules with one of these ids, and those that stand for one of these orders. */
export async function findSchedules(
  tx: Queryable,
  scheduleIds: string[],
  orderIds: string[],
): Promise<RevenueSchedule[]> {
  return tx.query(findStanding, [scheduleIds, orderIds]);
}

const markReversed = {
  name: 'revenue-schedule-reverse',
  text: `UPDATE revenue_schedule SET reversed_at = $2, plan_version = plan_version + 1 WHERE schedule_id = ANY($1::uuid[]) AND reversed_at IS NULL
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
      recognised_on::text AS "recognisedOn", amount, plan_version AS "planVersion", reason
    FROM revenue_schedule_entry WHERE schedule_id = ANY($1::uuid[])
    ORDER BY schedule_id, plan_version, kind = 'reversal' DESC, sequence`,
};

/** Entries per schedule, version by version, what a version takes back before what it plans. */
export async function findEntries(tx: Queryable, scheduleIds: string[]): Promise<Map<string, LedgerEntry[]>> {
  return bySchedule(await tx.query<LedgerEntry & { scheduleId: string }>(findEntryRows, [scheduleIds]));
}

const findChangeRows = {
  name: 'revenue-change-find',
  text: `SELECT schedule_id AS "scheduleId", kind, change_id AS "changeId", effective_on::text AS "effectiveOn", amount,
      remaining_amount AS "remainingAmount", plan_version AS "planVersion",
      to_char(recorded_at AT TIME ZONE 'UTC', ${ISO}) AS "recordedAt"
    FROM revenue_schedule_change WHERE schedule_id = ANY($1::uuid[]) ORDER BY schedule_id, recorded_at, plan_version, change_id`,
};

/** Shipments and credit notes per schedule, as they were recorded. */
export async function findChanges(tx: Queryable, scheduleIds: string[]): Promise<Map<string, ScheduleChange[]>> {
  return bySchedule(await tx.query<ScheduleChange & { scheduleId: string }>(findChangeRows, [scheduleIds]));
}

function bySchedule<Row>(rows: (Row & { scheduleId: string })[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const { scheduleId, ...rest } of rows) {
    const row = rest as unknown as Row;
    const one = found.get(scheduleId);
    if (one) one.push(row);
    else found.set(scheduleId, [row]);
  }
  return found;
}

const lockRows = {
  name: 'revenue-schedule-lock',
  text: `SELECT ${COLUMNS} FROM revenue_schedule WHERE schedule_id = ANY($1::uuid[]) ORDER BY schedule_id FOR UPDATE`,
};

/** Schedules with all that was booked for them; one writer at a time. */
export async function lockLedgers(tx: Tx, scheduleIds: string[]): Promise<Map<string, Ledger>> {
  const schedules = await tx.query<RevenueSchedule>(lockRows, [scheduleIds]);
  const [entries, changes] = [await findEntries(tx, scheduleIds), await findChanges(tx, scheduleIds)];
  return new Map(
    schedules.map((schedule) => {
      const { scheduleId } = schedule;
      const booked = { entries: entries.get(scheduleId) ?? [], changes: changes.get(scheduleId) ?? [] };
      return [scheduleId, { schedule, ...booked }];
    }),
  );
}

const insertChangeRows = {
  name: 'revenue-change-insert',
  text: `INSERT INTO revenue_schedule_change (schedule_id, kind, change_id, effective_on, amount, remaining_amount, plan_version, recorded_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::date[], $5::numeric[], $6::numeric[], $7::int[], $8::timestamptz[])`,
};
const moveHeads = {
  name: 'revenue-schedule-move-heads',
  text: `UPDATE revenue_schedule s SET plan_version = head.plan_version, credited_amount = s.total_amount - head.remaining,
      recognised_from = head.recognised_from
    FROM unnest($1::uuid[], $2::int[], $3::numeric[], $4::date[]) AS head (schedule_id, plan_version, remaining, recognised_from)
    WHERE s.schedule_id = head.schedule_id`,
};

/** Writes what changes added to locked ledgers, in the order in which they came. */
export async function writeAdditions(tx: Tx, additions: LedgerAddition[]): Promise<void> {
  if (additions.length === 0) return;
  await insertEntries(
    tx,
    additions.map(({ schedule, entries }) => ({ ...schedule, entries })),
  );
  const rows = additions.map(({ schedule, change }) => ({ ...change, scheduleId: schedule.scheduleId }));
  await tx.query(insertChangeRows, [
    rows.map((row) => row.scheduleId),
    rows.map((row) => row.kind),
    rows.map((row) => row.changeId),
    rows.map((row) => row.effectiveOn),
    rows.map((row) => row.amount),
    rows.map((row) => row.remainingAmount),
    rows.map((row) => row.planVersion),
    rows.map((row) => row.recordedAt),
  ]);
  const heads = [...new Map(additions.map(({ schedule }) => [schedule.scheduleId, schedule])).values()];
  await tx.query(moveHeads, [
    heads.map((head) => head.scheduleId),
    heads.map((head) => head.planVersion),
    heads.map((head) => head.remainingAmount),
    heads.map((head) => head.recognisedFrom),
  ]);
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
