import { randomUUID } from 'node:crypto';
import type { Tx } from '@throughline/postgres';
import { type RouteMatch, routeTable } from '../http/route-table.js';
import type { Vendor, VendorRequest, VendorResponse } from '../http/vendor.js';
import {
  batchCreateDefaults,
  batchCreateLinks,
  batchReadLinks,
  batchRemoveLinks,
  listLinks,
  putDefault,
  putLabelled,
  removeLinks,
} from './associations.js';
import { HubspotContext, type HubspotOptions } from './context.js';
import { hubspotError, notFound } from './errors.js';
import {
  archiveObject,
  batchArchive,
  batchCreate,
  batchRead,
  batchUpdate,
  batchUpsert,
  createObject,
  getObject,
  listPage,
  updateObject,
} from './objects.js';
import { dealStages } from './properties.js';
import { searchObjects } from './search.js';

type HubspotHandler = (hubspot: HubspotContext) => Promise<VendorResponse>;

const routes: Record<string, HubspotHandler> = {
  'POST /crm/v3/objects/:type': createObject,
  'GET /crm/v3/objects/:type': listPage,
  'POST /crm/v3/objects/:type/search': searchObjects,
  'POST /crm/v3/objects/:type/batch/read': batchRead,
  'POST /crm/v3/objects/:type/batch/create': batchCreate,
  'POST /crm/v3/objects/:type/batch/update': batchUpdate,
  'POST /crm/v3/objects/:type/batch/upsert': batchUpsert,
  'POST /crm/v3/objects/:type/batch/archive': batchArchive,
  'GET /crm/v3/objects/:type/:id': getObject,
  'PATCH /crm/v3/objects/:type/:id': updateObject,
  'DELETE /crm/v3/objects/:type/:id': archiveObject,

  'GET /crm/v4/objects/:type/:id/associations/:toType': listLinks,
  'PUT /crm/v4/objects/:type/:id/associations/default/:toType/:toId': putDefault,
  'PUT /crm/v4/objects/:type/:id/associations/:toType/:toId': putLabelled,
  'DELETE /crm/v4/objects/:type/:id/associations/:toType/:toId': removeLinks,
  'POST /crm/v4/associations/:type/:toType/batch/read': batchReadLinks,
  'POST /crm/v4/associations/:type/:toType/batch/create': batchCreateLinks,
  'POST /crm/v4/associations/:type/:toType/batch/associate/default': batchCreateDefaults,
  'POST /crm/v4/associations/:type/:toType/batch/archive': batchRemoveLinks,

  'GET /crm/v3/pipelines/:type': async (hubspot) => ({ status: 200, body: { results: [pipeline(hubspot)] } }),
  'GET /crm/v3/pipelines/:type/:id': async (hubspot) => {
    if (hubspot.path.id !== 'default') throw notFound();
    return { status: 200, body: pipeline(hubspot) };
  },
  'GET /account-info/v3/details': async (hubspot) => ({
    status: 200,
    body: {
      portalId: hubspot.options.portalId,
      accountType: 'DEVELOPER_TEST',
      companyCurrency: 'USD',
      timeZone: 'UTC',
      uiDomain: 'app.hubspot.com',
      dataHostingLocation: 'eu1',
    },
  }),
};

/** HubSpot's CRM API as its own SDK speaks it. */
export class HubspotVendor implements Vendor {
  readonly name = 'hubspot';
  private readonly match: (method: string, path: string) => RouteMatch | undefined;

  constructor(private readonly options: HubspotOptions) {
    this.match = routeTable(
      Object.fromEntries(
        Object.entries(routes).map(([route, handler]) => [route, (call) => handler(new HubspotContext(call, options))]),
      ),
    );
  }

  owns(path: string): boolean {
    return path.startsWith('/crm/') || path.startsWith('/account-info/');
  }

  async answer(request: VendorRequest, tx: Tx, now: Date): Promise<VendorResponse> {
    if (request.headers.authorization !== `Bearer ${this.options.accessToken}`) {
      throw hubspotError(
        401,
        'INVALID_AUTHENTICATION',
        'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
      );
    }
    const match = this.match(request.method, request.path);
    if (!match) throw notFound();
    return match.handler({ request, path: match.path, tx, now });
  }

  headers(): Record<string, string> {
    return {
      'x-hubspot-correlation-id': randomUUID(),
      'x-hubspot-ratelimit-max': '190',
      'x-hubspot-ratelimit-remaining': '189',
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-daily': '650000',
      'x-hubspot-ratelimit-daily-remaining': '649999',
    };
  }

  outage(status: number, request: VendorRequest, retryAfterSeconds: number): VendorResponse {
    const correlationId = randomUUID();
    if (status !== 429)
      return {
        status,
        body: { status: 'error', message: 'internal error (sandbox fault)', correlationId, category: 'INTERNAL_ERROR' },
      };
    const policy = request.path.endsWith('/search') ? 'SECONDLY' : 'TEN_SECONDLY_ROLLING';
    return {
      status,
      headers: { 'retry-after': String(retryAfterSeconds), 'x-hubspot-ratelimit-remaining': '0' },
      body: {
        status: 'error',
        message: `You have reached your ${policy.toLowerCase()} limit.`,
        errorType: 'RATE_LIMIT',
        correlationId,
        policyName: policy,
        category: 'RATE_LIMITS',
      },
    };
  }
}

function pipeline(hubspot: HubspotContext) {
  const at = { createdAt: '2024-01-01T00:00:00.000Z', updatedAt: '2024-01-01T00:00:00.000Z', archived: false };
  if (hubspot.type !== 'deals') throw notFound();
  return {
    id: 'default',
    label: 'Sales pipeline',
    displayOrder: 0,
    ...at,
    stages: dealStages.map(({ id, label, probability }, displayOrder) => ({
      id,
      label,
      displayOrder,
      metadata: { isClosed: String(id.startsWith('closed')), probability },
      writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT',
      ...at,
    })),
  };
}
