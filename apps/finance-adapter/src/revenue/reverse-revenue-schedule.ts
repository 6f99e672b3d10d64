import type { Message, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import { answer } from '../answer.js';
import { planReversal } from './plan-reversal.js';
import { findEntries, findSchedules, insertEntries, markSchedulesReversed } from './store.js';

type Command = Message<'ReverseRevenueSchedule'>;

/** State handler: takes schedules back by opposite entries, each schedule once however often it is asked for. */
export function reverseRevenueSchedule(now: () => Date) {
  return async (commands: Command[], tx: MessagingTx): Promise<void> => {
    const reversedAt = now().toISOString();
    const ids = [...new Set(commands.map(({ payload }) => payload.scheduleId))];
    const reversed = await markSchedulesReversed(tx, ids, reversedAt);
    const schedules = new Map((await findSchedules(tx, ids, [])).map((schedule) => [schedule.scheduleId, schedule]));
    const entriesOf = reversed.size > 0 ? await findEntries(tx, [...reversed]) : new Map<string, never[]>();
    await insertEntries(
      tx,
      'reversal',
      [...reversed].map((scheduleId) => ({
        scheduleId,
        currency: schedules.get(scheduleId)!.currency,
        entries: planReversal(entriesOf.get(scheduleId) ?? [], reversedAt.slice(0, 10)),
      })),
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
  const externalIds = [{ system: 'throughline', tenant: 'finance-adapter', type: 'revenue-schedule', id: scheduleId }];
  return answer(command, 'RevenueScheduleReversed', { ...identity, reversedAt, externalIds });
}
