import type { MedusaClient, MedusaOrder } from '@throughline/connectors/medusa';
import { codeOf } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message, OutgoingMessage } from '@throughline/messaging';
import { answer, refuse, toOrderReleased } from './answers.js';
import type { OrderDependencies } from './create-order.js';
import { tellStopped, whatIsStillHere, type LineEvent } from './order-lines.js';
import { missing, whyNotStanding } from './provision-order.js';
import { findOrder, saveOrder, type Rejection } from './store.js';
import { planRelease, withFulfilment, withRelease } from './transitions.js';

type Command = Message<'ReleaseOrder'>;

/**
 * Effect handler: cancels every fulfilment that stands, whoever made it, and waits for no stock any more, also where it is refused: each
 * line that was waited for is told as refused, and the refusal says what has not left, and what was delivered without a shipment. Nothing
 * to release is a success, also where the order was cancelled meanwhile (Medusa cancels no order whose fulfilments stand).
 */
export function releaseOrder({ medusa, database, storeId, now }: OrderDependencies) {
  return (command: Command, context: EffectContext): Promise<EffectResult> =>
    medusa.within(context.signal, async () => {
      const known = await findOrder(database, command.payload.orderId);
      const unfit = known?.lifeCycle === 'cancelled' ? undefined : whyNotStanding(known, command.payload.orderId);
      if (unfit || !known) return rejected(command, unfit ?? missing(command.payload.orderId));
      const at = now().toISOString();
      if (!known.medusaOrderId) {
        const row = withRelease(known, at);
        return { emit: [answer(command, 'OrderReleased', toOrderReleased(row, storeId))] };
      }
      const released = await release(medusa, known.medusaOrderId);
      if ('refused' in released) {
        // What has left comes back as a return; what waits for stock must not follow it.
        const stopped = tellStopped(known, known, released.order, 'order-released');
        const here = released.order && whatIsStillHere(known, released.order);
        const { refused } = released;
        const rejection = here === undefined ? refused : { ...refused, message: `${refused.message} ${here}` };
        return {
          emit: [refuse(command, 'OrderReleaseRejected', rejection), ...answers(command, stopped.events)],
          apply: (tx) => saveOrder(tx, stopped.row),
        };
      }
      const seen = withFulfilment(known, released, at);
      const row = withRelease(seen, seen.provisionedAt ? at : (seen.releasedAt ?? at));
      const { events } = tellStopped(known, row, released, 'order-released');
      return {
        emit: [answer(command, 'OrderReleased', toOrderReleased(row, storeId)), ...answers(command, events)],
        apply: (tx) => saveOrder(tx, row),
      };
    });
}

/** Refused, with the order as it then stands, where there is one. */
type Refused = { refused: Rejection; order?: MedusaOrder };

async function release(medusa: MedusaClient, id: string): Promise<MedusaOrder | Refused> {
  const order = await medusa.findOrder(id);
  if (!order) return { refused: missing(id) };
  const plan = planRelease(order);
  if ('done' in plan) return order;
  if ('refused' in plan) return { ...plan, order };
  let refusal: Error | undefined;
  for (const fulfilment of plan.cancel) {
    try {
      await medusa.cancelFulfilment(id, fulfilment.id);
    } catch (error) {
      // Refused also where an earlier attempt of ours, or a person, has cancelled it: the order says.
      if (codeOf(error) !== 'MEDUSA_REFUSED') throw error;
      refusal = error as Error;
    }
  }
  const after = await medusa.findOrder(id);
  if (!after) return { refused: missing(id) };
  const left = planRelease(after);
  if ('done' in left) return after;
  if ('refused' in left) return { ...left, order: after };
  const message = refusal?.message ?? `Order ${after.orderNumber} was fulfilled again while it was released.`;
  return { refused: { reason: 'refused-by-medusa', field: null, message }, order: after };
}

function answers(command: Command, events: LineEvent[]): OutgoingMessage[] {
  return events.map(({ type, payload }) => answer(command, type, payload));
}

function rejected(command: Command, rejection: Rejection): EffectResult {
  return { emit: [refuse(command, 'OrderReleaseRejected', rejection)] };
}
