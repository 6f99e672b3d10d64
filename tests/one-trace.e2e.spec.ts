import { beforeAll, describe, expect, it } from '@jest/globals';
import { RunningPlatform, STORY_LIMIT_MS } from './platform.js';

let platform: RunningPlatform;
beforeAll(() => {
  platform = new RunningPlatform();
});

interface ZipkinSpan {
  id: string;
  parentId?: string;
  name?: string;
  kind?: string;
  localEndpoint?: { serviceName?: string };
  tags?: Record<string, string>;
}

/** Spans leave each service once a second; a trace is whole once every parent is there and it no longer grows. */
async function wholeTrace(viewerUrl: string, traceId: string): Promise<ZipkinSpan[]> {
  const deadline = Date.now() + 30_000;
  let before = -1;
  for (;;) {
    const response = await fetch(`${viewerUrl}/zipkin/api/v2/trace/${traceId}`, {
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined);
    const spans = response?.ok ? ((await response.json()) as ZipkinSpan[]) : [];
    if ((spans.length > 0 && spans.length === before && orphans(spans).length === 0) || Date.now() > deadline)
      return spans;
    before = spans.length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
}

/** The deals that HubSpot was asked about or that were changed there. */
function dealsOf(spans: ZipkinSpan[]): string[] {
  const paths = spans.flatMap(({ tags }) => [tags?.['url.path'] ?? '', tags?.['url.full'] ?? '']);
  return [...new Set(paths.flatMap((path) => /\/crm\/v3\/objects\/deals\/(\d+)/.exec(path)?.[1] ?? []))];
}

function orphans(spans: ZipkinSpan[]): ZipkinSpan[] {
  const ids = new Set(spans.map(({ id }) => id));
  return spans.filter(({ parentId }) => parentId !== undefined && !ids.has(parentId));
}

describe('one deal', () => {
  it(
    'is one trace from the webhook through every service and vendor call to the write-back',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.closeDeal(deal.dealId);
      const { occurrences } = await platform.ended(deal.dealId);
      const traceId = occurrences[0]!.traceId!;
      const spans = await wholeTrace(platform.topology.addresses.viewerUrl, traceId);

      expect(orphans(spans)).toEqual([]);
      expect(spans.filter(({ parentId }) => parentId === undefined)).toHaveLength(1);
      const services = new Set(spans.map(({ localEndpoint }) => localEndpoint?.serviceName));
      for (const service of ['revenue-adapter', 'ops-adapter', 'finance-adapter', 'orchestrator'])
        expect(services).toContain(service);
      const names = spans.map(({ name }) => name?.toLowerCase() ?? '');
      for (const message of [
        'opportunityclosedwon',
        'createorder',
        'ordercreated',
        'provisionorder',
        'issueinvoice',
        'recordrevenueschedule',
        'updateopportunity',
      ]) {
        expect(names.join(' ')).toContain(message);
      }
      // Vendor calls are in it too: HubSpot, Medusa and Stripe are called over HTTP from three services.
      const callers = new Set(
        spans.filter(({ kind }) => kind === 'CLIENT').map(({ localEndpoint }) => localEndpoint?.serviceName),
      );
      for (const service of ['revenue-adapter', 'ops-adapter', 'finance-adapter']) expect(callers).toContain(service);
    },
    STORY_LIMIT_MS,
  );
});

describe('deals closed at once', () => {
  it(
    'have a trace each, with nothing of another deal in it',
    async () => {
      const deals = await platform.openDeals(6);
      await Promise.all(deals.map(({ dealId }) => platform.vendors.closeDeal(dealId)));
      const stories = await Promise.all(deals.map(({ dealId }) => platform.ended(dealId)));
      const traceIds = stories.map(({ occurrences }) => occurrences[0]!.traceId!);
      expect(new Set(traceIds).size).toBe(deals.length);

      const { viewerUrl } = platform.topology.addresses;
      const traces = await Promise.all(traceIds.map((traceId) => wholeTrace(viewerUrl, traceId)));
      expect(traces.map(dealsOf)).toEqual(deals.map(({ dealId }) => [dealId]));
      expect(traces.map((spans) => spans.filter(({ parentId }) => parentId === undefined).length)).toEqual(
        deals.map(() => 1),
      );
    },
    STORY_LIMIT_MS,
  );
});
