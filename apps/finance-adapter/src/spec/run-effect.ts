import { retryOf } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message, OutgoingMessage } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { encodeAll } from './encode-all.js';
import { CallRecords } from './interrupted-context.js';

/** What the runtime does with a result: state and events in one transaction. */
export async function settle(database: Database, result: EffectResult | void): Promise<OutgoingMessage[]> {
  const emitted = [...(result?.emit ?? [])];
  await database.transaction(async (tx) =>
    result?.apply?.({
      query: (...call) => tx.query(...call),
      emit: (messages) => void emitted.push(...messages),
      enqueue: () => {},
      onCommit: () => {},
    }),
  );
  return encodeAll(emitted);
}

/** Tries as the work queue does, without its waiting. */
export async function retrying<M extends Message>(
  database: Database,
  handle: (message: M, context: EffectContext) => Promise<EffectResult>,
  message: M,
  calls = new CallRecords(),
  pauseMs = 0,
): Promise<OutgoingMessage[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await settle(database, await handle(message, calls.attempt(message.envelope.id, attempt)));
    } catch (error) {
      if (attempt === 20 || (retryOf(error) === 'never' && 'code' in (error as object))) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
