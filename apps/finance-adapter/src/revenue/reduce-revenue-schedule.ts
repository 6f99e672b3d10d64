import type { Message, MessagingTx } from '@throughline/messaging';
import { answer } from '../answer.js';
import { changeLedgers } from './change-ledgers.js';
import { externalIdsOf, findChange } from './ledger.js';
import { planReduction } from './plan-reduction.js';

type Command = Message<'ReduceRevenueSchedule'>;

/** State handler: takes credit notes off schedules, each once however often it is asked for. */
export function reduceRevenueSchedule(now: () => Date) {
  return async (commands: Command[], tx: MessagingTx): Promise<void> => {
    const recordedAt = now().toISOString();
    await changeLedgers(commands, tx, {
      plan: ({ payload }, ledger) => planReduction(ledger, payload, recordedAt),
      done: (command, ledger) => {
        const { creditNoteId, currency, amount } = command.payload;
        const { remainingAmount, planVersion } = findChange(ledger, 'credit-note', creditNoteId)!;
        return answer(command, 'RevenueScheduleReduced', {
          ...identity(command),
          currency,
          amount,
          remainingAmount,
          planVersion,
          externalIds: externalIdsOf(command.payload.scheduleId),
        });
      },
      refused: (command, refusal) =>
        answer(command, 'RevenueScheduleReductionRejected', { ...identity(command), ...refusal }),
    });
  };
}

function identity({ payload: { scheduleId, orderId, opportunityId, occurrence, creditNoteId } }: Command) {
  return { scheduleId, orderId, opportunityId, occurrence, creditNoteId };
}
