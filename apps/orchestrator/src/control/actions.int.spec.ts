import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { canonicalId, Codec } from '@throughline/contracts';
import { Messaging } from '@throughline/messaging';
import { ServerClock, type Database } from '@throughline/postgres';
import { findInstances, ProcessRunner, storeAction } from '@throughline/process/postgres';
import { DATABASE, MESSAGING } from '@throughline/service';
import { fixedSchemaIds, testDatabase, until, type TestDatabase } from '@throughline/testing';
import { InstancesController } from '../instances.controller.js';
import { loadRules } from '../load-rules.js';
import { migrations } from '../migrations.js';
import { orchestratorRoutes } from '../routes.js';
import { emitInto } from '../take-events.js';
import { ActionLoop } from './action-loop.js';
import { ActionsController } from './actions.controller.js';
import { InstanceActions } from './instance-actions.js';

/** Parts of the API's answers that these specs look at. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
type Json = any;

const definition = {
  process: 'sale',
  version: 1,
  owner: 'sales',
  starts: 'OpportunityClosedWon',
  key: 'opportunityId',
  attributes: ['name', 'currency', 'totalAmount'],
  amount: 'totalAmount',
  'cancelled-by': ['OpportunityReopened', 'OrderCancelled'],
  steps: {
    order: {
      owner: 'orders',
      command: 'CreateOrder',
      assigns: 'orderId',
      until: 'OrderCreated | OrderRejected',
      timeout: '15 minutes',
      'on-refusal': 'stop',
      compensation: { command: 'CancelOrder', until: 'OrderCancelled | OrderCancellationRejected' },
    },
    provisioning: {
      after: 'order',
      owner: 'warehouse',
      command: 'ProvisionOrder',
      until: 'OrderProvisioned | OrderProvisioningRejected',
      timeout: '1 day',
      'on-refusal': 'stop',
      compensation: { command: 'ReleaseOrder', until: 'OrderReleased | OrderReleaseRejected', timeout: '1 hour' },
    },
  },
};
const refusal = { reason: 'no-such-product', field: 'lineItems.0', message: 'Add the product.' };
const deal = (name: string, totalAmount = '100.0000') => ({
  name,
  account: {
    accountId: canonicalId('a'),
    name: 'Ada',
    domain: null,
    billingEmail: null,
    country: null,
    externalIds: [],
  },
  currency: 'EUR',
  totalAmount,
  closedAt: '2026-11-22T09:59:00.000Z',
  serviceStart: '2026-12-01',
  serviceEnd: '2027-11-30',
  lineItems: [],
  externalIds: [],
  sourceVersion: '1',
});

describe('what people do to instances', () => {
  let test: TestDatabase;
  let database: Database;
  let app: INestApplication;
  let messaging: Messaging;
  let actions: InstanceActions;
  const { compile } = loadRules();
  const runner = new ProcessRunner([compile(definition)], compile);
  const clock = new ServerClock();

  const eventOf = (key: string, type: string, payload: object = {}) => ({
    messageId: canonicalId('message', key, type),
    type,
    payload: { opportunityId: canonicalId(key), occurrence: 1, ...payload },
    source: 'a-service',
    time: '2026-11-22T10:00:00.000Z',
    correlationId: canonicalId('correlation', key),
  });
  const takeAll = (events: ReturnType<typeof eventOf>[]) =>
    messaging.transaction(async (tx) => {
      await runner.runBatch(tx, events, clock.now(), emitInto(tx));
    });
  const take = (key: string, ...events: [type: string, payload?: object][]) =>
    takeAll(events.map(([type, payload]) => eventOf(key, type, payload)));
  const start = (key: string, totalAmount?: string) => take(key, ['OpportunityClosedWon', deal(key, totalAmount)]);
  const startMany = async (name: string, count: number, totalAmount?: string): Promise<string[]> => {
    const keys = Array.from({ length: count }, (_, n) => `${name}-${n}`);
    await takeAll(keys.map((key) => eventOf(key, 'OpportunityClosedWon', deal(name, totalAmount))));
    const found = await findInstances(database, { attributes: [{ field: 'name', value: name }], limit: 500 });
    return found.map(({ id }) => id);
  };
  const refused = async (key: string) => {
    await start(key);
    await take(key, ['OrderRejected', refusal]);
    return idOf(key);
  };
  const idOf = async (key: string): Promise<string> =>
    (await findInstances(database, { key: canonicalId(key), limit: 1 }))[0]!.id;
  const ask = async (
    method: string,
    path: string,
    body?: object,
    actor = 'ada',
  ): Promise<{ status: number; body: Json }> => {
    const response = await fetch(`${await app.getUrl()}/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(actor && { 'x-actor': actor }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const post = (path: string, body: object, actor?: string) => ask('POST', path, body, actor);
  const get = async (path: string): Promise<Json> => (await ask('GET', path)).body;
  const sentOf = async (key: string): Promise<string[]> => {
    const text = 'SELECT type FROM outbox WHERE correlation_id = $1 ORDER BY id';
    const rows = await database.query<{ type: string }>({ name: 'spec-outbox', text }, [
      canonicalId('correlation', key),
    ]);
    return rows.map(({ type }) => type);
  };
  const everything = async (): Promise<unknown> =>
    database.query({
      name: 'spec-everything',
      text: `SELECT (SELECT json_agg(i ORDER BY id) FROM process_instance i) AS instances, (SELECT count(*) FROM outbox) AS sent,
        (SELECT count(*) FROM process_event) AS events, (SELECT count(*) FROM process_audit) AS audit,
        (SELECT count(*) FROM process_action) AS actions, (SELECT json_agg(s ORDER BY instance_id) FROM process_search s) AS search`,
    });

  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect();
    await runner.storeDefinitions(database);
    await clock.read(database);
    const codec = new Codec(fixedSchemaIds());
    const routes = orchestratorRoutes(runner, clock);
    await codec.prepare(routes.emits);
    const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
    messaging = new Messaging({ service: 'orchestrator', database, codec, kafka, routes }); // never started
    @Module({
      controllers: [InstancesController, ActionsController],
      providers: [
        { provide: DATABASE, useValue: database },
        { provide: MESSAGING, useValue: messaging },
        { provide: ProcessRunner, useValue: runner },
        { provide: ServerClock, useValue: clock },
        InstanceActions,
        ActionLoop,
      ],
    })
    class ApiModule {}
    app = await NestFactory.create(ApiModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    actions = app.get(InstanceActions);
  }, 60_000);
  afterAll(async () => {
    await app.close();
    await test.drop();
  });

  it('a preview says what would be sent, what would change and what is refused, and touches nothing', async () => {
    const id = await refused('previewed');
    const before = await everything();
    const retry = await post('actions/preview', { action: 'retry', ids: [id] });
    expect(retry).toMatchObject({
      status: 200,
      body: {
        total: 1,
        instances: [
          {
            id,
            status: 'stopped',
            outcome: 'done',
            statusAfter: 'running',
            commands: [
              { type: 'CreateOrder', unit: 'order', direction: 'forward', payload: { totalAmount: '100.0000' } },
            ],
            before: { status: 'stopped', 'steps.order.status': 'refused' },
            after: { status: 'running', 'steps.order.status': 'commanded' },
          },
        ],
      },
    });
    const resume = await post('actions/preview', { action: 'resume', ids: [id] });
    expect(resume.body.instances).toMatchObject([
      { outcome: 'refused', why: expect.stringContaining('not paused'), commands: [], statusAfter: null },
    ]);
    expect(await everything()).toEqual(before);
  });

  it('a refused step is asked for again, with who and why, once however often it is sent', async () => {
    const id = await refused('again');
    const request = { id: 'again-1', action: 'retry', ids: [id], reason: 'product added' };
    const done = await post('actions', request);
    expect(done).toMatchObject({
      status: 200,
      body: { id: 'again-1', status: 'done', total: 1, done: 1, refused: 0, pending: 0 },
    });
    expect(await post('actions', request)).toEqual(done);
    expect(await sentOf('again')).toEqual(['CreateOrder', 'CreateOrder']);
    const instance = await get(`instances/${id}`);
    expect(instance).toMatchObject({
      status: 'running',
      steps: [{ step: 'order', status: 'commanded', attempts: 2 }, {}],
    });
    expect(instance.history.at(-1)).toMatchObject({ type: 'control:retry', commands: ['CreateOrder'] });
    expect((await get(`audit?instance=${id}`)).entries).toMatchObject([
      {
        actor: 'ada',
        action: 'retry',
        actionId: 'again-1',
        reason: 'product added',
        outcome: 'done',
        commands: ['CreateOrder'],
        before: { status: 'stopped' },
        after: { status: 'running' },
      },
    ]);
    const another = await post('actions', { ...request, action: 'cancel' });
    expect(another).toMatchObject({ status: 409, body: { code: 'PROCESS_ACTION_ID_TAKEN' } });
  });

  it('pause holds it, resume lets it go on with what came meanwhile', async () => {
    await start('held');
    const id = await idOf('held');
    await post('actions', { action: 'pause', ids: [id], reason: 'waiting for the bank' });
    await take('held', ['OrderCreated', { orderNumber: '1', externalIds: [] }]);
    expect(await sentOf('held')).toEqual(['CreateOrder']);
    expect((await get('instances?paused=true')).instances).toMatchObject([{ id, status: 'paused' }]);
    await post('actions', { action: 'resume', ids: [id], reason: 'paid' });
    expect(await sentOf('held')).toEqual(['CreateOrder', 'ProvisionOrder']);
    expect((await get('instances?paused=true')).instances).toEqual([]);
  });

  it('skip goes on without a step, cancel undoes what was done', async () => {
    const id = await refused('skipped');
    const skip = await post('actions', { action: 'skip', ids: [id], unit: 'order', reason: 'made by hand' });
    expect(skip.body).toMatchObject({ done: 1 });
    expect((await get(`instances/${id}`)).steps[0]).toMatchObject({ step: 'order', status: 'skipped' });
    await start('cancelled');
    await take(
      'cancelled',
      ['OrderCreated', { orderNumber: '1', externalIds: [] }],
      ['OrderProvisioned', { externalIds: [] }],
    );
    const cancelled = await idOf('cancelled');
    expect(
      (await post('actions/preview', { action: 'cancel', ids: [cancelled] })).body.instances[0].commands,
    ).toMatchObject([{ type: 'ReleaseOrder', direction: 'compensation' }]);
    await post('actions', { action: 'cancel', ids: [cancelled], reason: 'fraud' });
    await take('cancelled', ['OrderReleased', { externalIds: [] }], ['OrderCancelled', { externalIds: [] }]);
    expect(await sentOf('cancelled')).toEqual(['CreateOrder', 'ProvisionOrder', 'ReleaseOrder', 'CancelOrder']);
    expect(await get(`instances/${cancelled}`)).toMatchObject({
      status: 'compensated',
      cause: { type: 'control:cancel' },
    });
  });

  it('repair puts facts right before a step is asked for again, and keeps what they were', async () => {
    const id = await refused('repaired');
    const facts = { start: { totalAmount: '120.0000' } };
    await post('actions', { action: 'repair', ids: [id], facts, reason: 'typo' });
    await post('actions', { action: 'retry', ids: [id], reason: 'typo corrected' });
    const [, entry] = (await get(`audit?instance=${id}`)).entries;
    expect(entry).toMatchObject({
      action: 'repair',
      before: { 'facts.start.totalAmount': '100.0000' },
      after: { 'facts.start.totalAmount': '120.0000' },
    });
    expect((await get(`instances?where=totalAmount=120.0000`)).instances).toMatchObject([{ id }]);
    const unknown = await post('actions', {
      action: 'repair',
      ids: [id],
      facts: { start: { colour: 'red' } },
      reason: 'x',
    });
    expect(unknown.body).toMatchObject({
      refused: 1,
      results: [{ outcome: 'refused', why: expect.stringContaining('colour') }],
    });
  });

  it('facts that no command can carry are refused for that instance alone, and the others are done', async () => {
    const [bad, good] = [await refused('bad'), await refused('good')];
    await post('actions', { action: 'repair', ids: [bad], facts: { start: { totalAmount: 'lots' } }, reason: 'x' });
    const { body } = await post('actions', { action: 'retry', ids: [bad, good], reason: 'both' });
    expect(body).toMatchObject({ status: 'done', total: 2, done: 1, refused: 1 });
    expect(body.results.find(({ instanceId }: Json) => instanceId === bad)).toMatchObject({
      outcome: 'refused',
      commands: [],
    });
    expect(await sentOf('bad')).toEqual(['CreateOrder']);
    expect(await sentOf('good')).toEqual(['CreateOrder', 'CreateOrder']);
  });

  it('a bulk action by a search does exactly those that were meant when it was asked for, each with the one id', async () => {
    await startMany('bulk', 250, '777.0000');
    const filter = { where: ['totalAmount=777.0000'], status: 'running', step: 'order' };
    const preview = (await post('actions/preview', { action: 'pause', filter, limit: 3 })).body;
    expect([preview.total, preview.instances.length]).toEqual([250, 3]);
    const request = { id: 'bulk-pause', action: 'pause', filter, reason: 'recall' };
    expect((await post('actions', request)).status).toBe(200);
    const ended = await until('the end of it', async () => {
      const action = await get('actions/bulk-pause');
      return action.status === 'done' && action;
    });
    expect(ended).toMatchObject({ total: 250, done: 250, refused: 0, pending: 0 });
    await start('bulk-late', '777.0000');
    // By now the filter would mean others; the same request is still the same action.
    expect((await post('actions', request)).body).toMatchObject({ total: 250, done: 250 });
    expect((await get('instances?paused=true&limit=500')).instances).toHaveLength(250);
    expect((await get('actions')).actions[0]).toMatchObject({ id: 'bulk-pause', actor: 'ada', reason: 'recall' });
  });

  it('an action that was cut off is carried on from where it was, and one that is stopped says what was not done', async () => {
    const ids = await startMany('cut', 150);
    const store = (id: string) =>
      database.transaction((tx) =>
        storeAction(tx, { id, action: 'pause', parameters: { ids }, actor: 'ada', reason: 'r' }, ids, clock.now()),
      );
    // As a request leaves it whose service ends in the middle.
    await app.get(ActionLoop).beforeApplicationShutdown();
    await store('cut');
    await actions.carryOn('cut');
    expect(await get('actions/cut')).toMatchObject({ status: 'running', done: 100, pending: 50 });
    expect((await post('actions/cut/stop', { reason: 'enough' })).body).toMatchObject({
      status: 'stopped',
      done: 100,
      pending: 50,
      stoppedBy: 'ada',
      stoppedBecause: 'enough',
    });
    expect(await actions.carryOn()).toBe('nothing');
    await store('cut-again');
    const next = new ActionLoop(actions);
    next.onApplicationBootstrap();
    const ended = await until('the loop to carry on', async () => {
      const action = await get('actions/cut-again');
      return action.status === 'done' && action;
    });
    await next.beforeApplicationShutdown();
    // Those that the first one paused cannot be paused again.
    expect(ended).toMatchObject({ total: 150, done: 50, refused: 100, pending: 0 });
  });

  it('refuses what it does not understand, who is nobody, and history that would be rewritten', async () => {
    const id = await idOf('held');
    for (const [body, text] of [
      [{ action: 'explode', ids: [id], reason: 'x' }, 'action'],
      [{ action: 'pause', reason: 'x' }, 'either ids or filter'],
      [{ action: 'pause', ids: [id] }, 'reason'],
      [{ action: 'pause', filter: { colour: 'red' }, reason: 'x' }, 'colour'],
    ] as const) {
      const answer = await post('actions', body);
      expect([answer.status, answer.body.code]).toEqual([400, 'REQUEST_INVALID']);
      expect(answer.body.message).toContain(text);
    }
    expect((await post('actions', { action: 'pause', ids: [id], reason: 'x' }, '')).body).toMatchObject({
      code: 'ACTOR_MISSING',
    });
    expect(await ask('GET', 'actions/nothing')).toMatchObject({
      status: 404,
      body: { code: 'PROCESS_ACTION_UNKNOWN' },
    });
    const missing = await post('actions', { action: 'pause', ids: ['999999'], reason: 'x' });
    expect(missing.body).toMatchObject({ refused: 1, results: [{ why: 'There is no instance 999999.' }] });
    for (const change of ['UPDATE process_audit SET actor = $1', 'DELETE FROM process_audit WHERE actor = $1'])
      await expect(database.query({ name: change, text: change }, ['eve'])).rejects.toThrow('append-only');
  });
});
