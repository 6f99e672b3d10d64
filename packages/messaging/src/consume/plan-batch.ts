import type { Message } from '../message.js';
import type { StateHandler } from '../routes.js';
import type { MessageType } from '@throughline/contracts';
import type { Intake } from './read-record.js';

export type MessageIntake = Extract<Intake, { kind: 'message' }>;

/** One call of a state handler. */
export interface HandlerCall {
  handle: StateHandler<MessageType>;
  messages: Message[];
}

/** What one batch does, decided before any handler runs. */
export interface BatchPlan {
  /** Calls of state handlers, in this order. */
  calls: HandlerCall[];
  /** Commands for the keyed work queue; they go through the inbox on their way into it. */
  effects: MessageIntake[];
  /** Messages of state routes whose key has parked ones: they line up behind them. */
  parked: MessageIntake[];
}

/**
 * @param fresh ids of messages of state routes that the inbox took in; the others have been handled before
 * @param parkedKeys keys with messages that wait
 */
export function planBatch(
  intakes: MessageIntake[],
  fresh: ReadonlySet<string>,
  parkedKeys: ReadonlySet<string>,
): BatchPlan {
  const plan: BatchPlan = { calls: [], effects: [], parked: [] };
  const direct: MessageIntake[] = [];
  const seen = new Set<string>();
  for (const intake of intakes) {
    const { id } = intake.message.envelope;
    if (seen.has(id)) continue;
    seen.add(id);
    if (intake.route.kind === 'effect') plan.effects.push(intake);
    else if (!fresh.has(id)) continue;
    else if (parkedKeys.has(intake.key)) plan.parked.push(intake);
    else direct.push(intake);
  }
  plan.calls = handlerCalls(direct);
  return plan;
}

/**
 * As few calls as keep the order per key: a message joins the latest call of its handler, unless its key has been in another
 * handler's call since.
 */
function handlerCalls(intakes: MessageIntake[]): HandlerCall[] {
  const calls: HandlerCall[] = [];
  const lastCallOfKey = new Map<string, number>();
  const lastCallOfHandler = new Map<unknown, number>();
  for (const { key, route, message } of intakes) {
    const { handle } = route as { handle: StateHandler<MessageType> };
    let index = lastCallOfHandler.get(handle);
    if (index === undefined || index < (lastCallOfKey.get(key) ?? 0)) {
      index = calls.push({ handle, messages: [] }) - 1;
      lastCallOfHandler.set(handle, index);
    }
    calls[index]!.messages.push(message);
    lastCallOfKey.set(key, index);
  }
  return calls;
}
