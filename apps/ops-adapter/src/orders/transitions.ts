import type { MedusaLine, MedusaOrder, OrderFulfilment } from '@throughline/connectors/medusa';
import type { Rejection, SalesOrderLine, WrittenOrder } from './store.js';

/** What is missing in Medusa until the order is provisioned: calls to make, nothing, or why it cannot be. */
export type ProvisioningPlan = { fulfil: { id: string; quantity: number }[] } | { done: true } | { refused: Rejection };

/**
 * Medusa wants goods that ship and goods that do not in fulfilments of their own; one group at a time. What keeps stock is ready as it
 * is: Medusa reserved it with the order, and it is taken from the shelf when its line is delivered.
 */
export function planProvisioning(order: MedusaOrder): ProvisioningPlan {
  if (order.lifeCycle === 'cancelled') {
    return refused('order-cancelled', 'orderId', `Order ${order.orderNumber} was cancelled in Medusa.`);
  }
  const ready = order.remaining.filter((item) => !item.keepsStock);
  const [first] = ready;
  if (!first) return { done: true };
  const group = ready.filter((item) => item.requiresShipping === first.requiresShipping);
  return { fulfil: group.map(({ id, quantity }) => ({ id, quantity })) };
}

export type ReleasePlan = { cancel: OrderFulfilment[] } | { done: true } | { refused: Rejection };

/** All that stands is released, or nothing: what left the house cannot be taken back by cancelling it. */
export function planRelease(order: MedusaOrder): ReleasePlan {
  const standing = standingFulfilments(order);
  const shipped = standing.find((fulfilment) => fulfilment.shippedAt);
  if (shipped) {
    return refused(
      'already-shipped',
      'orderId',
      `Fulfilment ${shipped.id} of order ${order.orderNumber} was shipped: handle it as a return in Medusa.`,
    );
  }
  return standing.length > 0 ? { cancel: standing } : { done: true };
}

export type CancellationPlan = { cancel: true } | { done: true } | { refused: Rejection };

export function planCancellation(order: MedusaOrder): CancellationPlan {
  if (order.lifeCycle === 'cancelled') return { done: true };
  if (order.lifeCycle === 'completed') {
    return refused(
      'order-completed',
      'orderId',
      `Order ${order.orderNumber} is completed: handle it as a return in Medusa.`,
    );
  }
  const [standing] = standingFulfilments(order);
  if (standing) {
    return refused(
      'fulfilment-stands',
      'orderId',
      `Fulfilment ${standing.id} of order ${order.orderNumber} stands: release it before the order is cancelled.`,
    );
  }
  return { cancel: true };
}

export function standingFulfilments(order: MedusaOrder): OrderFulfilment[] {
  return order.fulfilments.filter((fulfilment) => !fulfilment.cancelledAt);
}

/** The row of an order that Medusa has: who it is and which reading of it we hold. */
export function withIdentity(known: WrittenOrder, seen: MedusaOrder): WrittenOrder {
  return {
    ...known,
    medusaOrderId: seen.id,
    medusaCustomerId: seen.customerId ?? known.medusaCustomerId,
    orderNumber: seen.orderNumber,
    currency: seen.currency,
    totalAmount: seen.totalAmount,
    serviceStart: seen.serviceStart ?? known.serviceStart,
    serviceEnd: seen.serviceEnd ?? known.serviceEnd,
    lines: withLines(known.lines, seen.lines),
    createdAt: seen.createdAt,
    sourceVersion: seen.sourceVersion,
  };
}

function withLines(known: SalesOrderLine[], seen: MedusaLine[]): SalesOrderLine[] {
  return seen.map(({ lineItemId, sku, name, quantity, variantId }) => {
    const told = known.find((line) => line.lineItemId === lineItemId);
    const { requested = false, shippedIn = [], backordered = 0, fulfilledAt = null, returnedIn = {} } = told ?? {};
    const identity = { lineItemId, sku, name, quantity, medusaVariantId: variantId ?? null };
    return { ...identity, requested, shippedIn, backordered, fulfilledAt, returnedIn };
  });
}

/** The row with its fulfilment as Medusa shows it; `now` stands in where Medusa keeps no time. */
export function withFulfilment(known: WrittenOrder, seen: MedusaOrder, now: string): WrittenOrder {
  const standing = standingFulfilments(seen);
  const row = {
    ...withIdentity(known, seen),
    fulfilment: seen.fulfilment,
    medusaFulfilmentIds: standing.map((fulfilment) => fulfilment.id),
  };
  if (seen.fulfilment === 'fulfilled') {
    return { ...row, provisionedAt: known.provisionedAt ?? latest(standing.map((it) => it.createdAt)) ?? now };
  }
  // Nothing of it needs a fulfilment to be ready, so none that is missing takes that back.
  const isReady = seen.remaining.length > 0 && seen.remaining.every((item) => item.keepsStock);
  if (seen.fulfilment === 'partial' || isReady) return row;
  const releasedAt = latest(seen.fulfilments.flatMap((it) => it.cancelledAt ?? [])) ?? now;
  return known.provisionedAt ? withRelease(row, releasedAt) : row;
}

/** The row after a delivery of ours. What people did meanwhile is left as it was known: the poll finds it, and tells it. */
export function withDelivery(known: WrittenOrder, seen: MedusaOrder, now: string): WrittenOrder {
  const { provisionedAt, releasedAt } = known;
  return { ...withFulfilment(known, seen, now), provisionedAt, releasedAt, lines: withIdentity(known, seen).lines };
}

/** Why nothing of an order is delivered that a person has released in Medusa, and nobody has told yet. */
export function whyTakenBack(known: WrittenOrder, seen: MedusaOrder): Rejection | undefined {
  if (!known.provisionedAt || withFulfilment(known, seen, known.provisionedAt).provisionedAt) return undefined;
  const message = `Order ${seen.orderNumber} was released in Medusa: provision it again before its lines are delivered.`;
  return { reason: 'order-released', field: 'orderId', message };
}

/** The row of an order that is ready: of all that keeps no stock a fulfilment stands. */
export function withProvisioning(known: WrittenOrder, seen: MedusaOrder, now: string): WrittenOrder {
  const row = withFulfilment(known, seen, now);
  const readySince = latest(standingFulfilments(seen).map((it) => it.createdAt)) ?? now;
  return { ...row, provisionedAt: known.provisionedAt ?? row.provisionedAt ?? readySince };
}

/** Nothing is ready any more, and nobody waits for a delivery. */
export function withRelease(row: WrittenOrder, releasedAt: string): WrittenOrder {
  const lines = row.lines.map((line) => ({ ...unasked(line), fulfilledAt: null }));
  return { ...row, provisionedAt: null, releasedAt, lines };
}

/** A line whose delivery nobody waits for. */
export function unasked(line: SalesOrderLine): SalesOrderLine {
  return { ...line, requested: false, backordered: 0 };
}

export function withCancellation(known: WrittenOrder, seen: MedusaOrder, now: string): WrittenOrder {
  return { ...withIdentity(known, seen), lifeCycle: 'cancelled', cancelledAt: seen.cancelledAt ?? now };
}

function refused(reason: string, field: string, message: string): { refused: Rejection } {
  return { refused: { reason, field, message } };
}

function latest(times: string[]): string | undefined {
  return times.sort().at(-1);
}
