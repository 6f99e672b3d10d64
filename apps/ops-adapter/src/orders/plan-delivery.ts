import type { MedusaOrder, OrderFulfilment, Stock } from '@throughline/connectors/medusa';
import type { Rejection } from './store.js';
import { standingFulfilments } from './transitions.js';

/** The next call that brings a line nearer to its customer, or that there is none. */
export type DeliveryPlan =
  | { fulfil: { id: string; quantity: number }; locationId: string | undefined }
  | { ship: OrderFulfilment }
  | { giveBack: OrderFulfilment }
  | { done: true }
  | { short: true }
  | { refused: Rejection };

/**
 * What is packed is shipped, then what is in stock is packed, and what is not waits.
 *
 * Two orders may take the last of the stock at once, and Medusa lets them: the shelf then goes below zero. So what was taken is looked at
 * again before it leaves, and given back where more was taken than was there.
 *
 * @param stock of the line's variant; undefined where it is gone from the shop
 */
export function planDelivery(order: MedusaOrder, lineItemId: string, stock: Stock | undefined): DeliveryPlan {
  if (order.lifeCycle === 'cancelled') {
    const message = `Order ${order.orderNumber} was cancelled in Medusa.`;
    return { refused: { reason: 'order-cancelled', field: 'orderId', message } };
  }
  const line = order.lines.find((each) => each.lineItemId === lineItemId);
  if (!line) {
    const message = `Order ${order.orderNumber} has no line ${lineItemId}: somebody took it out in Medusa, or it never had one.`;
    return { refused: { reason: 'line-unknown', field: 'lineItemId', message } };
  }
  const onShelf = line.keepsStock ? (stock?.quantity ?? 0) : Infinity;
  const packed = standingFulfilments(order).find(
    (it) => it.requiresShipping && !it.shippedAt && it.items.some(({ itemId }) => itemId === line.itemId),
  );
  // One that a person packed is theirs to give back.
  if (packed) return onShelf < 0 && packed.orderId ? { giveBack: packed } : { ship: packed };
  if (line.remaining <= 0) return { done: true };
  const quantity = deliverable(line.remaining, onShelf);
  if (quantity === 0) return { short: true };
  return { fulfil: { id: line.itemId, quantity }, locationId: line.keepsStock ? stock?.locationId : undefined };
}

/** All that is wanted, or as many whole pieces as there are: half a piece leaves only where the order ends in one. */
export function deliverable(wanted: number, onShelf: number): number {
  return onShelf >= wanted ? wanted : Math.max(0, Math.floor(onShelf));
}
