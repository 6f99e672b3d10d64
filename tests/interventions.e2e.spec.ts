import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client as HubspotClient } from '@hubspot/api-client';
import { Admin, Client as MedusaClient } from '@medusajs/js-sdk';
import { Stripe } from 'stripe';
import type { Occurrence } from '../apps/cli/src/deal-show.js';
import { verify } from '../apps/cli/src/demo/verify.js';
import { RunningPlatform, STORY_LIMIT_MS } from './platform.js';

let platform: RunningPlatform;
let hubspot: HubspotClient;
let stripe: Stripe;
let medusa: Admin;

beforeAll(() => {
  platform = new RunningPlatform();
  const { secrets } = platform.topology;
  const baseUrl = platform.urls('sandbox')[0]!;
  hubspot = new HubspotClient({ accessToken: secrets.hubspotAccessToken, basePath: baseUrl });
  stripe = new Stripe(secrets.stripeSecretKey, {
    protocol: 'http',
    host: '127.0.0.1',
    port: new URL(baseUrl).port,
    telemetry: false,
  });
  medusa = new Admin(new MedusaClient({ baseUrl, apiKey: secrets.medusaApiKey }));
});

afterEach(() => platform.vendors.setFaults(null));

const nothing = { orders: [], invoices: [], schedules: [] };

function stepOf(occurrence: Occurrence, name: string): Occurrence['steps'][number] {
  return occurrence.steps.find(({ step }) => step === name)!;
}

/** The id of the invoice that stands for a deal at Stripe, as soon as it is finalised. */
async function finalisedInvoice(opportunityId: string): Promise<string> {
  const deadline = Date.now() + STORY_LIMIT_MS;
  while (Date.now() < deadline) {
    for await (const invoice of stripe.invoices.list({ limit: 100, status: 'open' })) {
      if (invoice.metadata?.['throughline_opportunity_id'] === opportunityId) return invoice.id;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('no invoice was finalised');
}

describe('what happens at the wrong moment', () => {
  it(
    'awaits the outcome of a command in flight when the deal is reopened, and takes it back too',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.setFaults({
        seed: 1,
        faults: [{ kind: 'delay', vendor: 'stripe', method: 'POST', path: '/finalize$', delayMs: 4_000 }],
      });
      await platform.vendors.closeDeal(deal.dealId);
      await platform.until(deal.dealId, 1, (occurrence) => stepOf(occurrence, 'billing').status === 'commanded');
      await platform.vendors.setStage(deal.dealId, 'contractsent');
      const undone = await platform.until(deal.dealId, 1, ({ status }) => status === 'compensated');
      expect(stepOf(undone, 'billing')).toMatchObject({
        outcome: 'InvoiceIssued',
        compensation: { outcome: 'InvoiceVoided' },
      });
      // The order was ready and invoiced by then, so its schedule was recorded: it is reversed before the invoice is voided.
      expect(stepOf(undone, 'revenue')).toMatchObject({
        status: 'compensated',
        compensation: { outcome: 'RevenueScheduleReversed' },
      });
      expect(await platform.vendors.evidence([deal])).toMatchObject(nothing);
    },
    2 * STORY_LIMIT_MS,
  );

  it(
    'keeps a payment that comes before the invoice is known to be issued',
    async () => {
      const deal = await platform.openDeal();
      // Stripe finalises at once, but its answer never comes: our next try is seconds later.
      await platform.vendors.setFaults({
        seed: 1,
        faults: [
          {
            kind: 'timeout-then-apply',
            vendor: 'stripe',
            method: 'POST',
            path: '/finalize$',
            count: 1,
            holdMs: 5_000,
            applyAfterMs: 0,
          },
        ],
      });
      await platform.vendors.closeDeal(deal.dealId);
      await stripe.invoices.pay(await finalisedInvoice(deal.opportunityId), { paid_out_of_band: true });
      const early = await platform.until(deal.dealId, 1, ({ payments }) => payments.length > 0);
      expect(stepOf(early, 'billing').outcome).toBeNull();
      const done = await platform.until(deal.dealId, 1, ({ status }) => status === 'completed');
      expect(done.payments).toHaveLength(1);
      await platform.settled(deal.dealId);
      expect(verify([deal], await platform.vendors.evidence([deal])).problems).toEqual([]);
    },
    2 * STORY_LIMIT_MS,
  );

  it(
    'starts a refused deal once it is corrected, as the same closing',
    async () => {
      const deal = await platform.openDeal();
      const properties = (amount: string) => ({ properties: { amount } });
      await hubspot.crm.deals.basicApi.update(deal.dealId, properties('1.00'));
      await platform.vendors.closeDeal(deal.dealId);
      await platform.until(
        deal.dealId,
        1,
        ({ status, cause }) => status === 'rejected' && cause?.reason === 'total-mismatch',
      );
      await hubspot.crm.deals.basicApi.update(deal.dealId, properties(deal.amount));
      await platform.until(deal.dealId, 1, ({ status }) => status === 'completed');
      await platform.settled(deal.dealId);
      expect(verify([deal], await platform.vendors.evidence([deal])).problems).toEqual([]);
    },
    2 * STORY_LIMIT_MS,
  );

  it(
    'undoes the rest when a person cancels the order in the order system',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.closeDeal(deal.dealId);
      const done = await platform.until(deal.dealId, 1, ({ status }) => status === 'completed');
      const idOf = (step: string, type: string): string =>
        stepOf(done, step).externalIds.find((id) => id.type === type)!.id;
      await medusa.order.cancelFulfillment(idOf('order', 'order'), idOf('provisioning', 'fulfillment'), {});
      await medusa.order.cancel(idOf('order', 'order'));
      const undone = await platform.until(deal.dealId, 1, ({ status }) => status === 'compensated');
      expect(stepOf(undone, 'billing').compensation?.outcome).toBe('InvoiceVoided');
      expect(await platform.vendors.evidence([deal])).toMatchObject(nothing);
    },
    2 * STORY_LIMIT_MS,
  );
});

