import * as associations from '@hubspot/api-client/lib/codegen/crm/associations/v4/index.js';
import * as companies from '@hubspot/api-client/lib/codegen/crm/companies/index.js';
import * as deals from '@hubspot/api-client/lib/codegen/crm/deals/index.js';
import * as lineItems from '@hubspot/api-client/lib/codegen/crm/line_items/index.js';
import { currentTraceparent, withSpan } from '@throughline/telemetry';
import {
  companyProperties,
  dealProperties,
  lineItemProperties,
  ownProperties,
  toInstant,
  type HubspotObject,
} from './deal-snapshot.js';
import { classifyHubspotError, hubspotErrors, nothingLeft, notJson } from './errors.js';
import { RequestWindow } from './request-window.js';
import type { DealParts, DealReader } from './read-deal-snapshot.js';
import type { DealSearch, FoundDeal, SearchPage } from './search-modified-deals.js';

export interface HubspotClientOptions {
  /** `https://api.hubapi.com`, or the sandbox. */
  baseUrl: string;
  accessToken: string;
  /** Limit of one HTTP call. Default 10 000. */
  timeoutMs?: number;
}

/** Most objects a batch read takes. Source: HubSpot CRM v3, batch endpoints. */
const BATCH_LIMIT = 100;

/**
 * HubSpot over its own SDK. Every call has a time limit, ends with the caller's signal, and fails with a `ThroughlineError`
 * (see `hubspotErrors`) that says whether to try again.
 *
 * Uses the SDK's API classes rather than its `Client`: only they let us hand in the transport, and the SDK's own has neither a
 * time limit nor cancellation. For the same reason retries stay ours: the SDK's sleep for up to a minute inside one call.
 */
export class HubspotClient implements DealReader, DealSearch {
  readonly window = new RequestWindow(() => performance.now());

  constructor(readonly options: HubspotClientOptions) {}

  /** A cheap read: whether HubSpot answers us. That there is no deal 0 is an answer. */
  async ping(signal: AbortSignal): Promise<void> {
    await this.unlessMissing('asking whether it is there', signal, async (http) =>
      new deals.BasicApi(configure(deals, this, http)).getById('0', []),
    );
  }

  /** The deal with its stage history and the ids of its parts; undefined where it does not exist or was deleted. */
  async readDeal(dealId: string, signal?: AbortSignal): Promise<DealParts | undefined> {
    const found = await this.unlessMissing('reading deal', signal, async (http) =>
      new deals.BasicApi(configure(deals, this, http)).getById(
        dealId,
        dealProperties,
        ['dealstage'],
        ['line_items', 'companies'],
      ),
    );
    if (!found) return undefined;
    const history = found.propertiesWithHistory?.['dealstage'] ?? [];
    const lines = found.associations?.['line items'] ?? found.associations?.['line_items'];
    const moreLineIds = lines?.paging?.next ? await this.readAllLineItemIds(dealId, signal) : [];
    return {
      deal: toObject(found),
      stageHistory: history
        .map(({ value, timestamp }) => ({ value, timestamp: new Date(timestamp).toISOString() }))
        .reverse(),
      lineItemIds: [...new Set([...associatedIds(lines, 'deal_to_line_item'), ...moreLineIds])],
      companyIds: associatedIds(found.associations?.['companies'], 'deal_to_company'),
    };
  }

  /** The line items with these ids; those that no longer exist are missing from the result. */
  async readLineItems(ids: readonly string[], signal?: AbortSignal): Promise<HubspotObject[]> {
    const found: HubspotObject[] = [];
    for (let start = 0; start < ids.length; start += BATCH_LIMIT) {
      const inputs = ids.slice(start, start + BATCH_LIMIT).map((id) => ({ id }));
      const page = await this.call('reading line items', signal, async (http) =>
        new lineItems.BatchApi(configure(lineItems, this, http)).read({
          inputs,
          properties: lineItemProperties,
          propertiesWithHistory: [],
        }),
      );
      found.push(...page.results.map(toObject));
    }
    return found;
  }

  /** The company, or undefined where it does not exist or was deleted. */
  async readCompany(id: string, signal?: AbortSignal): Promise<HubspotObject | undefined> {
    const found = await this.unlessMissing('reading company', signal, async (http) =>
      new companies.BasicApi(configure(companies, this, http)).getById(id, companyProperties),
    );
    return found && toObject(found);
  }

