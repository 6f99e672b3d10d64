import { type MedusaClient, type MedusaOrder } from '@throughline/connectors/medusa';
import { codeOf } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import { answer, refuse, toOrderProvisioned } from './answers.js';
import type { OrderDependencies } from './create-order.js';
import { findOrder, saveOrder, type Rejection, type SalesOrder } from './store.js';
import { planProvisioning, withProvisioning } from './transitions.js';

type Command = Message<'ProvisionOrder'>;

/** Goods that ship, goods that do not, and one more look. */
const MAX_ROUNDS = 3;

/**
 * Effect handler: makes the order ready to be delivered, that is, fulfils whatever keeps no stock and is not fulfilled yet. What keeps stock is
 * held by the order itself, and is taken from the shelf when its line is delivered (see `fulfil-order-line.ts`). Medusa refuses to fulfil more than was ordered, so that a call that is
 * repeated after an unknown outcome fulfils nothing twice; then the order says what stands.
 */
export function provisionOrder({ medusa, database, storeId, now }: OrderDependencies) {
  return (command: Command, context: EffectContext): Promise<EffectResult> =>
    medusa.within(context.signal, async () => {
      const known = await findOrder(database, command.payload.orderId);
      const unfit = whyNotStanding(known, command.payload.orderId);
      if (unfit || !known?.medusaOrderId) return rejected(command, unfit);
      const fulfilled = await fulfil(medusa, known.medusaOrderId, command);
      if ('refused' in fulfilled) return rejected(command, fulfilled.refused);
      const row = withProvisioning(known, fulfilled, now().toISOString());
      return {
        emit: [answer(command, 'OrderProvisioned', toOrderProvisioned(row, storeId))],
        apply: (tx) => saveOrder(tx, row),
      };
    });
}

async function fulfil(
  medusa: MedusaClient,
  id: string,
  command: Command,
): Promise<MedusaOrder | { refused: Rejection }> {
  const { orderId, opportunityId, occurrence } = command.payload;
  const reference = { orderId, opportunityId, occurrence, correlationId: command.envelope.correlationId };
  let refusal: Error | undefined;
  for (let round = 0; ; round += 1) {
    const order = await medusa.findOrder(id);
    if (!order) return { refused: missing(id) };
    const plan = planProvisioning(order);
    if ('done' in plan) return order;
    if ('refused' in plan) return plan;
    if (round === MAX_ROUNDS) {
      const message = refusal?.message ?? `Order ${order.orderNumber} is still not fulfilled in full.`;
      return { refused: { reason: 'refused-by-medusa', field: null, message } };
    }
    try {
      await medusa.createFulfilment(id, plan.fulfil, reference);
    } catch (error) {
      if (codeOf(error) !== 'MEDUSA_REFUSED') throw error;
      refusal = error as Error;
    }
  }
}

function rejected(command: Command, rejection: Rejection | undefined): EffectResult {
  return { emit: [refuse(command, 'OrderProvisioningRejected', rejection ?? missing(command.payload.orderId))] };
}

/** Why nothing can be done to an order that, as far as we know, does not stand. */
export function whyNotStanding(known: SalesOrder | undefined, orderId: string): Rejection | undefined {
  if (known?.lifeCycle === 'created') return undefined;
  const why = known ? `is ${known.lifeCycle}` : 'is not known here';
  return {
    reason: known ? `order-${known.lifeCycle}` : 'order-unknown',
    field: 'orderId',
    message: `Order ${orderId} ${why}.`,
  };
}

export function missing(id: string): Rejection {
  return {
    reason: 'order-missing',
    field: 'orderId',
    message: `Order ${id} is not in Medusa any more: find out who removed it.`,
  };
}
