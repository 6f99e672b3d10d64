import type { MedusaLine, MedusaOrder, MedusaReturn, OrderFulfilment } from '@throughline/connectors/medusa';
import {
  canonicalId,
  compareMoney,
  isExpressible,
  minorUnitDigits,
  shareOf,
  spreadOver,
  subtractMoney,
  sumMoney,
  type Messages,
} from '@throughline/contracts';
import { externalId, keysOf, orderExternalIds } from './answers.js';
import type { SalesOrderLine, WrittenOrder } from './store.js';
import { standingFulfilments, unasked } from './transitions.js';

type LineEventType =
  | 'OrderLineShipped'
  | 'OrderLineFulfilled'
  | 'OrderLineBackordered'
  | 'OrderLineFulfilmentRejected'
  | 'OrderLineReturned';
export type LineEvent = { [T in LineEventType]: { type: T; payload: Messages[T] } }[LineEventType];

/** What there is to tell of a line, and the line once it was told. */
export interface Telling {
  line: SalesOrderLine;
  events: LineEvent[];
}

/**
 * What has left the house of a line and was not told yet: one event per shipment, and one when nothing is left. What needs no shipping is
 * delivered by its fulfilment, but only once its delivery was asked for: provisioning makes ready, delivering is a step of its own.
 */
export function tellShipments(
  order: WrittenOrder,
  line: SalesOrderLine,
  seen: MedusaOrder,
  storeId: string,
  isAsked = false,
): Telling {
  const item = seen.lines.find(({ lineItemId }) => lineItemId === line.lineItemId);
  if (!item) return { line, events: [] };
  const told = { ...line, shippedIn: [...line.shippedIn] };
  const events: LineEvent[] = [];
  const of = keysOf(order);
  let upTo = 0;
  let delivered = '0.0000';
  let last: string | undefined;
  for (const delivery of deliveriesOf(line, item, seen)) {
    upTo = sumOf(upTo, delivery.quantity);
    const before = delivered;
    delivered = shareOf(item.quantity, String(upTo), String(item.orderedQuantity));
    last = last && last > delivery.at ? last : delivery.at;
    if (told.shippedIn.includes(delivery.fulfilmentId)) continue;
    told.shippedIn.push(delivery.fulfilmentId);
    events.push({
      type: 'OrderLineShipped',
      payload: {
        ...of,
        fulfilmentId: canonicalId('medusa', storeId, 'fulfillment', delivery.fulfilmentId, line.lineItemId),
        lineItemId: line.lineItemId,
        quantity: subtractMoney(delivered, before),
        outstandingQuantity: subtractMoney(item.quantity, delivered),
        shippedAt: delivery.at,
        externalIds: [...orderExternalIds(order, storeId), externalId(storeId, 'fulfillment', delivery.fulfilmentId)],
      },
    });
  }
  if (last && upTo >= item.orderedQuantity) {
    told.backordered = 0;
    if (!told.fulfilledAt || isAsked) {
      told.fulfilledAt ??= last;
      const { lineItemId, quantity } = item;
      events.push({
        type: 'OrderLineFulfilled',
        payload: { ...of, lineItemId, quantity, fulfilledAt: told.fulfilledAt },
      });
    }
  }
  return { line: told, events };
}

/** What of a line is not in stock. It is told once, and again to who asks again; what ships later tells what is still outstanding. */
export function tellBackorder(order: WrittenOrder, line: SalesOrderLine, seen: MedusaOrder, isAsked: boolean): Telling {
  const item = seen.lines.find(({ lineItemId }) => lineItemId === line.lineItemId);
  if (!item || item.remaining <= 0) return { line: { ...line, backordered: 0 }, events: [] };
  const told = { ...line, backordered: item.remaining };
  if (line.backordered > 0 && !isAsked) return { line: told, events: [] };
  const delivered = shareOf(
    item.quantity,
    String(sumOf(item.orderedQuantity, -item.remaining)),
    String(item.orderedQuantity),
  );
  const outstandingQuantity = subtractMoney(item.quantity, delivered);
  const payload = { ...keysOf(order), lineItemId: line.lineItemId, outstandingQuantity, expectedAt: null };
  return { line: told, events: [{ type: 'OrderLineBackordered', payload }] };
}

/**
 * What came back of a line and was not told yet: one event per return, or per part of it where it is received in parts. The amounts are
 * differences of cumulated shares, so that all that comes back of a line adds up to what was paid for it: its amount less its share of the
 * discounts of the order.
 */
