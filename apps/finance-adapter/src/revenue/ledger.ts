import { subtractMoney, sumMoney, type ExternalId } from '@throughline/contracts';
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
  /** As it was recorded. */
  totalAmount: string;
  /** The total less what credit notes took off it; `0.0000` once reversed. The entries of all versions sum to it. */
  remainingAmount: string;
  serviceStart: string;
  serviceEnd: string;
  /** First day of recognition, settled by the first shipment; null before one. */
  recognisedFrom: string | null;
  /** Of the plan that stands; 1 is the plan as it was recorded. */
  planVersion: number;
  /** Of the plan as it was recorded. */
  entryCount: number;
  recordedAt: string;
  reversedAt: string | null;
}

/**
 * A recognition is planned revenue, never negative. An adjustment takes back what was recognised already, on the day of a credit note.
 * A reversal is equal and opposite to an entry of an earlier version, and bears that entry's sequence.
 */
export type EntryKind = 'recognition' | 'adjustment' | 'reversal';
export type ChangeKind = 'shipment' | 'credit-note';
export type LedgerEntry = PlannedEntry & {
  kind: EntryKind;
  /** The version of the plan that wrote it. */
  planVersion: number;
  reason: ChangeKind | 'recorded' | 'reversed';
};

/** A shipment or credit note that reached the schedule, whether it changed the plan or not. */
export interface ScheduleChange {
  kind: ChangeKind;
  /** Of the fulfilment or the credit note: what makes it count once. */
  changeId: string;
  effectiveOn: string;
  /** What a credit note took off; null for a shipment. */
  amount: string | null;
  /** What the schedule came to afterwards. */
  remainingAmount: string;
  /** The version that stood afterwards. */
  planVersion: number;
  recordedAt: string;
}

/** A schedule with all that was ever booked for it. */
export interface Ledger {
  schedule: RevenueSchedule;
  entries: LedgerEntry[];
  changes: ScheduleChange[];
}

/** What one change adds to a ledger: nothing that stands is edited, the head of the schedule moves on. */
export interface LedgerAddition {
  schedule: RevenueSchedule;
  entries: LedgerEntry[];
  change: ScheduleChange;
}

/** The plan in force: every entry that no reversal takes back, in the order of time. Sums to the remaining amount. */
export function standingEntries(entries: LedgerEntry[]): LedgerEntry[] {
  const reversed = new Set(entries.flatMap(({ kind, sequence }) => (kind === 'reversal' ? [sequence] : [])));
  return entries
    .filter(({ kind, sequence }) => kind !== 'reversal' && !reversed.has(sequence))
    .toSorted((a, b) => compareDays(a.recognisedOn, b.recognisedOn) || a.sequence - b.sequence);
}

/**
 * Entries that take others back: equal and opposite, one for one. What counts for a day that is over is taken back on the day of the
 * change, because the books of past days stay as they were reported; what lies ahead is taken back on its own day.
 *
 * @param changedOn day of the change, `YYYY-MM-DD`
 */
export function reversalsOf(
  entries: LedgerEntry[],
  changedOn: string,
  { planVersion, reason }: Pick<LedgerEntry, 'planVersion' | 'reason'>,
): LedgerEntry[] {
  return entries.map((entry) => ({
    ...entry,
    kind: 'reversal',
    planVersion,
    reason,
    recognisedOn: entry.recognisedOn < changedOn ? changedOn : entry.recognisedOn,
    amount: subtractMoney('0', entry.amount),
  }));
}

/** The next version of a plan: `replaced` is reversed, `planned` is added. Without either, the version that stands is kept. */
export function nextVersion(
  { schedule, entries }: Ledger,
  change: Pick<ScheduleChange, 'kind' | 'changeId' | 'effectiveOn' | 'amount' | 'recordedAt'>,
  plan: {
    changedOn: string;
    replaced: LedgerEntry[];
    planned: Omit<LedgerEntry, 'sequence' | 'planVersion' | 'reason'>[];
  },
): LedgerAddition {
  const isChanged = plan.replaced.length > 0 || plan.planned.length > 0;
  const by = { planVersion: schedule.planVersion + (isChanged ? 1 : 0), reason: change.kind };
  const last = Math.max(0, ...entries.map(({ sequence }) => sequence));
  const added: LedgerEntry[] = [
    ...reversalsOf(plan.replaced, plan.changedOn, by),
    ...plan.planned.map((entry, index) => ({ ...entry, ...by, sequence: last + index + 1 })),
  ];
  const remainingAmount = sumMoney([...entries, ...added].map(({ amount }) => amount));
  return {
    schedule: { ...schedule, planVersion: by.planVersion, remainingAmount },
    entries: added,
    change: { ...change, remainingAmount, planVersion: by.planVersion },
  };
}

/** The change of this id, if it is on record: whoever sends it again is told what it came to. */
export function findChange({ changes }: Ledger, kind: ChangeKind, changeId: string): ScheduleChange | undefined {
  return changes.find((change) => change.kind === kind && change.changeId === changeId);
}

/** How events name a schedule of this subledger. */
export function externalIdsOf(scheduleId: string): ExternalId[] {
  return [{ system: 'throughline', tenant: 'finance-adapter', type: 'revenue-schedule', id: scheduleId }];
}

function compareDays(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
