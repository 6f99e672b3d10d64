import type { Tx } from '@throughline/postgres';
import { type RouteMatch, routeTable } from '../http/route-table.js';
import type { Vendor, VendorRequest, VendorResponse } from '../http/vendor.js';
import { apiVersion, StripeContext, type StripeOptions } from './context.js';
import { createCreditNote, listCreditNotes, retrieveCreditNote, voidCreditNote } from './credit-notes.js';
import { createCustomer, listCustomers, retrieveCustomer, searchCustomers, updateCustomer } from './customers.js';
import { stripeError } from './errors.js';
import { rememberResult, underKey } from './idempotency.js';
import { createInvoiceItem, deleteInvoiceItem, listInvoiceItems, retrieveInvoiceItem } from './invoice-items.js';
import {
  addLines,
  createInvoice,
  deleteInvoice,
  finalizeInvoice,
  listEvents,
  listInvoiceLines,
  listInvoicePayments,
  listInvoices,
  markUncollectible,
  payInvoice,
  retrieveEvent,
  retrieveInvoice,
  retrieveInvoicePayment,
  searchInvoices,
  sendInvoice,
  updateInvoice,
  voidInvoice,
} from './invoices.js';
import {
  createPrice,
  createProduct,
  listPrices,
  listProducts,
  retrievePrice,
  retrieveProduct,
  searchProducts,
  updateProduct,
} from './products.js';

type StripeHandler = (stripe: StripeContext) => Promise<VendorResponse>;

const routes: Record<string, StripeHandler> = {
  'POST /v1/customers': createCustomer,
  'GET /v1/customers': listCustomers,
  'GET /v1/customers/search': searchCustomers,
  'GET /v1/customers/:id': retrieveCustomer,
  'POST /v1/customers/:id': updateCustomer,

  'POST /v1/products': createProduct,
  'GET /v1/products': listProducts,
  'GET /v1/products/search': searchProducts,
  'GET /v1/products/:id': retrieveProduct,
  'POST /v1/products/:id': updateProduct,
  'POST /v1/prices': createPrice,
  'GET /v1/prices': listPrices,
  'GET /v1/prices/:id': retrievePrice,

  'POST /v1/invoices': createInvoice,
  'GET /v1/invoices': listInvoices,
  'GET /v1/invoices/search': searchInvoices,
  'GET /v1/invoices/:id': retrieveInvoice,
  'POST /v1/invoices/:id': updateInvoice,
  'DELETE /v1/invoices/:id': deleteInvoice,
  'GET /v1/invoices/:id/lines': listInvoiceLines,
  'POST /v1/invoices/:id/add_lines': addLines,
  'POST /v1/invoices/:id/finalize': finalizeInvoice,
  'POST /v1/invoices/:id/send': sendInvoice,
  'POST /v1/invoices/:id/pay': payInvoice,
  'POST /v1/invoices/:id/void': voidInvoice,
  'POST /v1/invoices/:id/mark_uncollectible': markUncollectible,
  'GET /v1/invoice_payments': listInvoicePayments,
  'GET /v1/invoice_payments/:id': retrieveInvoicePayment,

  'POST /v1/invoiceitems': createInvoiceItem,
  'GET /v1/invoiceitems': listInvoiceItems,
  'GET /v1/invoiceitems/:id': retrieveInvoiceItem,
  'DELETE /v1/invoiceitems/:id': deleteInvoiceItem,

  'POST /v1/credit_notes': createCreditNote,
  'GET /v1/credit_notes': listCreditNotes,
  'GET /v1/credit_notes/:id': retrieveCreditNote,
  'POST /v1/credit_notes/:id/void': voidCreditNote,

  'GET /v1/events': listEvents,
  'GET /v1/events/:id': retrieveEvent,
  'GET /v1/balance': async () => ({
    status: 200,
    body: { object: 'balance', available: [], livemode: false, pending: [] },
  }),
};

/** Stripe's invoicing API as its own SDK speaks it: form-encoded, keyed, signed. */
export class StripeVendor implements Vendor {
  readonly name = 'stripe';
  private readonly match: (method: string, path: string) => RouteMatch | undefined;

  constructor(private readonly options: StripeOptions) {
    this.match = routeTable(
      Object.fromEntries(
        Object.entries(routes).map(([route, handler]) => [route, (call) => handler(new StripeContext(call, options))]),
      ),
    );
  }

  owns(path: string): boolean {
    return path.startsWith('/v1/');
  }

  async answer(request: VendorRequest, tx: Tx, now: Date): Promise<VendorResponse> {
    this.authenticate(request);
    const match = this.match(request.method, request.path);
    if (!match) {
      throw stripeError(
        `Unrecognized request URL (${request.method}: ${request.path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
        { status: 404, beforeExecution: true },
      );
    }
    const execute = () => match.handler({ request, path: match.path, tx, now });
    const key = request.headers['idempotency-key'];
    // Stripe ignores keys on GET and DELETE, which are idempotent anyway.
    return key !== undefined && request.method === 'POST' ? underKey(key, request, tx, now, execute) : execute();
  }

  /** The headers every answer bears, refusals included. */
  headers(request: VendorRequest): Record<string, string> {
    const key = request.headers['idempotency-key'];
    return {
      'request-id': request.id,
      'stripe-version': request.headers['stripe-version'] ?? apiVersion,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
  }

  outage(status: number, _request: VendorRequest, retryAfterSeconds: number): VendorResponse {
    if (status === 429) {
      return {
        status,
        headers: { 'retry-after': String(retryAfterSeconds), 'stripe-rate-limited-reason': 'global-rate' },
        body: {
          error: {
            code: 'rate_limit',
            doc_url: 'https://stripe.com/docs/error-codes/rate-limit',
            message:
              'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
            type: 'invalid_request_error',
          },
        },
      };
    }
    return { status, body: { error: { message: 'An unknown error occurred. (sandbox fault)', type: 'api_error' } } };
  }

  async remember(request: VendorRequest, response: VendorResponse, tx: Tx, now: Date): Promise<void> {
    const key = request.headers['idempotency-key'];
    if (key !== undefined && request.method === 'POST') await rememberResult(key, request, response, tx, now);
  }

  private authenticate(request: VendorRequest): void {
    const [scheme, credential = ''] = (request.headers.authorization ?? '').split(' ');
    const key = scheme === 'Basic' ? Buffer.from(credential, 'base64').toString().split(':')[0] : credential;
    if (key === this.options.secretKey) return;
    const message = key
      ? `Invalid API Key provided: ${key.slice(0, 8)}****`
      : 'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.';
    throw stripeError(message, {
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="Stripe"' },
      beforeExecution: true,
    });
  }
}
