import type { Messages, MessageType } from '@throughline/contracts';
import type { Message, OutgoingMessage } from '@throughline/messaging';

/** The outcome of a command as an event: same closing of the same deal, caused by the command. */
export function answer<T extends MessageType>(command: Message, type: T, payload: Messages[T]): OutgoingMessage {
  const { correlationId, id } = command.envelope;
  return { type, payload, correlationId, causationId: id } as OutgoingMessage;
}
