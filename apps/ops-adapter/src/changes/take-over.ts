import {
  compareSourceVersion,
  type MedusaOrder,
  type MedusaReturn,
  type OrderFulfilment,
} from '@throughline/connectors/medusa';
import type { MessageType } from '@throughline/contracts';
import { tellReturns, tellShipments, tellStopped, withLine, type LineEvent } from '../orders/order-lines.js';
import type { WrittenOrder } from '../orders/store.js';
import { standingFulfilments, withCancellation, withFulfilment, withIdentity } from '../orders/transitions.js';

export interface TakeOver {
  /** The row as it is to be written, where anything in it changes. */
  row?: WrittenOrder;
  /** What to announce, in this order. */
  events: Extract<MessageType, 'OrderProvisioned' | 'OrderReleased' | 'OrderCancelled'>[];
  /**
   * What left the house or came back, line by line: after the order was provisioned, before it is released or cancelled. What is not
   * waited for any more is told after that.
   */
  lineEvents: LineEvent[];
  /** Fulfilments of our own that nobody waits for: a lost call that was applied after its order was released. */
  strays: OrderFulfilment[];
}

const NOTHING: TakeOver = { events: [], lineEvents: [], strays: [] };

/**
 * What a reading of Medusa means for an order that stands and has no command in flight: whatever differs from our row was done by a
 * person. An echo of our own writing differs in nothing. Readings of the same version are compared all the same, because a
 * fulfilment is cancelled a moment after its order's version grows.
 *
 * @param returns all that came back of the order
 * @param storeId the tenant in external ids
 */
export function takeOver(
  known: WrittenOrder,
  seen: MedusaOrder,
  returns: MedusaReturn[],
  { now, storeId }: { now: string; storeId: string },
): TakeOver {
  if (known.lifeCycle !== 'created' || known.medusaOrderId !== seen.id) return NOTHING;
  if (known.sourceVersion && compareSourceVersion(seen.sourceVersion, known.sourceVersion) < 0) return NOTHING;
  const strays = standingFulfilments(seen).filter(
    (it) => it.orderId === known.orderId && !it.shippedAt && !known.medusaFulfilmentIds.includes(it.id),
  );
  if (strays.length > 0) return { ...NOTHING, strays };

  const events: TakeOver['events'] = [];
  let row = withFulfilment(known, seen, now);
  if (row.provisionedAt && !known.provisionedAt) events.push('OrderProvisioned');
  const lineEvents: LineEvent[] = [];
  for (const line of row.lines) {
    const shipped = tellShipments(row, line, seen, storeId);
    const returned = tellReturns(row, shipped.line, seen, returns, storeId);
    lineEvents.push(...shipped.events, ...returned.events);
    row = withLine(row, returned.line);
  }
  if (known.provisionedAt && !row.provisionedAt) events.push('OrderReleased');
  if (seen.lifeCycle === 'cancelled') {
    row = withCancellation(row, seen, now);
    events.push('OrderCancelled');
  }
  if (events.includes('OrderReleased') || events.includes('OrderCancelled')) {
    const reason = row.lifeCycle === 'cancelled' ? 'order-cancelled' : 'order-released';
    const stopped = tellStopped(known, row, seen, reason);
    row = stopped.row;
    lineEvents.push(...stopped.events);
  }
  const isTold = events.length > 0 || lineEvents.length > 0;
  const changed = isTold || row.fulfilment !== known.fulfilment || differs(known, withIdentity(known, seen));
  return { ...(changed ? { row } : {}), events, lineEvents, strays: [] };
}

function differs(a: WrittenOrder, b: WrittenOrder): boolean {
  return a.sourceVersion !== b.sourceVersion || a.totalAmount !== b.totalAmount || a.orderNumber !== b.orderNumber;
}
