import { randomUUID } from 'node:crypto';
import { Client, Signature } from '@hubspot/api-client';
import {
  AssociationSpecAssociationCategoryEnum,
  FilterOperatorEnum,
} from '@hubspot/api-client/lib/codegen/crm/deals/index.js';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Json } from '../spec/json.js';
import { type RunningSandbox, secrets, startSandbox } from '../spec/start-sandbox.js';
import { receiveWebhooks, type WebhookReceiver } from '../spec/webhook-receiver.js';

jest.setTimeout(60_000);

let sandbox: RunningSandbox;
let receiver: WebhookReceiver;
let crm: Client['crm'];

beforeAll(async () => {
  receiver = await receiveWebhooks();
  sandbox = await startSandbox({ HUBSPOT_WEBHOOK_URLS: receiver.url, SEARCH_LAG_MS: '400' });
  crm = client(secrets.HUBSPOT_ACCESS_TOKEN).crm;
});
afterAll(async () => {
  await sandbox?.stop();
  await receiver?.stop();
});

const client = (accessToken: string) =>
  new Client({ accessToken, basePath: sandbox.url, numberOfApiCallRetries: 0, limiterOptions: { minTime: 0 } });
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code: number; body: Json }) => error,
  );
const hubspotDefined = (associationTypeId: number) => [
  { associationCategory: AssociationSpecAssociationCategoryEnum.HubspotDefined, associationTypeId },
];
const later = async <T>(read: () => Promise<T>, done: (value: T) => boolean): Promise<T> => {
  for (;;) {
    const value = await read();
    if (done(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

async function dealWithLines() {
  const company = await crm.companies.basicApi.create({
    properties: { name: 'Acme', domain: 'acme.example', country: 'DE', billing_email: 'pay@acme.example' },
  });
  const deal = await crm.deals.basicApi.create({
    properties: { dealname: 'Big', amount: '30.5', deal_currency_code: 'EUR', closedate: '2026-11-22' },
    associations: [{ to: { id: company.id }, types: hubspotDefined(5) }],
  });
  const line = await crm.lineItems.basicApi.create({
    properties: { name: 'Seat', quantity: '3', price: '10.10', hs_sku: 'SEAT' },
    associations: [{ to: { id: deal.id }, types: hubspotDefined(20) }],
  });
  return { company, deal, line };
}

describe('deals', () => {
  it('are created with associations and read with properties, history and associations', async () => {
    const { company, deal, line } = await dealWithLines();
    expect(
      line.properties.amount ?? (await crm.lineItems.basicApi.getById(line.id, ['amount'])).properties.amount,
    ).toBe('30.3');
    await crm.deals.basicApi.update(deal.id, { properties: { dealstage: 'closedwon' } });
    await crm.deals.basicApi.update(deal.id, { properties: { dealstage: 'contractsent' } });
    await crm.deals.basicApi.update(deal.id, { properties: { dealstage: 'closedwon' } });
    const read = await crm.deals.basicApi.getById(
      deal.id,
      ['dealname', 'amount', 'throughline_order_number', 'nonsense'],
      ['dealstage'],
      ['line_items', 'companies'],
    );
    expect(read.properties).toMatchObject({
      dealname: 'Big',
      amount: '30.5',
      throughline_order_number: null,
      hs_object_id: deal.id,
    });
    expect(read.properties).not.toHaveProperty('nonsense');
    expect(read.propertiesWithHistory?.dealstage?.map(({ value }) => value)).toEqual([
      'closedwon',
      'contractsent',
      'closedwon',
      'appointmentscheduled',
    ]);
    expect(read.propertiesWithHistory?.dealstage?.[0]).toMatchObject({
      sourceType: 'INTEGRATION',
      timestamp: expect.any(Date),
    });
    expect(read.associations?.['line items']?.results).toEqual([
      expect.objectContaining({ id: line.id, type: 'deal_to_line_item' }),
    ]);
    expect(read.associations?.companies?.results.map(({ type }) => type)).toEqual([
      'deal_to_company',
      'deal_to_company_unlabeled',
    ]);
    expect(read.associations?.companies?.results[0]?.id).toBe(company.id);
  });

  it('the same written again changes nothing; a line item edited changes when the deal was modified', async () => {
    const { deal, line } = await dealWithLines();
    const modified = async () => (await crm.deals.basicApi.getById(deal.id, ['hs_tcv'])).properties;
    const before = await modified();
    await crm.deals.basicApi.update(deal.id, { properties: { dealname: 'Big' } });
    expect(await modified()).toEqual(before);
    await crm.lineItems.basicApi.update(line.id, { properties: { quantity: '4' } });
    const after = await modified();
    expect(after.hs_tcv).toBe('40.4');
    expect(after.hs_lastmodifieddate! > before.hs_lastmodifieddate!).toBe(true);
  });

  it('are archived, listed, and gone for readers', async () => {
    const { deal } = await dealWithLines();
    await crm.deals.basicApi.archive(deal.id);
    expect(await refusal(crm.deals.basicApi.getById(deal.id))).toMatchObject({
      code: 404,
      body: { status: 'error', category: 'OBJECT_NOT_FOUND', correlationId: expect.any(String) },
    });
    expect(await crm.deals.basicApi.getById(deal.id, undefined, undefined, undefined, true)).toMatchObject({
      archived: true,
    });
    const page = await crm.deals.basicApi.getPage(1);
    expect(page.results).toHaveLength(1);
    const all = await crm.deals.getAll();
    expect(all.map(({ id }) => id)).not.toContain(deal.id);
  });

  it('refuse unknown and read-only properties, stages and numbers that are none, and strangers', async () => {
    const { deal } = await dealWithLines();
    const write = (properties: Record<string, string>) => refusal(crm.deals.basicApi.update(deal.id, { properties }));
    expect(await write({ colour: 'red' })).toMatchObject({
      code: 400,
      body: { category: 'VALIDATION_ERROR', message: expect.stringContaining('PROPERTY_DOESNT_EXIST') },
    });
    expect(await write({ hs_lastmodifieddate: '1' })).toMatchObject({
      code: 400,
      body: { message: expect.stringContaining('READ_ONLY_VALUE') },
    });
    expect(await write({ dealstage: 'won' })).toMatchObject({
      code: 400,
      body: { message: expect.stringContaining('INVALID_OPTION') },
    });
    expect(await write({ amount: 'much' })).toMatchObject({ code: 400 });
    expect(await refusal(client('wrong').crm.deals.basicApi.getById(deal.id))).toMatchObject({
      code: 401,
      body: { category: 'INVALID_AUTHENTICATION' },
    });
  });
});

describe('batches', () => {
  it('create, read, update and upsert; what is missing is told with 207', async () => {
    const { deal } = await dealWithLines();
    const created = await crm.lineItems.batchApi.create({
      inputs: ['A', 'B'].map((name) => ({
        properties: { name, quantity: '1', price: '5' },
        associations: [{ to: { id: deal.id }, types: hubspotDefined(20) }],
      })),
    });
    const ids = created.results.map(({ id }) => id);
    const read = await crm.lineItems.batchApi.read({
      inputs: [...ids, '999'].map((id) => ({ id })),
      properties: ['name', 'amount'],
      propertiesWithHistory: [],
    });
    expect(read.results.map(({ properties }) => properties.amount)).toEqual(['5', '5']);
    expect(read).toMatchObject({ numErrors: 1, errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['999'] } }] });
    await crm.lineItems.batchApi.update({ inputs: ids.map((id) => ({ id, properties: { price: '6' } })) });
    const sku = randomUUID();
    const upsert = (price: string) =>
      crm.products.batchApi.upsert({
        inputs: [
          { id: sku, idProperty: 'hs_sku', properties: { name: 'P', price } },
          { id: randomUUID(), idProperty: 'hs_sku', properties: { price: 'wrong' } },
        ],
      });
    expect(await upsert('1')).toMatchObject({ numErrors: 1, results: [{ _new: true }] });
    expect(await upsert('2')).toMatchObject({ numErrors: 1, results: [{ _new: false }] });
  });
});

describe('associations (v4)', () => {
  it('are put by default, read, batch read and removed', async () => {
    const deal = await crm.deals.basicApi.create({ properties: { dealname: 'linked' } });
    const company = await crm.companies.basicApi.create({ properties: { name: 'Linked' } });
    const line = await crm.lineItems.basicApi.create({ properties: { name: 'L', quantity: '1', price: '1' } });
    const put = await crm.associations.v4.basicApi.createDefault('deals', deal.id, 'companies', company.id);
    expect(put.results.map(({ associationSpec }) => associationSpec.associationTypeId).sort((a, b) => a - b)).toEqual([
      5, 6, 341, 342,
    ]);
    await crm.associations.v4.basicApi.createDefault('line_items', line.id, 'deals', deal.id);
    const page = await crm.associations.v4.basicApi.getPage('deals', deal.id, 'companies');
    expect(page.results).toMatchObject([
      { toObjectId: company.id, associationTypes: [{ typeId: 5, label: 'Primary' }, { typeId: 341 }] },
    ]);
    const batch = await crm.associations.v4.batchApi.getPage('deals', 'line_items', { inputs: [{ id: deal.id }] });
    expect(batch.results).toMatchObject([{ _from: { id: deal.id }, to: [{ toObjectId: line.id }] }]);
    await crm.associations.v4.basicApi.archive('deals', deal.id, 'line_items', line.id);
    expect((await crm.associations.v4.basicApi.getPage('deals', deal.id, 'line_items')).results).toEqual([]);
    expect(await refusal(crm.associations.v4.basicApi.createDefault('deals', deal.id, 'companies', '1'))).toMatchObject(
      { code: 400 },
    );
  });
});

describe('search', () => {
  const search = (since: number, more = {}) =>
    crm.deals.searchApi.doSearch({
      filterGroups: [
        { filters: [{ propertyName: 'hs_lastmodifieddate', operator: FilterOperatorEnum.Gte, value: String(since) }] },
      ],
      sorts: ['hs_lastmodifieddate'],
      properties: ['dealname', 'dealstage'],
      limit: 100,
      ...more,
    });

  it('is behind the writes, then finds what was modified, oldest first, page by page', async () => {
    const since = Date.now();
    const ids: string[] = [];
    for (let n = 0; n < 3; n++)
      ids.push((await crm.deals.basicApi.create({ properties: { dealname: `search ${n}` } })).id);
    expect((await search(since)).total).toBe(0);
    const found = await later(
      () => search(since),
      ({ total }) => total === 3,
    );
    expect(found.results.map(({ id }) => id)).toEqual(ids);
    await crm.deals.basicApi.update(ids[0]!, { properties: { dealstage: 'closedwon' } });
    expect((await search(since)).results[0]).toMatchObject({
      id: ids[0],
      properties: { dealstage: 'appointmentscheduled' },
    });
    const moved = await later(
      () => search(since),
      ({ results }) => results[2]?.id === ids[0],
    );
    expect(moved.results[2]?.properties.dealstage).toBe('closedwon');
    const first = await search(since, { limit: 2 });
    expect(first).toMatchObject({ total: 3, paging: { next: { after: '2' } } });
    expect((await search(since, { limit: 2, after: first.paging!.next!.after })).results.map(({ id }) => id)).toEqual([
      ids[0],
    ]);
  });

  it('knows its operators', async () => {
    const marker = `marker ${randomUUID()}`;
    const deal = await crm.deals.basicApi.create({ properties: { dealname: marker, amount: '12.5' } });
    const by = (propertyName: string, operator: FilterOperatorEnum, more: object) =>
      crm.deals.searchApi.doSearch({
        filterGroups: [
          {
            filters: [
              { propertyName: 'dealname', operator: FilterOperatorEnum.Eq, value: marker },
              { propertyName, operator, ...more },
            ],
          },
        ],
        limit: 10,
      });
    await later(
      () => by('amount', FilterOperatorEnum.HasProperty, {}),
      ({ total }) => total === 1,
    );
    const total = async (...args: Parameters<typeof by>) => (await by(...args)).total;
    expect(await total('amount', FilterOperatorEnum.Gt, { value: '9' })).toBe(1);
    expect(await total('amount', FilterOperatorEnum.Between, { value: '13', highValue: '14' })).toBe(0);
    expect(await total('dealstage', FilterOperatorEnum.In, { values: ['closedwon', 'appointmentscheduled'] })).toBe(1);
    expect(await total('hs_object_id', FilterOperatorEnum.Gt, { value: deal.id })).toBe(0);
    expect(await total('throughline_order_number', FilterOperatorEnum.NotHasProperty, {})).toBe(1);
  });
});

describe('webhooks', () => {
  const about = (id: string) =>
    receiver.received.flatMap(({ json }) => json as Json[]).filter(({ objectId }) => objectId === Number(id));

  it('come as signed arrays, also for what the API itself wrote', async () => {
    const deal = await crm.deals.basicApi.create({ properties: { dealname: 'told', amount: '5' } });
    await crm.deals.basicApi.update(deal.id, {
      properties: { dealstage: 'closedwon', throughline_order_number: '1', dealname: 'not subscribed' },
    });
    await receiver.until(() => about(deal.id).length >= 5);
    const told = about(deal.id);
    expect(
      told.map(({ subscriptionType, propertyName }) => `${subscriptionType} ${propertyName ?? ''}`).sort(),
    ).toEqual([
      'deal.creation ',
      'deal.propertyChange amount',
      'deal.propertyChange dealstage',
      'deal.propertyChange dealstage',
      'deal.propertyChange throughline_order_number',
    ]);
    expect(told.find(({ propertyValue }) => propertyValue === 'closedwon')).toMatchObject({
      portalId: 4711,
      changeSource: 'INTEGRATION',
      attemptNumber: 0,
      occurredAt: expect.any(Number),
      eventId: expect.any(Number),
      subscriptionId: expect.any(Number),
    });
    for (const { body, headers } of receiver.received) {
      const signed = {
        signatureVersion: 'v3',
        signature: headers['x-hubspot-signature-v3'] as string,
        method: 'POST',
        clientSecret: secrets.HUBSPOT_CLIENT_SECRET,
        requestBody: body,
        url: receiver.url,
        timestamp: Number(headers['x-hubspot-request-timestamp']),
      };
      expect(Signature.isValid(signed)).toBe(true);
      expect(Signature.isValid({ ...signed, requestBody: `${body} ` })).toBe(false);
    }
  });

  it('are sent again with a higher attempt number', async () => {
    receiver.answers.push(500, 500);
    const deal = await crm.deals.basicApi.create({ properties: { dealname: 'again' } });
    await receiver.until(() => about(deal.id).some(({ attemptNumber }) => attemptNumber === 2));
  });
});

it('the portal has one pipeline with its stages', async () => {
  const { results } = await crm.pipelines.pipelinesApi.getAll('deals');
  expect(results[0]?.stages.map(({ id }) => id)).toContain('closedwon');
});
