import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HubspotClient } from './client.js';

/** What the next request is answered with; the SDK does the rest of the talking. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let client: HubspotClient;

beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new HubspotClient({ baseUrl: `http://127.0.0.1:${port}/`, accessToken: 'token-1', timeoutMs: 300 });
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function reply(status: number, body: unknown = {}, headers: Record<string, string> = {}): void {
  answer = (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const deal = {
  id: '4711',
  properties: { dealname: 'Acme', dealstage: 'closedwon' },
  propertiesWithHistory: {
    dealstage: [
      { value: 'closedwon', timestamp: '2026-11-22T10:00:00.000Z', sourceType: 'CRM_UI' },
      { value: 'new', timestamp: '2026-11-01T10:00:00.000Z', sourceType: 'CRM_UI' },
    ],
  },
  associations: {
    'line items': { results: [{ id: '901', type: 'deal_to_line_item' }] },
    companies: {
      results: [
        { id: '7002', type: 'deal_to_company_unlabeled' },
        { id: '7001', type: 'deal_to_company' },
        { id: '7001', type: 'deal_to_company_unlabeled' },
      ],
    },
  },
  createdAt: '2026-11-01T10:00:00.000Z',
  updatedAt: '2026-11-22T10:00:00.000Z',
  archived: false,
};

describe('HubspotClient', () => {
  it('reads a deal with its history oldest first and its primary company first', async () => {
    let seen: { url?: string | undefined; authorization?: string | undefined } = {};
    answer = (request, response) => {
      seen = { url: request.url, authorization: request.headers.authorization };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(deal));
    };
    const read = await client.readDeal('4711');
    expect(seen.authorization).toBe('Bearer token-1');
    expect(seen.url).toMatch(
      /^\/crm\/v3\/objects\/deals\/4711\?.*propertiesWithHistory=dealstage.*associations=line_items&associations=companies/,
    );
    expect(read?.stageHistory.map(({ value }) => value)).toEqual(['new', 'closedwon']);
    expect(read).toMatchObject({ lineItemIds: ['901'], companyIds: ['7001', '7002'] });
  });

  it('reads all lines of a deal that has more than one answer carries', async () => {
    answer = (request, response) => {
      const url = request.url ?? '';
      const more = { paging: { next: { after: 'x', link: '' } } };
      const body = !url.startsWith('/crm/v4/')
        ? { ...deal, associations: { 'line items': { ...deal.associations['line items'], ...more } } }
        : url.includes('after=x')
          ? { results: [{ toObjectId: '903', associationTypes: [] }] }
          : {
              results: [
                { toObjectId: '901', associationTypes: [] },
                { toObjectId: '902', associationTypes: [] },
              ],
              ...more,
            };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    expect((await client.readDeal('4711'))?.lineItemIds).toEqual(['901', '902', '903']);
  });

  it('sends nothing that HubSpot would refuse: its last answer said that no request is left', async () => {
    let requests = 0;
    answer = (_, response) => {
      const spent = requests++ === 0 && {
        'x-hubspot-ratelimit-remaining': '0',
        'x-hubspot-ratelimit-interval-milliseconds': '150',
      };
      response.writeHead(404, { 'content-type': 'application/json', ...spent }).end('{}');
    };
    await client.ping(new AbortController().signal);
    const refused = { code: 'HUBSPOT_RATE_LIMITED', retry: 'later', rateLimited: true };
    await expect(client.readDeal('1')).rejects.toMatchObject(refused);
    expect(requests).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 160));
    await client.readDeal('1');
    expect(requests).toBe(2);
  });

  it('tells a deal that is not there', async () => {
    reply(404, { status: 'error', message: 'resource not found', category: 'OBJECT_NOT_FOUND' });
    expect(await client.readDeal('1')).toBeUndefined();
    await expect(client.updateDeal('1', numbers)).rejects.toMatchObject({ code: 'HUBSPOT_NOT_FOUND', retry: 'never' });
  });

  it.each<[number, Record<string, string>, unknown, object]>([
    [
      429,
      { 'retry-after': '3' },
      {},
      { code: 'HUBSPOT_RATE_LIMITED', retry: 'later', retryAfterMs: 3_000, rateLimited: true },
    ],
    [
      429,
      {},
      { policyName: 'TEN_SECONDLY_ROLLING' },
      { code: 'HUBSPOT_RATE_LIMITED', retry: 'later', retryAfterMs: 10_000, rateLimited: true },
    ],
    [
      429,
      {},
      { policyName: 'DAILY' },
      { code: 'HUBSPOT_RATE_LIMITED', retry: 'pause', retryAfterMs: 60_000, rateLimited: true },
    ],
    [423, {}, {}, { code: 'HUBSPOT_FAILED', retry: 'later', retryAfterMs: 1_000 }],
    [500, {}, {}, { code: 'HUBSPOT_FAILED', retry: 'later' }],
    [502, {}, {}, { code: 'HUBSPOT_FAILED', retry: 'pause' }],
    [503, { 'retry-after': '9' }, {}, { code: 'HUBSPOT_FAILED', retry: 'pause', retryAfterMs: 9_000 }],
    [504, {}, {}, { code: 'HUBSPOT_FAILED', retry: 'pause' }],
    [
      401,
      {},
      { message: 'expired' },
      { code: 'HUBSPOT_CREDENTIALS', retry: 'pause', message: expect.stringContaining('HUBSPOT_ACCESS_TOKEN') },
    ],
    [403, {}, {}, { code: 'HUBSPOT_CREDENTIALS', retry: 'pause' }],
    [
      400,
      {},
      { message: 'no such property' },
      { code: 'HUBSPOT_REFUSED', retry: 'never', message: expect.stringContaining('no such property') },
    ],
  ])('gives %i its advice (%j)', async (status, headers, body, advice) => {
    reply(status, body, headers);
    await expect(client.updateDeal('4711', numbers)).rejects.toMatchObject({ dependency: 'hubspot', ...advice });
  });

  it('pauses on an answer that never comes, a connection that drops, and one that is refused', async () => {
    const unreachable = { code: 'HUBSPOT_UNREACHABLE', retry: 'pause', dependency: 'hubspot' };
    answer = () => {};
    await expect(client.readDeal('1')).rejects.toMatchObject(unreachable);
    answer = (request) => request.socket.destroy();
    await expect(client.readDeal('1')).rejects.toMatchObject(unreachable);
    answer = (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"id":');
      setImmediate(() => request.socket.destroy());
    };
    await expect(client.readDeal('1')).rejects.toMatchObject(unreachable);
    await expect(
      new HubspotClient({ baseUrl: 'http://127.0.0.1:1', accessToken: 't' }).readDeal('1'),
    ).rejects.toMatchObject(unreachable);
  });

  it("ends with the caller's signal", async () => {
    answer = () => {};
    const waiting = new HubspotClient({ baseUrl: client.options.baseUrl, accessToken: 't' });
    await expect(waiting.readDeal('1', AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'HUBSPOT_UNREACHABLE' });
  });

  it('takes an answer that is not JSON for a failure that may pass', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>maintenance</html>');
    await expect(client.readDeal('1')).rejects.toMatchObject({ code: 'HUBSPOT_FAILED', retry: 'later' });
  });
});

const numbers = { orderNumber: 'SO-1', invoiceNumber: 'INV-1' };
