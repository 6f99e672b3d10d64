import type { Message, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import { answer } from '../answer.js';
import { externalIdsOf, reversalsOf, standingEntries } from './ledger.js';
import { findEntries, findSchedules, insertEntries, markSchedulesReversed } from './store.js';

type Command = Message<'ReverseRevenueSchedule'>;

/** State handler: takes back what stands of schedules by opposite entries, each schedule once however often it is asked for. */
export function reverseRevenueSchedule(now: () => Date) {
  return async (commands: Command[], tx: MessagingTx): Promise<void> => {
    const reversedAt = now().toISOString();
    const ids = [...new Set(commands.map(({ payload }) => payload.scheduleId))];
    const reversed = await markSchedulesReversed(tx, ids, reversedAt);
    const schedules = new Map((await findSchedules(tx, ids, [])).map((schedule) => [schedule.scheduleId, schedule]));
    const entriesOf = reversed.size > 0 ? await findEntries(tx, [...reversed]) : new Map<string, never[]>();
    await insertEntries(
      tx,
      [...reversed].map((scheduleId) => {
        const { currency, planVersion } = schedules.get(scheduleId)!;
        const standing = standingEntries(entriesOf.get(scheduleId) ?? []);
        const entries = reversalsOf(standing, reversedAt.slice(0, 10), { planVersion, reason: 'reversed' });
        return { scheduleId, currency, entries };
      }),
    );
    tx.emit(commands.map((command) => outcome(command, schedules.get(command.payload.scheduleId)?.reversedAt)));
  };
}

function outcome(command: Command, reversedAt: string | null | undefined): OutgoingMessage {
  const { scheduleId, orderId, opportunityId, occurrence } = command.payload;
  const identity = { scheduleId, orderId, opportunityId, occurrence };
  if (!reversedAt) {
    const message = `No schedule ${scheduleId} was ever recorded here, so there is nothing to reverse.`;
    return answer(command, 'RevenueScheduleReversalRejected', {
      ...identity,
      reason: 'schedule-unknown',
      field: 'scheduleId',
      message,
    });
  }
  return answer(command, 'RevenueScheduleReversed', {
    ...identity,
    reversedAt,
    externalIds: externalIdsOf(scheduleId),
  });
}
