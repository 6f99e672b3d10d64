import { findChange, nextVersion, standingEntries, type Ledger, type LedgerAddition } from './ledger.js';
import { planStraightLine, type ScheduleRefusal } from './plan-straight-line.js';

export interface Shipment {
  fulfilmentId: string;
  /** ISO 8601; its day in UTC counts. */
  shippedAt: string;
}

/**
 * What a shipment does to a schedule. Revenue is recognised when, or as, control passes to the customer (IFRS 15.31, ASC 606-10-25-23),
 * and for what grants access or use never before the customer can benefit from it (IFRS 15.B61, ASC 606-10-55-58C). So recognition
 * starts on the planned day or on the day of the first shipment, whichever is later: then all that the schedule still comes to is
 * planned anew from that day to the end of the service, or at once on that day where the service is over. What was booked before that
 * day is taken back on it, because the books of past days stay as they were reported.
 *
 * The earliest shipment decides, in whatever order they arrive; the others are recorded and leave the plan as it is.
 *
 * @returns what to add, nothing where this shipment is on record already, or why it cannot be
 */
export function planRecognitionStart(
  ledger: Ledger,
  { fulfilmentId, shippedAt }: Shipment,
  recordedAt: string,
): LedgerAddition | ScheduleRefusal | undefined {
  const { schedule, entries } = ledger;
  if (findChange(ledger, 'shipment', fulfilmentId)) return undefined;
  if (schedule.reversedAt) {
    const message = `The schedule was reversed at ${schedule.reversedAt}, so there is nothing to recognise: ship for an order that stands.`;
    return { reason: 'schedule-reversed', field: 'scheduleId', message };
  }
  const shippedOn = shippedAt.slice(0, 10);
  const from = shippedOn > schedule.serviceStart ? shippedOn : schedule.serviceStart;
  const planned = schedule.recognisedFrom ?? schedule.serviceStart;
  const isMoved = schedule.recognisedFrom === null ? from > planned : from < planned;
  const addition = nextVersion(
    ledger,
    { kind: 'shipment', changeId: fulfilmentId, effectiveOn: shippedOn, amount: null, recordedAt },
    isMoved
      ? { changedOn: from, replaced: standingEntries(entries), planned: planFrom(ledger, from) }
      : { changedOn: from, replaced: [], planned: [] },
  );
  const recognisedFrom = schedule.recognisedFrom === null || isMoved ? from : schedule.recognisedFrom;
  return { ...addition, schedule: { ...addition.schedule, recognisedFrom } };
}

function planFrom({ schedule }: Ledger, from: string) {
  const plan = planStraightLine({
    totalAmount: schedule.remainingAmount,
    currency: schedule.currency,
    serviceStart: from,
    serviceEnd: from > schedule.serviceEnd ? from : schedule.serviceEnd,
  });
  // The terms were taken when the schedule was recorded; a later start and a smaller amount cannot make them wrong.
  if (!Array.isArray(plan)) throw new Error(`Schedule ${schedule.scheduleId} cannot be planned anew: ${plan.message}`);
  return plan.map(({ sequence: _, ...entry }) => ({ ...entry, kind: 'recognition' as const }));
}