export function tellReturns(
  order: WrittenOrder,
  line: SalesOrderLine,
  seen: MedusaOrder,
  returns: MedusaReturn[],
  storeId: string,
): Telling {
  const item = seen.lines.find(({ lineItemId }) => lineItemId === line.lineItemId);
  if (!item) return { line, events: [] };
  const told = { ...line, returnedIn: { ...line.returnedIn } };
  const events: LineEvent[] = [];
  const digits = minorUnitDigits(seen.currency);
  const paid = paidFor(item, seen);
  const shareUpTo = (upTo: number, of: string, decimals?: number) =>
    shareOf(of, String(upTo), String(item.orderedQuantity), decimals);
  for (const found of returns) {
    const before = told.returnedIn[found.id] ?? 0;
    const received = found.items
      .filter(({ itemId }) => itemId === item.itemId)
      .reduce((sum, each) => sumOf(sum, each.received), 0);
    if (received <= before) continue;
    const from = Object.values(told.returnedIn).reduce(sumOf, 0);
    told.returnedIn[found.id] = received;
    const to = Object.values(told.returnedIn).reduce(sumOf, 0);
    const since = before > 0 ? [String(before)] : [];
    events.push({
      type: 'OrderLineReturned',
      payload: {
        ...keysOf(order),
        returnId: canonicalId('medusa', storeId, 'return', found.id, line.lineItemId, ...since),
        lineItemId: line.lineItemId,
        quantity: subtractMoney(shareUpTo(to, item.quantity), shareUpTo(from, item.quantity)),
        amount: subtractMoney(shareUpTo(to, paid, digits), shareUpTo(from, paid, digits)),
        currency: seen.currency,
        returnedAt: found.receivedAt,
        externalIds: [...orderExternalIds(order, storeId), externalId(storeId, 'return', found.id)],
      },
    });
  }
  return { line: told, events };
}

/**
 * What a line comes to with the order's discounts, which are lines of a negative amount: spread over the others by their amounts, so that all
 * lines together come to the total. Nothing was paid for a discount itself.
 */
function paidFor({ itemId, amount }: MedusaLine, { lines, currency }: MedusaOrder): string {
  const isDiscount = (each: MedusaLine): boolean => compareMoney(each.amount, '0') < 0;
  const discount = subtractMoney('0', sumMoney(lines.filter(isDiscount).map((line) => line.amount)));
  if (compareMoney(discount, '0') === 0) return amount;
  const sold = lines.filter((line) => !isDiscount(line));
  const amounts = sold.map((line) => line.amount);
  const digits = amounts.every((each) => isExpressible(each, currency)) ? minorUnitDigits(currency) : undefined;
  const place = sold.findIndex((line) => line.itemId === itemId);
  return place < 0 ? '0.0000' : subtractMoney(amount, spreadOver(discount, amounts, digits)[place]!);
}

/**
 * The final answer of each line whose delivery was asked for and that nobody waits for any more, because its order is taken back; once,
 * since nobody waits for it afterwards. A line of which all has left, and that only was not told yet, is left to the poll that tells it.
 *
 * @param known the order before: what was waited for
 * @param row the order as it is to be written but for this
 */
export function tellStopped(
  known: WrittenOrder,
  row: WrittenOrder,
  seen: MedusaOrder | undefined,
  reason: 'order-released' | 'order-cancelled',
): { row: WrittenOrder; events: LineEvent[] } {
  const events: LineEvent[] = [];
  let stopped = row;
  for (const line of row.lines) {
    const before = known.lines.find(({ lineItemId }) => lineItemId === line.lineItemId);
    const isAwaited = before?.requested && !before.fulfilledAt && !line.fulfilledAt;
    const item = seen?.lines.find(({ lineItemId }) => lineItemId === line.lineItemId);
    const units = seen && item ? deliveriesOf(line, item, seen).reduce((sum, it) => sumOf(sum, it.quantity), 0) : 0;
    if (isAwaited && item && units >= item.orderedQuantity) continue;
    stopped = withLine(stopped, unasked(line));
    if (!isAwaited) continue;
    const shipped = item && units > 0 ? shareOf(item.quantity, String(units), String(item.orderedQuantity)) : undefined;
    const { lineItemId } = line;
    const message = whyStopped(row, line, reason, shipped);
    const payload = { ...keysOf(row), lineItemId, reason, field: 'orderId', message };
    events.push({ type: 'OrderLineFulfilmentRejected', payload });
  }
  return { row: stopped, events };
}