describe('a webhook', () => {
  it.each([
    ['with a wrong signature', { signature: 'bm90IGl0', ageMs: 0 }],
    ['of six minutes ago', { signature: undefined, ageMs: 360_000 }],
    ['from the future', { signature: undefined, ageMs: -360_000 }],
  ])('%s is refused, leaves nothing, and is counted', async (_, { signature, ageMs }) => {
    const { createHmac } = await import('node:crypto');
    const uri = `${platform.urls('revenue-adapter')[0]}/webhooks/hubspot`;
    const body = JSON.stringify([
      {
        eventId: 1,
        subscriptionId: 1,
        portalId: 4711,
        appId: 1,
        occurredAt: 1,
        subscriptionType: 'deal.propertyChange',
        attemptNumber: 0,
        objectId: 999_999,
        propertyName: 'dealstage',
        propertyValue: 'closedwon',
        changeSource: 'CRM',
      },
    ]);
    const timestamp = String(Date.now() - ageMs);
    const signed = createHmac('sha256', platform.topology.secrets.hubspotClientSecret)
      .update(`POST${uri}${body}${timestamp}`)
      .digest('base64');
    const before = await refusals();
    const response = await fetch(uri, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-hubspot-signature-v3': signature ?? signed,
        'x-hubspot-request-timestamp': timestamp,
      },
    });
    expect(response.status).toBe(401);
    expect(await refusals()).toBe(before + 1);
  });

  it('that is no JSON is a bad request', async () => {
    const { createHmac } = await import('node:crypto');
    const uri = `${platform.urls('revenue-adapter')[0]}/webhooks/hubspot`;
    const timestamp = String(Date.now());
    const signature = createHmac('sha256', platform.topology.secrets.hubspotClientSecret)
      .update(`POST${uri}[{${timestamp}`)
      .digest('base64');
    const headers = {
      'content-type': 'application/json',
      'x-hubspot-signature-v3': signature,
      'x-hubspot-request-timestamp': timestamp,
    };
    expect((await fetch(uri, { method: 'POST', body: '[{', headers })).status).toBe(400);
  });

  /** How many webhooks the first instance has refused for their signature, as its metrics say. */
  async function refusals(): Promise<number> {
    const text = await (await fetch(`${platform.urls('revenue-adapter')[0]}/metrics`)).text();
    const lines = text.split('\n').filter((line) => /^throughline.*webhooks?_refused/.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
});
