import { compareMoney, fromMinorUnits, isExpressible, toMinorUnits } from '@throughline/contracts';
import { findChange, nextVersion, standingEntries, type Ledger, type LedgerAddition } from './ledger.js';
import type { ScheduleRefusal } from './plan-straight-line.js';

export interface Reduction {
  creditNoteId: string;
  currency: string;
  amount: string;
  /** ISO 8601; its day in UTC counts. */
  issuedAt: string;
}

/**
 * What a credit note does to a schedule. Its amount comes off what is not yet recognised on its day, each entry by the same share: the
 * price of what is still to be delivered has changed, which counts from then on (IFRS 15.21(a), ASC 606-10-25-13(a)). What exceeds that
 * was recognised for what is delivered already, and lowers revenue on that day (IFRS 15.88, ASC 606-10-32-43). Entries of earlier days
 * stay as they are.
 *
 * Each entry's new amount is the difference of two cumulative amounts, rounded half up in the currency's minor unit: the plan sums
 * exactly, and no entry grows or turns negative.
 *
 * @returns what to add, nothing where this credit note is on record with this amount, or why it cannot be
 */
export function planReduction(
  ledger: Ledger,
  { creditNoteId, currency, amount, issuedAt }: Reduction,
  recordedAt: string,
): LedgerAddition | ScheduleRefusal | undefined {
  const known = findChange(ledger, 'credit-note', creditNoteId);
  if (known) {
    if (compareMoney(known.amount!, amount) === 0) return undefined;
    return refuse('credit-note-differs', 'amount', `Credit note ${creditNoteId} took ${known.amount} off already.`);
  }
  const refusal = refuseReduction(ledger, currency, amount);
  if (refusal) return refusal;

  const day = issuedAt.slice(0, 10);
  const ahead = standingEntries(ledger.entries).filter(
    ({ kind, recognisedOn }) => kind === 'recognition' && recognisedOn >= day,
  );
  const reduction = toMinorUnits(amount, currency);
  const before = ahead.map((entry) => toMinorUnits(entry.amount, currency));
  const unrecognised = sum(before);
  const spread = reduction < unrecognised ? reduction : unrecognised;
  const after = scale(before, unrecognised - spread);
  const changed = ahead.filter((_, index) => after[index] !== before[index]);
  const lowered = ahead.flatMap(({ periodStart, periodEnd, recognisedOn }, index) =>
    after[index] === before[index] || after[index] === 0n
      ? []
      : [
          {
            kind: 'recognition' as const,
            periodStart,
            periodEnd,
            recognisedOn,
            amount: fromMinorUnits(after[index]!, currency),
          },
        ],
  );
  const excess = reduction - spread;
  const takenBack = {
    kind: 'adjustment' as const,
    periodStart: day,
    periodEnd: day,
    recognisedOn: day,
    amount: fromMinorUnits(-excess, currency),
  };
  return nextVersion(
    ledger,
    { kind: 'credit-note', changeId: creditNoteId, effectiveOn: day, amount, recordedAt },
    { changedOn: day, replaced: changed, planned: excess === 0n ? lowered : [...lowered, takenBack] },
  );
}

function refuseReduction({ schedule }: Ledger, currency: string, amount: string): ScheduleRefusal | undefined {
  if (schedule.reversedAt) {
    const message = `The schedule was reversed at ${schedule.reversedAt}: nothing is left to take a credit note off.`;
    return refuse('schedule-reversed', 'scheduleId', message);
  }
  if (currency !== schedule.currency) {
    return refuse(
      'currency-differs',
      'currency',
      `The schedule is in ${schedule.currency}, the credit note in ${currency}.`,
    );
  }
  if (!isExpressible(amount, currency)) {
    return refuse('amount-not-expressible', 'amount', `${currency} cannot express ${amount}.`);
  }
  if (compareMoney(amount, '0') <= 0) {
    return refuse('amount-not-positive', 'amount', `A credit note over ${amount} takes nothing off.`);
  }
  if (compareMoney(amount, schedule.remainingAmount) > 0) {
    const message = `The schedule comes to ${schedule.remainingAmount} ${currency} by now, which is less than ${amount}: compare it with the credit notes of its invoice.`;
    return refuse('amount-exceeds-schedule', 'amount', message);
  }
  return undefined;
}

/** The same amounts scaled to another sum, exactly. */
function scale(amounts: bigint[], wanted: bigint): bigint[] {
  const total = sum(amounts);
  let cumulative = 0n;
  let given = 0n;
  return amounts.map((amount) => {
    cumulative += amount;
    // Half up; nothing here is negative.
    const reached = total === 0n ? 0n : (2n * cumulative * wanted + total) / (2n * total);
    const share = reached - given;
    given = reached;
    return share;
  });
}

function sum(amounts: bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

function refuse(reason: string, field: string, message: string): ScheduleRefusal {
  return { reason, field, message };
}
