import type { Message, MessagingTx, OutgoingMessage, StateHandler } from '@throughline/messaging';
import type { MessageType } from '@throughline/contracts';
import type { ServerClock } from '@throughline/postgres';
import type { ProcessEvent } from '@throughline/process';
import type { EmittedCommand, ProcessRunner } from '@throughline/process/postgres';
import { countTransitions } from './metrics.js';

/** Hands a batch of events to the runner; the commands leave in the same transaction. */
export function takeEvents(runner: ProcessRunner, clock: ServerClock): StateHandler<MessageType> {
  return async (messages, tx) => {
    const events = messages.map(toProcessEvent);
    const { transitions, committed } = await runner.runBatch(tx, events, clock.now(), emitInto(tx), tx.ahead);
    tx.onCommit(() => {
      committed();
      countTransitions(transitions);
    });
  };
}

/** The compiler of the definition has checked that type and payload fit the contracts; the codec checks each value again. */
export const emitInto =
  (tx: MessagingTx) =>
  (commands: EmittedCommand[]): void =>
    tx.emit(commands as unknown as OutgoingMessage[]);

function toProcessEvent({ type, payload, envelope }: Message): ProcessEvent {
  const { id, source, time, correlationId, traceparent } = envelope;
  return {
    messageId: id,
    type,
    payload: payload as unknown as Record<string, unknown>,
    source,
    time,
    correlationId,
    ...(traceparent && { traceparent }),
  };
}