function whyStopped(
  order: WrittenOrder,
  line: SalesOrderLine,
  reason: 'order-released' | 'order-cancelled',
  shipped: string | undefined,
): string {
  const isCancelled = reason === 'order-cancelled';
  const name = `Order ${order.orderNumber ?? order.orderId}`;
  const what = `${name} was ${isCancelled ? 'cancelled' : 'to be released'} while line ${line.lineItemId} was waited for`;
  if (shipped) {
    return `${what}: ${shipped} of ${line.quantity} were shipped, the rest is not. Handle what was shipped as a return in Medusa.`;
  }
  const next = isCancelled ? 'create another order' : 'provision the order again and deliver the line';
  return `${what}: nothing of it was shipped. If it is still wanted, ${next}.`;
}

/**
 * What has not left of an order whose release was refused, for whoever decides what becomes of it: nothing of it leaves by itself any more,
 * and what is ready of it stands. What was delivered without a shipment is told apart: no return brings it back. Undefined where all has left
 * by shipments.
 *
 * @param known the order before: what was waited for
 */
export function whatIsStillHere(known: WrittenOrder, seen: MedusaOrder): string | undefined {
  const here: string[] = [];
  const unshipped: string[] = [];
  for (const item of seen.lines.filter(({ amount }) => compareMoney(amount, '0') >= 0)) {
    const { itemId, lineItemId, name, quantity, orderedQuantity, remaining } = item;
    const line = known.lines.find((each) => each.lineItemId === lineItemId);
    const of = standingFulfilments(seen).filter(({ items }) => items.some((each) => each.itemId === itemId));
    const handedOver = of.filter((it) => leftAt(line, it) && !it.shippedAt).map(({ id }) => id);
    const ready = of.filter((it) => !leftAt(line, it)).map(({ id }) => id);
    if (handedOver.length > 0) unshipped.push(`line ${lineItemId} (${name}) by fulfilment ${handedOver.join(', ')}`);
    const left = of.filter((it) => leftAt(line, it)).reduce((sum, it) => sumOf(sum, unitsOf(item, it)), 0);
    if (left >= orderedQuantity) continue;
    const outstanding = subtractMoney(quantity, shareOf(quantity, String(left), String(orderedQuantity)));
    const states = [
      ...(ready.length > 0 ? [`ready in fulfilment ${ready.join(', ')}`] : []),
      ...(remaining > 0 ? ['waited for no more'] : []),
    ];
    here.push(`${outstanding} of ${quantity} of line ${lineItemId} (${name}), ${states.join(', the rest ')}`);
  }
  const told = [
    here.length > 0 &&
      `Still here: ${here.join('; ')}. If the order stands, have these lines delivered again; if not, cancel in Medusa what is ready.`,
    unshipped.length > 0 &&
      `Delivered without shipment: ${unshipped.join('; ')}. If the order does not stand, withdraw it from the customer and cancel in Medusa what delivered it.`,
  ].filter((sentence) => sentence !== false);
  return told.length > 0 ? told.join(' ') : undefined;
}

/** The order with one of its lines replaced. */
export function withLine(order: WrittenOrder, changed: SalesOrderLine): WrittenOrder {
  const lines = order.lines.map((line) => (line.lineItemId === changed.lineItemId ? changed : line));
  return { ...order, lines };
}

interface Delivery {
  fulfilmentId: string;
  quantity: number;
  at: string;
}

/** As they were told, then as they happened, so that what is outstanding only ever shrinks. */
function deliveriesOf(line: SalesOrderLine, item: MedusaLine, seen: MedusaOrder): Delivery[] {
  const place = (id: string) => (line.shippedIn.includes(id) ? line.shippedIn.indexOf(id) : line.shippedIn.length);
  return standingFulfilments(seen)
    .flatMap((it): Delivery[] => {
      const at = leftAt(line, it);
      const quantity = unitsOf(item, it);
      return at && quantity > 0 ? [{ fulfilmentId: it.id, quantity, at }] : [];
    })
    .sort((a, b) => place(a.fulfilmentId) - place(b.fulfilmentId) || a.at.localeCompare(b.at));
}

/** When what it carries of a line was delivered: shipped, or made ready where it needs no shipping and its delivery was asked for. */
function leftAt(line: SalesOrderLine | undefined, it: OrderFulfilment): string | undefined {
  const wasAsked = line?.requested || line?.shippedIn.includes(it.id);
  return it.shippedAt ?? (wasAsked && !it.requiresShipping ? it.createdAt : undefined);
}

function unitsOf({ itemId }: MedusaLine, { items }: OrderFulfilment): number {
  return items.filter((each) => each.itemId === itemId).reduce((sum, each) => sumOf(sum, each.quantity), 0);
}

/** Medusa's quantities are JSON numbers with at most four decimals here; adding them up must not leave traces of doubles. */
function sumOf(a: number, b: number): number {
  return Number((a + b).toFixed(4));
}
