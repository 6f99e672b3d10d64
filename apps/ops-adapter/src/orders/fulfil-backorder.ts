import type { EffectContext, EffectResult, Job, OutgoingMessage } from '@throughline/messaging';
import { keysOf } from './answers.js';
import type { OrderDependencies } from './create-order.js';
import { deliverLine } from './deliver-line.js';
import { tellBackorder, tellShipments, withLine, type LineEvent } from './order-lines.js';
import { findOrder, saveOrder, type WrittenOrder } from './store.js';
import { unasked, withDelivery } from './transitions.js';

/** Stock has arrived for an order that waits for it. */
export interface FulfilBackorder {
  orderId: string;
}

/**
 * Job handler: ships what has come in of each line that waits, and tells it. A line that nobody waits for any more, or that Medusa
 * refuses for good, ends with its order's next event. The row is written in any case: its version is what the next job of it is known by.
 */
export function fulfilBackorder({ medusa, database, storeId, now }: OrderDependencies) {
  return (job: Job<FulfilBackorder>, context: EffectContext): Promise<EffectResult> =>
    medusa.within(context.signal, async () => {
      const known = await findOrder(database, job.payload.orderId);
      if (!known?.medusaOrderId || known.lifeCycle !== 'created') return {};
      const { correlationId, medusaOrderId } = known;
      let row: WrittenOrder = known;
      const emit: OutgoingMessage[] = [];
      const tell = ({ type, payload }: LineEvent) =>
        void emit.push({ type, payload, correlationId } as OutgoingMessage);
      const reference = { ...keysOf(known), correlationId };
      for (const { lineItemId } of known.lines.filter((line) => line.backordered > 0)) {
        const delivered = await deliverLine(medusa, medusaOrderId, lineItemId, reference, row);
        if ('refused' in delivered) {
          // What people did to the order is told by the poll that finds it; nothing else would be told of this line.
          if (['order-cancelled', 'order-released'].includes(delivered.refused.reason)) break;
          const payload = { ...keysOf(known), lineItemId, ...delivered.refused };
          tell({ type: 'OrderLineFulfilmentRejected', payload });
          row = withLine(row, unasked(row.lines.find((line) => line.lineItemId === lineItemId)!));
          continue;
        }
        row = withDelivery(row, delivered.order, now().toISOString());
        const line = row.lines.find((each) => each.lineItemId === lineItemId)!;
        const shipped = tellShipments(row, line, delivered.order, storeId);
        row = withLine(row, tellBackorder(row, shipped.line, delivered.order, false).line);
        shipped.events.forEach(tell);
      }
      const saved = row;
      return { emit, apply: (tx) => saveOrder(tx, saved) };
    });
}
