import type { Message, MessagingTx } from '@throughline/messaging';
import { answer } from '../answer.js';
import { changeLedgers } from './change-ledgers.js';
import { externalIdsOf, findChange } from './ledger.js';
import { planRecognitionStart } from './plan-recognition-start.js';

type Command = Message<'StartRevenueRecognition'>;

/** State handler: records shipments, and plans schedules anew whose first one left after the planned start. */
export function startRevenueRecognition(now: () => Date) {
  return async (commands: Command[], tx: MessagingTx): Promise<void> => {
    const recordedAt = now().toISOString();
    await changeLedgers(commands, tx, {
      plan: ({ payload }, ledger) => planRecognitionStart(ledger, payload, recordedAt),
      done: (command, ledger) => {
        const { fulfilmentId } = command.payload;
        return answer(command, 'RevenueRecognitionStarted', {
          ...identity(command),
          recognisedFrom: ledger.schedule.recognisedFrom!,
          planVersion: findChange(ledger, 'shipment', fulfilmentId)!.planVersion,
          externalIds: externalIdsOf(command.payload.scheduleId),
        });
      },
      refused: (command, refusal) =>
        answer(command, 'RevenueRecognitionStartRejected', { ...identity(command), ...refusal }),
    });
  };
}

function identity({ payload: { scheduleId, orderId, opportunityId, occurrence, fulfilmentId } }: Command) {
  return { scheduleId, orderId, opportunityId, occurrence, fulfilmentId };
}
