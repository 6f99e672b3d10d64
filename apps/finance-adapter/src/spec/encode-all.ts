import { Codec, type SchemaIds } from '@throughline/contracts';
import type { OutgoingMessage } from '@throughline/messaging';

const anyId: SchemaIds = {
  idOf: () => Promise.resolve(1),
  schemaOf: () => Promise.reject(new Error('nothing is read here')),
};

/** Fails on a payload that its schema does not take, as the outbox would. */
export async function encodeAll(messages: OutgoingMessage[]): Promise<OutgoingMessage[]> {
  const codec = new Codec(anyId);
  await codec.prepare(messages.map(({ type }) => type));
  for (const { type, payload } of messages) codec.encode(type, payload);
  return messages;
}
