import type { MedusaLine, MedusaOrder } from '@throughline/connectors/medusa';
import type { SalesOrderLine, WrittenOrder } from '../orders/store.js';

const AT = '2026-11-22T10:00:00.000Z';

/** For specs: an order as Medusa has it, created and not fulfilled. */
export function medusaOrder(differences: Partial<MedusaOrder>): MedusaOrder {
  return {
    id: 'order_1',
    orderId: '00000000-0000-4000-8000-000000000001',
    customerId: 'cus_1',
    orderNumber: '1042',
    currency: 'USD',
    totalAmount: '1250.5000',
    isDraft: false,
    lifeCycle: 'created',
    fulfilment: 'open',
    remaining: [],
    lines: [],
    serviceStart: null,
    serviceEnd: null,
    fulfilments: [],
    createdAt: AT,
    updatedAt: AT,
    cancelledAt: undefined,
    sourceVersion: `1@${AT}`,
    ...differences,
  };
}

/** For specs: one line of it, ordered once, nothing delivered. */
export function medusaLine(differences: Partial<MedusaLine>): MedusaLine {
  return {
    itemId: 'item_1',
    lineItemId: '1',
    sku: 'SKU-1',
    name: 'Platform',
    quantity: '1.0000',
    orderedQuantity: 1,
    amount: '1000.0000',
    variantId: 'variant_1',
    keepsStock: false,
    remaining: 1,
    received: 0,
    ...differences,
  };
}

/** For specs: what we hold of that line, nothing asked and nothing told. */
export function orderLine(differences: Partial<SalesOrderLine>): SalesOrderLine {
  return {
    lineItemId: '1',
    sku: 'SKU-1',
    name: 'Platform',
    quantity: '1.0000',
    medusaVariantId: 'variant_1',
    requested: false,
    shippedIn: [],
    backordered: 0,
    fulfilledAt: null,
    returnedIn: {},
    ...differences,
  };
}

/** For specs: our row of that order. */
export function salesOrder(differences: Partial<WrittenOrder>): WrittenOrder {
  return {
    orderId: '00000000-0000-4000-8000-000000000001',
    opportunityId: '00000000-0000-4000-8000-000000000002',
    occurrence: 1,
    correlationId: '00000000-0000-4000-8000-000000000003',
    lifeCycle: 'created',
    fulfilment: 'open',
    currency: 'USD',
    totalAmount: '1250.5000',
    serviceStart: null,
    serviceEnd: null,
    lines: [],
    orderNumber: '1042',
    medusaOrderId: 'order_1',
    medusaCustomerId: 'cus_1',
    medusaFulfilmentIds: [],
    sourceVersion: `1@${AT}`,
    rejection: null,
    requestedAt: AT,
    createdAt: AT,
    provisionedAt: null,
    releasedAt: null,
    cancelledAt: null,
    ...differences,
  };
}
