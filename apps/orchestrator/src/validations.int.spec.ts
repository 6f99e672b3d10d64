import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { canonicalId, catalog, opportunityCorrelationId } from '@throughline/contracts';
import { compileDefinition, parseDefinition } from '@throughline/process';
import { ProcessRunner } from '@throughline/process/postgres';
import type { Database } from '@throughline/postgres';
import { DATABASE } from '@throughline/service';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { loadPolicies } from './load-policies.js';
import { migrations } from './migrations.js';
import { ValidationsController } from './validations.controller.js';

const opportunityId = canonicalId('hubspot', '42', 'deal', '4711');
const credit = { owner: 'credit-control', checkpoint: 'credit-approval', when: 'policy.creditApproval.required' };
const definition = {
  process: 'sale',
  version: 1,
  owner: 'billing',
  starts: 'OpportunityClosedWon',
  key: 'opportunityId',
  steps: { 'credit-approval': credit },
};
const ordinary = {
  opportunityId,
  account: { name: 'Ada', country: 'DE' },
  currency: 'EUR',
  totalAmount: '100',
  lineItems: [{ sku: 'CHAIR', unitAmount: '100' }],
};
const large = { ...ordinary, totalAmount: '1000000', lineItems: [{ sku: 'CHAIR', unitAmount: '1000000' }] };

describe('POST /v1/validations/opportunity', () => {
  let test: TestDatabase;
  let database: Database;
  let app: NestExpressApplication;

  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect();
    const contracts = {
      messages: catalog,
      policies: loadPolicies(),
      assignId: (...parts: [string, string]) => canonicalId(...parts),
    };
    const compile = (data: unknown) => compileDefinition(parseDefinition(data), contracts);
    const runner = new ProcessRunner([compile(definition)], compile);
    await runner.storeDefinitions(database);
    @Module({
      controllers: [ValidationsController],
      providers: [
        { provide: DATABASE, useValue: database },
        { provide: ProcessRunner, useValue: runner },
      ],
    })
    class ApiModule {}
    app = await NestFactory.create<NestExpressApplication>(ApiModule, { logger: false, bodyParser: false });
    app.useBodyParser('json', { limit: '1mb' });
    await app.listen(0, '127.0.0.1');
  }, 60_000);
  afterAll(async () => {
    await app.close();
    await test.drop();
  });

  async function ask(body: unknown) {
    const response = await fetch(`${await app.getUrl()}/v1/validations/opportunity`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** The answer once the database had its part in it: a busy machine may take longer than a person is kept waiting. */
  async function wholeAnswer(body: unknown) {
    let answer = await ask(body);
    while ((answer.body['degraded'] as unknown[]).length > 0) answer = await ask(body);
    return answer;
  }

  it('says that a deal passes, needs an approval, or is refused', async () => {
    expect(await wholeAnswer(ordinary)).toEqual({
      status: 200,
      body: {
        outcome: 'passes',
        approvals: [],
        refusals: [],
        policyVersions: { 'credit-approval': 1 },
        started: [],
        degraded: [],
      },
    });
    const needs = { outcome: 'needs-approval', approvals: [{ checkpoint: 'credit-approval', rule: 'for-the-board' }] };
    expect(await ask(large)).toMatchObject({ status: 200, body: needs });
    const refused = { outcome: 'refused', refusals: [{ reason: 'total-mismatch', field: 'totalAmount' }] };
    expect(await ask({ ...ordinary, totalAmount: '99' })).toMatchObject({ status: 200, body: refused });
  });

  it('names the field of what cannot be read, and takes no body without a bound', async () => {
    const malformed = { code: 'REQUEST_INVALID', problems: [{ field: 'lineItems.0.unitAmount' }] };
    expect(await ask({ ...ordinary, lineItems: [{ unitAmount: 0.1 }] })).toMatchObject({
      status: 400,
      body: malformed,
    });
    expect((await ask([])).status).toBe(400);
    expect((await ask('{')).status).toBe(400);
    expect((await ask({ ...ordinary, name: 'x'.repeat(1_100_000) })).status).toBe(413);
  });

  it('answers all the same while the database does not, says what is missing, and asks it again later', async () => {
    const unknown = { outcome: 'needs-approval', started: [], degraded: [{ check: 'already-started' }] };
    await database.transaction(async (tx) => {
      await tx.query({ name: 'lock-instances', text: 'LOCK TABLE process_instance IN ACCESS EXCLUSIVE MODE' });
      const from = performance.now();
      expect(await ask(large)).toMatchObject({ status: 200, body: unknown });
      // While the first one still waits, nobody else does.
      expect(await ask(large)).toMatchObject({ status: 200, body: unknown });
      expect(performance.now() - from).toBeLessThan(1_000);
    });
    const { opportunityId: _, ...anonymous } = large;
    expect(await ask(anonymous)).toMatchObject({ body: { outcome: 'needs-approval', degraded: [] } });
    expect((await wholeAnswer(large)).body).toMatchObject({ outcome: 'needs-approval', started: [], degraded: [] });
  });

  it('tells what was started for the deal before', async () => {
    const externalIds = [{ system: 'hubspot', tenant: '42', type: 'deal', id: '4711' }];
    const event = {
      messageId: canonicalId('message'),
      type: 'OpportunityClosedWon',
      payload: { ...ordinary, account: { ...ordinary.account, domain: null }, occurrence: 1, externalIds },
      source: 'revenue-adapter',
      time: '2026-11-25T12:00:00.000Z',
      correlationId: opportunityCorrelationId(opportunityId, 1),
    };
    await database.transaction((tx) =>
      app.get(ProcessRunner).runBatch(tx, [event], new Date('2026-11-25T12:00:01.000Z'), () => undefined),
    );
    const started = [{ process: 'sale', occurrence: 1, status: 'completed' }];
    expect((await wholeAnswer(large)).body).toMatchObject({ outcome: 'needs-approval', started, degraded: [] });
    expect((await wholeAnswer({ ...large, opportunityId: '4711' })).body).toMatchObject({ started });
  });
});
