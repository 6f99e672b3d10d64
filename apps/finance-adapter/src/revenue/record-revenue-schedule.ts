import { compareMoney } from '@throughline/contracts';
import type { Message, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import { answer } from '../answer.js';
import { externalIdsOf, type LedgerEntry, type RevenueSchedule } from './ledger.js';
import { planStraightLine, type PlannedEntry, type ScheduleRefusal } from './plan-straight-line.js';
import { findSchedules, insertEntries, insertSchedules } from './store.js';

type Command = Message<'RecordRevenueSchedule'>;
type Planned = { command: Command; schedule: RevenueSchedule; entries: PlannedEntry[] };

/** State handler: plans every contract of the batch and writes all schedules and entries in two statements. */
export function recordRevenueSchedule(now: () => Date) {
  return async (commands: Command[], tx: MessagingTx): Promise<void> => {
    const recordedAt = now().toISOString();
    const plans = commands.map((command) => ({ command, plan: planStraightLine(command.payload) }));
    const planned = plans.flatMap(({ command, plan }) =>
      Array.isArray(plan) ? [{ command, schedule: toSchedule(command, plan, recordedAt), entries: plan }] : [],
    );
    const fresh = await record(planned, tx);
    const standing = await findStanding(
      planned.filter(({ command }) => !fresh.has(command)),
      tx,
    );
    const outcomes = new Map(
      planned.map((one) => [
        one.command,
        fresh.has(one.command) ? recorded(one.command, one.schedule) : answerAgain(one, standing),
      ]),
    );
    tx.emit(plans.map(({ command, plan }) => outcomes.get(command) ?? rejected(command, plan as ScheduleRefusal)));
  };
}

/** Writes what does not stand yet. @returns the commands that wrote it. */
async function record(planned: Planned[], tx: MessagingTx): Promise<Set<Command>> {
  const first = new Map<string, Planned>();
  for (const one of planned) if (!first.has(one.schedule.scheduleId)) first.set(one.schedule.scheduleId, one);
  const candidates = [...first.values()];
  if (candidates.length === 0) return new Set();
  const inserted = await insertSchedules(
    tx,
    candidates.map(({ schedule }) => schedule),
  );
  const written = candidates.filter(({ schedule }) => inserted.has(schedule.scheduleId));
  await insertEntries(
    tx,
    written.map(({ schedule, entries }) => ({ ...schedule, entries: entries.map(toRecorded) })),
  );
  return new Set(written.map(({ command }) => command));
}

async function findStanding(planned: Planned[], tx: MessagingTx): Promise<RevenueSchedule[]> {
  if (planned.length === 0) return [];
  return findSchedules(
    tx,
    planned.map(({ schedule }) => schedule.scheduleId),
    planned.map(({ schedule }) => schedule.orderId),
  );
}

/**
 * One schedule stands per order, whichever process asks for it. The same schedule once more is told what stands; another one for the
 * order is refused until that one is reversed.
 */
function answerAgain({ command, schedule }: Planned, standing: RevenueSchedule[]): OutgoingMessage {
  const found = standing.find(({ scheduleId }) => scheduleId === schedule.scheduleId);
  if (!found) {
    const { orderId, occurrence } = schedule;
    const other = standing.find((one) => one.orderId === orderId && one.occurrence === occurrence);
    const message = `Order ${orderId} is recognised by ${other ? `schedule ${other.scheduleId}` : 'another schedule'} already: reverse that one first.`;
    return rejected(command, { reason: 'order-has-schedule', field: 'orderId', message });
  }
  if (found.reversedAt) {
    const message = `The schedule was reversed at ${found.reversedAt}: record a new one for a new order.`;
    return rejected(command, { reason: 'schedule-reversed', field: 'scheduleId', message });
  }
  const differs = differingTerm(schedule, found);
  if (differs) {
    const message = `The schedule stands with another ${differs} (${found[differs]}): reverse it first.`;
    return rejected(command, { reason: 'schedule-differs', field: differs, message });
  }
  return recorded(command, found);
}

function differingTerm(wanted: RevenueSchedule, found: RevenueSchedule) {
  if (compareMoney(wanted.totalAmount, found.totalAmount) !== 0) return 'totalAmount' as const;
  return (['orderId', 'currency', 'serviceStart', 'serviceEnd'] as const).find((term) => wanted[term] !== found[term]);
}

function toSchedule({ payload, envelope }: Command, entries: PlannedEntry[], recordedAt: string): RevenueSchedule {
  return {
    ...payload,
    correlationId: envelope.correlationId,
    remainingAmount: payload.totalAmount,
    recognisedFrom: null,
    planVersion: 1,
    entryCount: entries.length,
    recordedAt,
    reversedAt: null,
  };
}

function toRecorded(entry: PlannedEntry): LedgerEntry {
  return { ...entry, kind: 'recognition', planVersion: 1, reason: 'recorded' };
}

function recorded(command: Command, schedule: RevenueSchedule): OutgoingMessage {
  const { scheduleId, orderId, invoiceId, opportunityId, occurrence, currency, totalAmount } = schedule;
  const { serviceStart, serviceEnd, entryCount, recordedAt } = schedule;
  const terms = { currency, totalAmount, serviceStart, serviceEnd, entryCount, recordedAt };
  const identity = { scheduleId, orderId, invoiceId, opportunityId, occurrence };
  return answer(command, 'RevenueScheduleRecorded', { ...identity, ...terms, externalIds: externalIdsOf(scheduleId) });
}

function rejected(command: Command, refusal: ScheduleRefusal): OutgoingMessage {
  const { scheduleId, orderId, opportunityId, occurrence } = command.payload;
  return answer(command, 'RevenueScheduleRejected', { scheduleId, orderId, opportunityId, occurrence, ...refusal });
}
