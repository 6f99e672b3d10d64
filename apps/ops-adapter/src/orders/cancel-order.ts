import type { MedusaClient, MedusaOrder } from '@throughline/connectors/medusa';
import { codeOf } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import { answer, keysOf, refuse, toOrderCancelled } from './answers.js';
import { discardDrafts, emptyOrder, findInMedusa, type OrderDependencies } from './create-order.js';
import { tellStopped, type LineEvent } from './order-lines.js';
import { missing } from './provision-order.js';
import { findOrder, saveOrder, type Rejection, type WrittenOrder } from './store.js';
import { planCancellation, withCancellation } from './transitions.js';

type Command = Message<'CancelOrder'>;

/**
 * Effect handler: afterwards no order stands. One that is cancelled already is a success, and so is one that never came to be: it
 * was refused, its creation ended as a dead letter, or it was never asked for. It is then recorded as cancelled, drafts it left in
 * Medusa are deleted, and a creation that comes later is refused. Each line that was waited for is told as refused.
 */
export function cancelOrder({ medusa, database, storeId, now }: OrderDependencies) {
  return (command: Command, context: EffectContext): Promise<EffectResult> =>
    medusa.within(context.signal, async () => {
      const { correlationId } = command.envelope;
      const known: WrittenOrder =
        (await findOrder(database, command.payload.orderId)) ??
        emptyOrder({ ...keysOf(command.payload), correlationId }, now());
      const at = now().toISOString();
      const cancelled = (row: WrittenOrder, stopped: LineEvent[] = []): EffectResult => ({
        emit: [
          answer(command, 'OrderCancelled', toOrderCancelled(row, storeId)),
          ...stopped.map(({ type, payload }) => answer(command, type, payload)),
        ],
        apply: (tx) => saveOrder(tx, row),
      });
      if (known.lifeCycle !== 'created' && known.lifeCycle !== 'cancelled') await discardDrafts(medusa, known);
      const id = known.medusaOrderId ?? (await findUnrecorded(medusa, known));
      if (!id) {
        const lifeCycle = known.lifeCycle === 'rejected' ? 'rejected' : 'cancelled';
        return cancelled({ ...known, lifeCycle, cancelledAt: known.cancelledAt ?? at });
      }
      const outcome = await cancel(medusa, id);
      if ('refused' in outcome) return { emit: [refuse(command, 'OrderCancellationRejected', outcome.refused)] };
      const { row, events } = tellStopped(known, withCancellation(known, outcome, at), outcome, 'order-cancelled');
      return cancelled(row, events);
    });
}

/** The order of a creation that ended between its conversion and its record. */
async function findUnrecorded(medusa: MedusaClient, known: WrittenOrder): Promise<string | undefined> {
  if (known.lifeCycle !== 'creating') return undefined;
  return (await findInMedusa(medusa, known)).find((found) => 'isDraft' in found)?.id;
}

async function cancel(medusa: MedusaClient, id: string): Promise<MedusaOrder | { refused: Rejection }> {
  let refusal: Error | undefined;
  for (;;) {
    const order = await medusa.findOrder(id);
    if (!order) return { refused: missing(id) };
    const plan = planCancellation(order);
    if ('done' in plan) return order;
    if ('refused' in plan) return plan;
    if (refusal) return { refused: { reason: 'refused-by-medusa', field: null, message: refusal.message } };
    try {
      await medusa.cancelOrder(id);
    } catch (error) {
      if (codeOf(error) !== 'MEDUSA_REFUSED') throw error;
      refusal = error as Error;
    }
  }
}
