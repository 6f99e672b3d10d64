import { afterAll, beforeEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Job, MessagingTx } from '@throughline/messaging';
import { CONFIG, MESSAGING } from '@throughline/service';
import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { RevenueConfig } from './config.js';
import { HubspotWebhookController } from './hubspot-webhook.controller.js';

const secret = 'a-client-secret';
const config = { HUBSPOT_CLIENT_SECRET: secret, HUBSPOT_PORTAL_ID: '145' } as RevenueConfig;

/** What reached the database: event ids and jobs. */
let stored: string[] = [];
let jobs: Job[] = [];
const messaging = {
  transaction: <T>(fn: (tx: MessagingTx) => Promise<T>): Promise<T> =>
    fn({
      query: async (_statement: unknown, [ids]: [string[]]) => {
        const fresh = ids.filter((id) => !stored.includes(id));
        stored.push(...fresh);
        return fresh.map((event_id) => ({ event_id }));
      },
      enqueue: (enqueued: Job[]) => void jobs.push(...enqueued),
    } as unknown as MessagingTx),
};

@Module({
  controllers: [HubspotWebhookController],
  providers: [
    { provide: CONFIG, useValue: config },
    { provide: MESSAGING, useValue: messaging },
  ],
})
class SpecModule {}

let app: NestExpressApplication;
let url: string;
beforeAll(async () => {
  app = await NestFactory.create<NestExpressApplication>(SpecModule, { rawBody: true, logger: false });
  await app.listen(0, '127.0.0.1');
  url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/webhooks/hubspot`;
});
afterAll(() => app.close());
beforeEach(() => {
  stored = [];
  jobs = [];
  delete config.HUBSPOT_WEBHOOK_PUBLIC_URLS;
});

const element = {
  eventId: 1,
  portalId: 145,
  subscriptionId: 7,
  occurredAt: 1_795_341_600_000,
  subscriptionType: 'deal.propertyChange',
  objectId: 4711,
  propertyName: 'dealstage',
};

async function post(
  body: string,
  {
    ageMs = 0,
    key = secret,
    signedUrl = url,
    headers = {},
  }: { ageMs?: number; key?: string; signedUrl?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const timestamp = String(Date.now() - ageMs);
  const signature = createHmac('sha256', key).update(`POST${signedUrl}${body}${timestamp}`).digest('base64');
  const signed = { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp };
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...signed, ...headers },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('POST /webhooks/hubspot', () => {
  it('stores each element once and answers', async () => {
    const body = JSON.stringify([element, element, { ...element, eventId: 2, objectId: 4712 }]);
    expect(await post(body)).toEqual({ status: 200, body: { received: 2, stored: 2 } });
    expect(await post(body)).toEqual({ status: 200, body: { received: 2, stored: 0 } });
    expect(jobs.map(({ type, key }) => [type, key])).toEqual([
      ['ReadDeal', '4711'],
      ['ReadDeal', '4712'],
    ]);
  });

  it('reads a deal as of the newest of its elements, in whatever order they come', async () => {
    const change = (propertyName: string, ms: number) => ({
      ...element,
      propertyName,
      occurredAt: element.occurredAt + ms,
    });
    await post(JSON.stringify([change('dealname', 1_000), change('amount', 5_000), change('dealstage', 0)]));
    const newest = new Date(element.occurredAt + 5_000).toISOString();
    expect(jobs.map(({ payload }) => (payload as { occurredAt: string }).occurredAt)).toEqual([newest]);
  });

  it.each<[string, Parameters<typeof post>[1]]>([
    ['the secret of another app', { key: 'wrong' }],
    ['a signature for another address', { signedUrl: 'http://evil.example/webhooks/hubspot' }],
    ['a timestamp of six minutes ago', { ageMs: 6 * 60_000 }],
    ['a timestamp six minutes ahead', { ageMs: -6 * 60_000 }],
    ['no signature', { headers: { 'x-hubspot-signature-v3': '' } }],
    ['no timestamp', { headers: { 'x-hubspot-request-timestamp': '' } }],
    ['a body that Nest does not parse', { key: 'wrong', headers: { 'content-type': 'text/plain' } }],
  ])('answers 401 to %s, and stores nothing', async (_, options) => {
    expect(await post(JSON.stringify([element]), options)).toMatchObject({
      status: 401,
      body: { code: 'HUBSPOT_SIGNATURE_INVALID' },
    });
    expect([stored, jobs]).toEqual([[], []]);
  });

  it.each(['{"no":"array"}', '[{"eventId":1}]', '[1]', '{', ''])(
    'answers 400 to the malformed %j, and stores nothing',
    async (body) => {
      expect((await post(body)).status).toBe(400);
      expect([stored, jobs]).toEqual([[], []]);
    },
  );

  it('verifies against the public address where a proxy stands in between', async () => {
    config.HUBSPOT_WEBHOOK_PUBLIC_URLS = ['https://old.example/hook', 'https://hooks.example/hook'];
    expect((await post(JSON.stringify([element]), { signedUrl: 'https://hooks.example/hook' })).status).toBe(200);
    expect((await post(JSON.stringify([element]))).status).toBe(401);
  });

  it('passes over other portals and other objects', async () => {
    const body = JSON.stringify([
      { ...element, portalId: 146 },
      { ...element, subscriptionType: 'company.creation' },
    ]);
    expect(await post(body)).toEqual({ status: 200, body: { received: 2, stored: 1 } });
    expect(jobs).toEqual([]);
  });
});
