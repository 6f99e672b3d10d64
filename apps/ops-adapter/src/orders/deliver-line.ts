import type { MedusaClient, MedusaOrder, Reference } from '@throughline/connectors/medusa';
import { codeOf } from '@throughline/contracts';
import { planDelivery, type DeliveryPlan } from './plan-delivery.js';
import { missing } from './provision-order.js';
import type { Rejection, WrittenOrder } from './store.js';
import { whyTakenBack } from './transitions.js';

/** Pack, ship and look; pack less, ship and look where another order was faster; and one more. */
const MAX_ROUNDS = 6;

/** The order afterwards, and whether something of the line waits for stock. */
export type Delivered = { order: MedusaOrder; isShort: boolean } | { refused: Rejection };

/**
 * Delivers what can be delivered of a line. Each call is planned from what Medusa shows, and Medusa fulfils no more than was ordered and
 * ships nothing twice: so one that is repeated after an unknown outcome, or a crash, does nothing again that stands. One that is applied
 * when nobody waits for it any more is found by the poll, and given back.
 *
 * @param known the order as it was told: what a person has released since is not delivered
 */
export async function deliverLine(
  medusa: MedusaClient,
  medusaOrderId: string,
  lineItemId: string,
  reference: Reference,
  known: WrittenOrder,
): Promise<Delivered> {
  let refusal: Error | undefined;
  for (let round = 0; ; round += 1) {
    const order = await medusa.findOrder(medusaOrderId);
    if (!order) return { refused: missing(medusaOrderId) };
    const takenBack = order.lifeCycle === 'created' ? whyTakenBack(known, order) : undefined;
    if (takenBack) return { refused: takenBack };
    const line = order.lines.find((each) => each.lineItemId === lineItemId);
    const variantId = line?.keepsStock ? line.variantId : undefined;
    const stock = variantId ? (await medusa.findStock([variantId])).get(variantId) : undefined;
    const plan = planDelivery(order, lineItemId, stock);
    if ('refused' in plan) return plan;
    if ('done' in plan || 'short' in plan) return { order, isShort: 'short' in plan };
    if (round === MAX_ROUNDS) {
      if (!refusal) return { order, isShort: true };
      return { refused: { reason: 'refused-by-medusa', field: null, message: refusal.message } };
    }
    try {
      await carryOut(medusa, order, plan, reference);
    } catch (error) {
      // Refused also where an earlier attempt of ours, or a person, has done it: the order says.
      if (codeOf(error) !== 'MEDUSA_REFUSED') throw error;
      refusal = error as Error;
    }
  }
}

function carryOut(
  medusa: MedusaClient,
  { id }: MedusaOrder,
  plan: Extract<DeliveryPlan, { fulfil: unknown } | { ship: unknown } | { giveBack: unknown }>,
  reference: Reference,
): Promise<void> {
  if ('ship' in plan) return medusa.createShipment(id, plan.ship);
  if ('giveBack' in plan) return medusa.cancelFulfilment(id, plan.giveBack.id);
  return medusa.createFulfilment(id, [plan.fulfil], reference, plan.locationId);
}