  async searchDeals(page: SearchPage, signal?: AbortSignal): Promise<FoundDeal[]> {
    const found = await this.call('searching deals', signal, async (http) =>
      new deals.SearchApi(configure(deals, this, http)).doSearch({
        filterGroups: [
          {
            filters: page.filters.map((filter) => ({
              ...filter,
              operator: filter.operator as deals.FilterOperatorEnum,
            })),
          },
        ],
        // HubSpot sorts by one property only; the SDK's type knows the short form, which sorts ascending.
        sorts: [page.sortBy],
        properties: ['dealstage', 'hs_lastmodifieddate'],
        limit: page.limit,
      }),
    );
    return found.results.map(({ id, properties, updatedAt }) => ({
      id,
      stage: properties['dealstage'] ?? null,
      modifiedAt: toInstant(properties['hs_lastmodifieddate'] ?? new Date(updatedAt).toISOString()),
    }));
  }

  /** Writes the numbers the deal is known by elsewhere. Writing the same again changes nothing. Returns when HubSpot changed it. */
  async updateDeal(
    dealId: string,
    numbers: { orderNumber: string; invoiceNumber: string },
    signal?: AbortSignal,
  ): Promise<{ updatedAt: string }> {
    const properties = {
      [ownProperties.orderNumber]: numbers.orderNumber,
      [ownProperties.invoiceNumber]: numbers.invoiceNumber,
    };
    const updated = await this.call('updating deal', signal, async (http) =>
      new deals.BasicApi(configure(deals, this, http)).update(dealId, { properties }),
    );
    return { updatedAt: new Date(updated.updatedAt).toISOString() };
  }

  /** Reading a deal returns only the first of its associations where it has many. */
  private async readAllLineItemIds(dealId: string, signal?: AbortSignal): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.call('reading line item ids', signal, async (http) =>
        new associations.BasicApi(configure(associations, this, http)).getPage(
          'deals',
          dealId,
          'line_items',
          after,
          500,
        ),
      );
      ids.push(...page.results.map(({ toObjectId }) => String(toObjectId)));
      after = page.paging?.next?.after;
    } while (after);
    return ids;
  }

  private async unlessMissing<T>(...call: Parameters<typeof this.call<T>>): Promise<T | undefined> {
    try {
      return await this.call<T>(...call);
    } catch (error) {
      if ((error as { code?: unknown }).code === hubspotErrors.notFound) return undefined;
      throw error;
    }
  }

  private async call<T>(
    operation: string,
    signal: AbortSignal | undefined,
    perform: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { waitMs } = this.window;
    if (waitMs > 0) throw nothingLeft(operation, waitMs);
    const limit = AbortSignal.timeout(this.options.timeoutMs ?? 10_000);
    const classified = async (): Promise<T> => {
      try {
        return await perform(signal ? AbortSignal.any([signal, limit]) : limit);
      } catch (error) {
        throw classifyHubspotError(error, operation);
      }
    };
    // A sweep that finds nothing is no business of anybody's trace.
    if (!currentTraceparent()) return classified();
    return withSpan(`hubspot ${operation}`, { attributes: { 'peer.service': 'hubspot' } }, classified);
  }
}

/** The SDK generates the same classes anew for each API, so their types differ in name only: this is the one place that says so. */
function configure<Configuration>(
  generated: { createConfiguration: (parameters: never) => Configuration },
  { options: { baseUrl, accessToken }, window }: Pick<HubspotClient, 'options' | 'window'>,
  signal: AbortSignal,
): Configuration {
  const api = generated as unknown as typeof deals;
  const configuration = api.createConfiguration({
    baseServer: new api.ServerConfiguration(baseUrl.replace(/\/$/, ''), {}),
    authMethods: { oauth2: { accessToken } },
    httpApi: api.wrapHttpLibrary({
      async send(request) {
        const body = request.getBody();
        const response = await fetch(request.getUrl(), {
          method: request.getHttpMethod(),
          headers: request.getHeaders(),
          ...(typeof body === 'string' ? { body } : {}),
          signal,
        });
        window.told(response.headers);
        const bytes = Buffer.from(await response.arrayBuffer());
        if (response.ok && !response.headers.get('content-type')?.includes('json')) throw notJson(response.status);
        const decoded = { text: async () => bytes.toString('utf8'), binary: async () => bytes };
        return new api.ResponseContext(response.status, Object.fromEntries(response.headers), decoded);
      },
    }),
  });
  return configuration as Configuration;
}

function toObject({
  id,
  properties,
  updatedAt,
}: {
  id: string;
  properties: Record<string, string | null>;
  updatedAt: Date;
}): HubspotObject {
  return { id, properties: { ...properties }, updatedAt: new Date(updatedAt).toISOString() };
}

/** Labelled associations list an object once per label: the plain (primary) one first, each id once. */
function associatedIds(
  associated: { results: { id: string; type: string }[] } | undefined,
  primaryType: string,
): string[] {
  const results = associated?.results ?? [];
  const isPrimary = ({ type }: { type: string }): boolean => type === primaryType;
  return [
    ...new Set([...results.filter(isPrimary), ...results.filter((result) => !isPrimary(result))].map(({ id }) => id)),
  ];
}
