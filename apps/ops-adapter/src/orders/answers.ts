import type { ExternalId, Messages, MessageType } from '@throughline/contracts';
import type { Message, OutgoingMessage } from '@throughline/messaging';
import type { Rejection, SalesOrder, WrittenOrder } from './store.js';

type OrderKeys = Pick<SalesOrder, 'orderId' | 'opportunityId' | 'occurrence'>;
export type OrderCommand = Message<'CreateOrder' | 'ProvisionOrder' | 'ReleaseOrder' | 'CancelOrder'>;

/** The outcome of a command as an event: same closing of the same deal, caused by the command. */
export function answer<T extends MessageType>(command: Message, type: T, payload: Messages[T]): OutgoingMessage {
  const { correlationId, id } = command.envelope;
  return { type, payload, correlationId, causationId: id } as OutgoingMessage;
}

type RejectedType =
  'OrderRejected' | 'OrderProvisioningRejected' | 'OrderReleaseRejected' | 'OrderCancellationRejected';

/** A refusal of the business: an event with reason and field, never an error. */
export function refuse(command: OrderCommand, type: RejectedType, rejection: Rejection): OutgoingMessage {
  return answer(command, type, { ...keysOf(command.payload), ...rejection });
}

/** As {@link refuse}, of one line. */
export function refuseLine(command: Message<'FulfilOrderLine'>, rejection: Rejection): OutgoingMessage {
  const { lineItemId } = command.payload;
  return answer(command, 'OrderLineFulfilmentRejected', { ...keysOf(command.payload), lineItemId, ...rejection });
}

export function keysOf({ orderId, opportunityId, occurrence }: OrderKeys): OrderKeys {
  return { orderId, opportunityId, occurrence };
}

export function toOrderCreated(order: WrittenOrder, storeId: string): Messages['OrderCreated'] {
  return {
    ...keysOf(order),
    orderNumber: order.orderNumber ?? '',
    currency: order.currency ?? '',
    totalAmount: order.totalAmount ?? '0.0000',
    createdAt: order.createdAt ?? order.requestedAt,
    externalIds: orderExternalIds(order, storeId),
    serviceStart: order.serviceStart,
    serviceEnd: order.serviceEnd,
  };
}

export function toOrderProvisioned(order: WrittenOrder, storeId: string): Messages['OrderProvisioned'] {
  const fulfilments = order.medusaFulfilmentIds.map((id) => externalId(storeId, 'fulfillment', id));
  return {
    ...keysOf(order),
    provisionedAt: order.provisionedAt ?? order.requestedAt,
    externalIds: [...orderExternalIds(order, storeId), ...fulfilments],
    lines: order.lines.map(({ lineItemId, sku, name, quantity }) => ({ lineItemId, sku, name, quantity })),
  };
}

export function toOrderReleased(order: WrittenOrder, storeId: string): Messages['OrderReleased'] {
  return {
    ...keysOf(order),
    releasedAt: order.releasedAt ?? order.requestedAt,
    externalIds: orderExternalIds(order, storeId),
  };
}

export function toOrderCancelled(order: WrittenOrder, storeId: string): Messages['OrderCancelled'] {
  return {
    ...keysOf(order),
    cancelledAt: order.cancelledAt ?? order.requestedAt,
    externalIds: orderExternalIds(order, storeId),
  };
}

export function orderExternalIds(
  order: Pick<SalesOrder, 'medusaOrderId' | 'medusaCustomerId'>,
  storeId: string,
): ExternalId[] {
  return [
    ...(order.medusaOrderId ? [externalId(storeId, 'order', order.medusaOrderId)] : []),
    ...(order.medusaCustomerId ? [externalId(storeId, 'customer', order.medusaCustomerId)] : []),
  ];
}

export function externalId(storeId: string, type: string, id: string): ExternalId {
  return { system: 'medusa', tenant: storeId, type, id };
}
