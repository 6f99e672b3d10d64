import { compareMoney } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import { answer, keysOf, refuseLine } from './answers.js';
import type { OrderDependencies } from './create-order.js';
import { deliverLine } from './deliver-line.js';
import { tellBackorder, tellShipments, withLine, type Telling } from './order-lines.js';
import { missing, whyNotStanding } from './provision-order.js';
import { findOrder, saveOrder, type Rejection, type SalesOrder, type WrittenOrder } from './store.js';
import { unasked, withDelivery } from './transitions.js';

type Command = Message<'FulfilOrderLine'>;

/**
 * Effect handler: ships what is in stock of a line. What is not is back-ordered, and ships when stock arrives, without another command:
 * the poll looks for it (see `look-for-stock.ts`). What needs no shipping is delivered by the fulfilment that stands for it.
 */
export function fulfilOrderLine({ medusa, database, storeId, now }: OrderDependencies) {
  return (command: Command, context: EffectContext): Promise<EffectResult> =>
    medusa.within(context.signal, async () => {
      const { orderId, lineItemId, quantity } = command.payload;
      const known = await findOrder(database, orderId);
      const unfit = whyNotStanding(known, orderId) ?? whyReleased(known);
      if (unfit || !known?.medusaOrderId) return { emit: [refuseLine(command, unfit ?? missing(orderId))] };
      const ordered = known.lines.find((line) => line.lineItemId === lineItemId)?.quantity;
      if (ordered !== undefined && compareMoney(ordered, quantity) !== 0) {
        const message = `Line ${lineItemId} was ordered ${ordered} times, not ${quantity}: deliver what was ordered.`;
        return { emit: [refuseLine(command, { reason: 'quantity-mismatch', field: 'quantity', message })] };
      }
      const reference = { ...keysOf(known), correlationId: command.envelope.correlationId };
      const delivered = await deliverLine(medusa, known.medusaOrderId, lineItemId, reference, known);
      if ('refused' in delivered) {
        // Asked for before, it may wait for stock; this answer is its last.
        const refused = known.lines.find((line) => line.lineItemId === lineItemId);
        const stopped = refused ? withLine(known, unasked(refused)) : known;
        return { emit: [refuseLine(command, delivered.refused)], apply: (tx) => saveOrder(tx, stopped) };
      }
      const row = withDelivery(known, delivered.order, now().toISOString());
      const line = { ...row.lines.find((each) => each.lineItemId === lineItemId)!, requested: true };
      const shipped = tellShipments(row, line, delivered.order, storeId, true);
      const told: Telling = delivered.isShort
        ? tellBackorder(row, shipped.line, delivered.order, true)
        : { line: shipped.line, events: [] };
      const saved: WrittenOrder = withLine(row, told.line);
      return {
        emit: [...shipped.events, ...told.events].map(({ type, payload }) => answer(command, type, payload)),
        apply: (tx) => saveOrder(tx, saved),
      };
    });
}

/** A delivery that was asked for before its order was taken back, and comes after that, must not fulfil it anew: it could not be cancelled. */
function whyReleased(known: SalesOrder | undefined): Rejection | undefined {
  if (!known?.releasedAt || known.provisionedAt) return undefined;
  const message = `Order ${known.orderId} was released: provision it again before its lines are delivered.`;
  return { reason: 'order-released', field: 'orderId', message };
}
