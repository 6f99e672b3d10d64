import type { Tx } from '@throughline/postgres';
import { VendorRefusal } from '../errors.js';
import { type RouteMatch, routeTable } from '../http/route-table.js';
import type { Vendor, VendorRequest, VendorResponse } from '../http/vendor.js';
import {
  createCustomer,
  createProduct,
  listCustomers,
  listProducts,
  listRegions,
  listSalesChannels,
  listShippingOptions,
  listStockLocations,
  listStores,
  retrieveProduct,
  updateCustomer,
} from './catalogue.js';
import { MedusaContext } from './context.js';
import {
  cancelFulfillment,
  cancelOrder,
  completeOrder,
  convertDraftOrder,
  createDraftOrder,
  createFulfillment,
  deleteDraftOrder,
  deliverFulfillment,
  listDraftOrders,
  listOrders,
  retrieveDraftOrder,
  retrieveOrder,
  shipFulfillment,
  updateDraftOrder,
  updateOrder,
} from './orders.js';
import {
  beginReceive,
  beginReturn,
  cancelReturn,
  confirmReceive,
  confirmRequest,
  listReturns,
  receiveItems,
  requestItems,
  retrieveReturn,
} from './returns.js';
import { listInventoryItems, listVariants, retrieveInventoryItem, updateInventoryLevel } from './stock.js';

type MedusaHandler = (medusa: MedusaContext) => Promise<VendorResponse>;

const routes: Record<string, MedusaHandler> = {
  'POST /admin/customers': createCustomer,
  'GET /admin/customers': listCustomers,
  'GET /admin/customers/:id': async (medusa) =>
    medusa.answer('customer', await medusa.find('customer', medusa.path.id!)),
  'POST /admin/customers/:id': updateCustomer,
  'POST /admin/products': createProduct,
  'GET /admin/products': listProducts,
  'GET /admin/products/:id': retrieveProduct,
  'GET /admin/product-variants': listVariants,
  'GET /admin/inventory-items': listInventoryItems,
  'GET /admin/inventory-items/:id': retrieveInventoryItem,
  'POST /admin/inventory-items/:id/location-levels/:locationId': updateInventoryLevel,
  'GET /admin/regions': listRegions,
  'GET /admin/regions/:id': async (medusa) => medusa.answer('region', await medusa.find('region', medusa.path.id!)),
  'GET /admin/sales-channels': listSalesChannels,
  'GET /admin/shipping-options': listShippingOptions,
  'GET /admin/stock-locations': listStockLocations,
  'GET /admin/stores': listStores,

  'POST /admin/draft-orders': createDraftOrder,
  'GET /admin/draft-orders': listDraftOrders,
  'GET /admin/draft-orders/:id': retrieveDraftOrder,
  'POST /admin/draft-orders/:id': updateDraftOrder,
  'DELETE /admin/draft-orders/:id': deleteDraftOrder,
  'POST /admin/draft-orders/:id/convert-to-order': convertDraftOrder,
  'GET /admin/orders': listOrders,
  'GET /admin/orders/:id': retrieveOrder,
  'POST /admin/orders/:id': updateOrder,
  'POST /admin/orders/:id/cancel': cancelOrder,
  'POST /admin/orders/:id/complete': completeOrder,
  'POST /admin/orders/:id/fulfillments': createFulfillment,
  'POST /admin/orders/:id/fulfillments/:fulfillmentId/cancel': cancelFulfillment,
  'POST /admin/orders/:id/fulfillments/:fulfillmentId/shipments': shipFulfillment,
  'POST /admin/orders/:id/fulfillments/:fulfillmentId/mark-as-delivered': deliverFulfillment,

  'POST /admin/returns': beginReturn,
  'GET /admin/returns': listReturns,
  'GET /admin/returns/:id': retrieveReturn,
  'POST /admin/returns/:id/request-items': requestItems,
  'POST /admin/returns/:id/request': confirmRequest,
  'POST /admin/returns/:id/receive': beginReceive,
  'POST /admin/returns/:id/receive-items': receiveItems,
  'POST /admin/returns/:id/receive/confirm': confirmReceive,
  'POST /admin/returns/:id/cancel': cancelReturn,
};

/** Medusa's Admin API of 2.21 as its own SDK speaks it. It tells nobody of changes: whoever wants to know asks. */
export class MedusaVendor implements Vendor {
  readonly name = 'medusa';
  private readonly match: (method: string, path: string) => RouteMatch | undefined = routeTable(
    Object.fromEntries(
      Object.entries(routes).map(([route, handler]) => [route, (call) => handler(new MedusaContext(call))]),
    ),
  );

  constructor(private readonly options: { apiKey: string }) {}

  owns(path: string): boolean {
    return path.startsWith('/admin/');
  }

  async answer(request: VendorRequest, tx: Tx, now: Date): Promise<VendorResponse> {
    const [scheme, credential = ''] = (request.headers.authorization ?? '').split(' ');
    const key = scheme === 'Basic' ? Buffer.from(credential, 'base64').toString().split(':')[0] : undefined;
    if (key !== this.options.apiKey) throw new VendorRefusal({ status: 401, body: { message: 'Unauthorized' } });
    const match = this.match(request.method, request.path);
    if (!match) throw new VendorRefusal({ status: 404, body: { message: `Cannot ${request.method} ${request.path}` } });
    return match.handler({ request, path: match.path, tx, now });
  }

  headers(): Record<string, string> {
    return {};
  }

  outage(status: number, _request: VendorRequest, retryAfterSeconds: number): VendorResponse {
    if (status === 429)
      return {
        status,
        headers: { 'retry-after': String(retryAfterSeconds) },
        body: { type: 'not_allowed', message: 'Too many requests' },
      };
    return { status, body: { code: 'unknown_error', type: 'unknown_error', message: 'An unknown error occurred.' } };
  }
}
