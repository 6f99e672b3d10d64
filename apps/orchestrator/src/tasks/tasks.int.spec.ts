import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { canonicalId, catalog, Codec, opportunityCorrelationId } from '@throughline/contracts';
import { Messaging } from '@throughline/messaging';
import { ServerClock, type Database, type Queryable } from '@throughline/postgres';
import { compileCalendar, compileDefinition, parseDefinition, type Policies } from '@throughline/process';
import { findInstances, ProcessRunner } from '@throughline/process/postgres';
import { CONFIG } from '@throughline/service';
import { fixedSchemaIds, testDatabase, until, type TestDatabase } from '@throughline/testing';
import type { OrchestratorConfig } from '../config.js';
import { migrations } from '../migrations.js';
import { orchestratorRoutes } from '../routes.js';
import { emitInto } from '../take-events.js';
import type { Person } from './people.js';
import { ProcessTasks } from './process-tasks.js';
import { persons } from './spec/credit-task.js';
import { AbsencesController, DelegationsController } from './stand-ins.controller.js';
import { TaskLoop } from './task-loop.js';
import { Tasks } from './tasks.js';
import { TasksController } from './tasks.controller.js';

jest.setTimeout(60_000);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
type Json = any;

const HOUR_MS = 3_600_000;

/** A person decides before the order is made; what the policy says is up to the spec. */
const definition = {
  process: 'approved-sale',
  version: 1,
  owner: 'revenue-operations',
  calendar: 'always',
  starts: 'OpportunityClosedWon',
  key: 'opportunityId',
  attributes: ['name', 'currency', 'totalAmount'],
  amount: 'totalAmount',
  'cancelled-by': 'OpportunityReopened',
  steps: {
    'credit-approval': { owner: 'credit-control', checkpoint: 'credit-approval' },
    order: {
      after: 'credit-approval',
      owner: 'order-management',
      command: 'CreateOrder',
      assigns: 'orderId',
      until: 'OrderCreated | OrderRejected',
      timeout: '15 minutes',
      compensation: { command: 'CancelOrder', until: 'OrderCancelled | OrderCancellationRejected' },
    },
  },
};
const always = compileCalendar({
  calendar: 'always',
  'time-zone': 'UTC',
  hours: Object.fromEntries(
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((day) => [day, '00:00-24:00']),
  ),
  'holidays-known-until': '2099-12-31',
});

/** Time as the spec wants it. */
class MovedClock extends ServerClock {
  aheadByMs = 0;

  override async read(database: Queryable): Promise<Date> {
    await super.read(database);
    return this.now();
  }

  override now(): Date {
    return new Date(super.now().getTime() + this.aheadByMs);
  }
}

describe('tasks over HTTP', () => {
  let test: TestDatabase;
  let database: Database;
  let app: INestApplication;
  let url: string;
  let messaging: Messaging;
  let runner: ProcessRunner;
  let loop: TaskLoop;
  const clock = new MovedClock();
  /** What the policy says of the next deal. */
  let outputs: Record<string, unknown> = {};
  let deals = 0;

  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect({ poolSize: 10 });
    await clock.read(database);
    const policies: Policies = {
      compileCondition: () => ({ problems: ['no conditions here'] }),
      compilePolicy: () => ({
        reads: [{ from: 'start', field: 'closedBy' }],
        evaluate: () => {
          const said = { roles: ['credit-controller'], ...outputs };
          const value = { policy: 'credit-approval', version: 3, rule: 'over-limit', outputs: said };
          return { value, policies: [value] };
        },
      }),
    };
    const messages = {
      ...catalog,
      OpportunityClosedWon: {
        ...catalog.OpportunityClosedWon,
        fields: [...catalog.OpportunityClosedWon.fields, 'closedBy'],
      },
    };
    const compile = (data: unknown) =>
      compileDefinition(parseDefinition(data), {
        messages,
        policies,
        calendars: new Map([['always', always]]),
        assignId: (correlationId, field) => canonicalId(correlationId, field),
      });
    const directory = {
      read: () =>
        Promise.resolve<Person[]>([
          ...persons,
          { id: 'mia', name: 'Mia', roles: ['people-administrator'], aliases: [] },
        ]),
    };
    const sink = new ProcessTasks(directory, clock, (from, instance) => runner.definitionOf(from, instance));
    runner = new ProcessRunner([compile(definition)], compile, sink);
    await runner.storeDefinitions(database);
    const codec = new Codec(fixedSchemaIds());
    const routes = orchestratorRoutes(runner, clock);
    await codec.prepare(routes.emits);
    const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
    messaging = new Messaging({ service: 'orchestrator', database, codec, kafka, routes }); // never started
    const tasks = new Tasks({ database, messaging, runner, clock, directory });
    const config = { TIMER_INTERVAL_MS: 10, TIMER_BATCH_SIZE: 2 } as OrchestratorConfig;
    loop = new TaskLoop(config, database, tasks, clock);
    @Module({
      controllers: [TasksController, DelegationsController, AbsencesController],
      providers: [
        { provide: Tasks, useValue: tasks },
        { provide: CONFIG, useValue: { TRACE_VIEWER_URL: 'http://viewer' } },
      ],
    })
    class ApiModule {}
    app = await NestFactory.create(ApiModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(async () => {
    await loop.beforeApplicationShutdown();
    await app.close();
    await test.drop();
  });

  /** Takes an event in as the consumer does. */
  async function take(type: string, deal: string, payload: object = {}): Promise<void> {
    const event = {
      messageId: canonicalId(type, deal),
      type,
      payload: { opportunityId: deal, occurrence: 1, ...payload },
      source: 'spec',
      time: clock.now().toISOString(),
      correlationId: opportunityCorrelationId(deal, 1),
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    };
    await messaging.transaction((tx) => runner.runBatch(tx, [event], clock.now(), emitInto(tx)).then(() => undefined));
  }
  /** A deal that closes, and the task that it waits for. */
  async function close(said: Record<string, unknown> = {}, facts: object = {}): Promise<{ deal: string; id: string }> {
    outputs = said;
    const deal = canonicalId('deal', String(++deals));
    await take('OpportunityClosedWon', deal, {
      name: `Deal ${deals}`,
      account: {
        accountId: canonicalId('a'),
        name: 'Ada',
        domain: null,
        billingEmail: null,
        country: null,
        externalIds: [],
      },
      currency: 'EUR',
      totalAmount: '12000.0000',
      lineItems: [],
      serviceStart: '2026-12-01',
      serviceEnd: '2027-11-30',
      externalIds: [],
      ...facts,
    });
    const { body } = await ask('GET', `?key=${deal}`);
    return { deal, id: body.tasks[0].id };
  }
  async function request(
    path: string,
    method: string,
    body?: object,
    actor?: string,
  ): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${url}/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(actor && { 'x-actor': actor }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }
  const ask = (method: string, path: string, body?: object, actor?: string) =>
    request(`/tasks${path}`, method, body, actor);
  const act = (actor: string, id: string, action: string, body: object = {}) =>
    ask('POST', `/${id}/${action}`, body, actor);
  const statusOf = async (deal: string) => (await findInstances(database, { key: deal, limit: 1 }))[0]!.status;
  const commandsFor = async (deal: string): Promise<string[]> => {
    const { rows } = await database.pool.query<{ type: string }>(
      'SELECT type FROM outbox WHERE correlation_id = $1 ORDER BY id',
      [opportunityCorrelationId(deal, 1)],
    );
    return rows.map(({ type }) => type);
  };
  const refusal = (status: number, code: string) => ({
    status,
    body: expect.objectContaining({ code, message: expect.any(String) }),
  });

  it('a checkpoint opens a task with its facts, policy and rule; the process waits', async () => {
    const { deal, id } = await close({
      due: '4 business hours',
      form: [{ name: 'limit', label: 'Credit limit', type: 'money', required: true }],
    });
    expect(await statusOf(deal)).toBe('deciding');
    expect(await commandsFor(deal)).toEqual([]);
    const { body } = await ask('GET', `/${id}`, undefined, 'carla');
    expect(body).toMatchObject({
      status: 'open',
      title: `Deal ${deals}`,
      amount: '12000.0000',
      currency: 'EUR',
      policy: { policy: 'credit-approval', version: 3, rule: 'over-limit' },
      instance: expect.stringMatching(/^\/v1\/instances\/\d+$/),
      traceUrl: 'http://viewer/zipkin/traces/4bf92f3577b34da6a3ce929d0e0e4736',
      form: [{ name: 'limit', label: 'Credit limit', type: 'money', required: true, options: null }],
      actions: ['claim', 'assign', 'delegate', 'approve', 'reject', 'send-back', 'add-attachment', 'set-follow-up'],
      history: [{ kind: 'opened', policy: { version: 3 }, facts: { totalAmount: '12000.0000' } }],
    });
    expect(body.facts).toContainEqual({
      name: 'totalAmount',
      label: 'Total amount',
      description: expect.stringContaining('Total'),
      value: '12000.0000',
    });
    expect((await ask('GET', `/${id}`, undefined, 'dana')).body.actions).toEqual([]);
  });

  it('the flow continues at once after the decision, in the same transaction', async () => {
    const { deal, id } = await close({
      form: [{ name: 'limit', label: 'Credit limit', type: 'money', required: true }],
    });
    expect((await act('carla', id, 'claim')).body).toMatchObject({
      status: 'claimed',
      assignee: { id: 'carla', name: 'Carla' },
    });
    expect(await act('carla', id, 'approve')).toEqual(refusal(422, 'TASK_FORM_INVALID'));
    expect(await commandsFor(deal)).toEqual([]);
    const { status, body } = await act('carla', id, 'approve', {
      values: { limit: '15000 EUR' },
      reason: 'known for years',
    });
    expect([status, body.status]).toEqual([200, 'approved']);
    expect(await commandsFor(deal)).toEqual(['CreateOrder']);
    expect(await statusOf(deal)).toBe('running');
    expect(body.history.at(-1)).toMatchObject({
      kind: 'approved',
      by: { id: 'carla' },
      reason: 'known for years',
      details: { values: { limit: { amount: '15000.0000', currency: 'EUR' } } },
      policy: { policy: 'credit-approval', version: 3 },
      facts: { totalAmount: '12000.0000' },
    });
  });

  it('a rejection ends the deal, with reason and person', async () => {
    const { deal, id } = await close();
    expect(await act('carla', id, 'reject')).toMatchObject({ status: 400 });
    expect((await act('carla', id, 'reject', { reason: 'no credit' })).body).toMatchObject({ status: 'rejected' });
    const [instance] = await findInstances(database, { key: deal, limit: 1 });
    expect(instance).toMatchObject({
      status: 'refused',
      state: { cause: { step: 'credit-approval', by: 'carla', message: 'no credit' } },
    });
    expect(await commandsFor(deal)).toEqual([]);
  });

  it('of two clerks at once one decides, and the other is told who was faster; the step is decided once', async () => {
    for (let round = 0; round < 5; round++) {
      const { deal, id } = await close();
      const answers = await Promise.all([
        act('carla', id, 'approve'),
        act('carlo', id, 'approve'),
        act('cosima', id, 'reject', { reason: 'no' }),
      ]);
      const won = answers.filter(({ status }) => status === 200);
      const lost = answers.filter(({ status }) => status !== 200);
      expect(won).toHaveLength(1);
      const winner = won[0]!.body.history.at(-1).by.name;
      for (const one of lost) {
        expect(one).toEqual(refusal(409, 'TASK_ENDED'));
        expect(one.body.message).toContain(`by ${winner}`);
      }
      expect(await commandsFor(deal)).toEqual(won[0]!.body.status === 'approved' ? ['CreateOrder'] : []);
    }
  });

  it('whoever saw an older version is told, and nothing is done', async () => {
    const { id } = await close();
    const { version } = (await ask('GET', `/${id}`)).body;
    await act('carla', id, 'claim');
    await act('carla', id, 'release');
    const late = await act('carlo', id, 'claim', { version });
    expect(late).toEqual(refusal(409, 'TASK_CHANGED'));
    expect(late.body.message).toContain('Carla was faster');
    expect((await ask('GET', `/${id}`)).body.status).toBe('open');
  });

  it('nobody decides on their own request, by whatever name the CRM calls them', async () => {
    const { id } = await close({}, { closedBy: 'hubspot:owner:77' });
    expect((await ask('GET', `/${id}`)).body.requestedBy).toEqual({ id: 'sol', name: 'Sol' });
    for (const [action, body] of [
      ['claim', {}],
      ['approve', {}],
      ['reject', { reason: 'x' }],
    ] as const)
      expect(await act('sol', id, action, body)).toEqual(refusal(403, 'TASK_OWN_REQUEST'));
    expect(await act('dana', id, 'approve')).toEqual(refusal(403, 'TASK_ROLE_MISSING'));
    expect(await act('mallory', id, 'approve')).toEqual(refusal(403, 'TASK_ACTOR_UNKNOWN'));
    expect(await ask('POST', `/${id}/claim`, {})).toEqual(refusal(400, 'ACTOR_MISSING'));
  });

  it('four eyes: the step goes on after the second person', async () => {
    const { deal, id } = await close({ fourEyes: true });
    expect((await act('carla', id, 'approve')).body).toMatchObject({
      status: 'open',
      approvalsNeeded: 2,
      approvalsGiven: 1,
    });
    expect(await act('carla', id, 'approve')).toEqual(refusal(403, 'TASK_SECOND_PERSON_NEEDED'));
    expect(await commandsFor(deal)).toEqual([]);
    expect((await act('carlo', id, 'approve')).body.status).toBe('approved');
    expect(await commandsFor(deal)).toEqual(['CreateOrder']);
  });

  it('a delegate decides in the name of another; both are on record', async () => {
    const { id } = await close();
    const endsAt = new Date(clock.now().getTime() + HOUR_MS).toISOString();
    const asAnother = await request('/delegations', 'POST', { person: 'carla', delegate: 'dana', endsAt }, 'dana');
    expect(asAnother).toEqual(refusal(403, 'STAND_IN_NOT_YOURS'));
    expect(await request('/delegations', 'POST', { delegate: 'nobody', endsAt }, 'carla')).toEqual(
      refusal(422, 'STAND_IN_INVALID'),
    );
    const made = await request('/delegations', 'POST', { delegate: 'dana', endsAt }, 'carla');
    expect(made).toMatchObject({ status: 201, body: { person: { id: 'carla' }, delegate: { id: 'dana' } } });
    expect((await ask('GET', '?mine=true', undefined, 'dana')).body.tasks.map((task: Json) => task.id)).toContain(id);
    const { body } = await act('dana', id, 'approve');
    expect(body.history.at(-1)).toMatchObject({ by: { id: 'dana' }, onBehalfOf: { id: 'carla' } });
    expect((await request(`/delegations/${made.body.id}/end`, 'POST', {}, 'carla')).body).toMatchObject({
      endedBy: 'carla',
    });
    expect((await request('/delegations?person=dana', 'GET')).body.delegations).toEqual([]);
    expect((await request('/delegations?person=dana&past=true', 'GET')).body.delegations).toHaveLength(1);
    const { id: next } = await close();
    expect(await act('dana', next, 'approve')).toEqual(refusal(403, 'TASK_ROLE_MISSING'));
  });

  it('it is sent back to who requested it, answered, and decided', async () => {
    const { deal, id } = await close({}, { closedBy: 'sol' });
    expect((await act('carla', id, 'send-back', { reason: 'who signs?' })).body).toMatchObject({
      status: 'sent-back',
      question: 'who signs?',
    });
    expect((await ask('GET', '?mine=true', undefined, 'sol')).body.tasks.map((task: Json) => task.id)).toContain(id);
    expect((await act('sol', id, 'attachments', { name: 'Letter', uri: 'https://documents.example/1' })).status).toBe(
      200,
    );
    expect(await act('sol', id, 'attachments', { name: 'Letter', uri: 'data:text/plain,x' })).toEqual(
      refusal(422, 'TASK_ATTACHMENT_INVALID'),
    );
    expect((await act('sol', id, 'resubmit', { reason: 'the board' })).body).toMatchObject({
      status: 'claimed',
      assignee: { id: 'carla' },
    });
    const { body } = await act('carla', id, 'approve');
    expect(body.history.map(({ kind }: Json) => kind)).toEqual([
      'opened',
      'sent-back',
      'attached',
      'resubmitted',
      'approved',
    ]);
    expect(await commandsFor(deal)).toEqual(['CreateOrder']);
  });

  it('a task whose deal is reopened is withdrawn, and can no longer be decided', async () => {
    const { deal, id } = await close();
    await take('OpportunityReopened', deal);
    expect((await ask('GET', `/${id}`)).body).toMatchObject({ status: 'withdrawn' });
    expect(await act('carla', id, 'approve')).toEqual(refusal(409, 'TASK_ENDED'));
    expect(await commandsFor(deal)).toEqual([]);
  });

  it('decisions and cancellations at the same moment do not wait for each other in a circle', async () => {
    const opened = await Promise.all(Array.from({ length: 10 }, () => close()));
    await Promise.all(
      opened.flatMap(({ deal, id }) => [act('carla', id, 'approve'), take('OpportunityReopened', deal)]),
    );
    for (const { deal, id } of opened) {
      const { status } = (await ask('GET', `/${id}`)).body;
      expect(['approved', 'withdrawn']).toContain(status);
      expect(await commandsFor(deal)).toEqual(status === 'approved' ? ['CreateOrder'] : []);
    }
  });

  it('finds tasks by what people look for, the most urgent first, page by page', async () => {
    const soon = await close({ due: '1 hour' }, { totalAmount: '99000.0000' });
    const late = await close({ due: '2 hours', roles: ['head-of-credit'] }, { totalAmount: '99000.0000' });
    const ids = async (query: string, actor?: string) =>
      (await ask('GET', `?limit=200&${query}`, undefined, actor)).body.tasks.map((task: Json) => task.id);
    expect(await ids('amountMin=90000&currency=EUR')).toEqual([soon.id, late.id]);
    expect(await ids('amountMin=90000&currency=USD')).toEqual([]);
    expect(await ids('role=head-of-credit')).toEqual([late.id]);
    expect(await ids('mine=true', 'hedda')).toEqual([late.id]);
    expect(await ids('process=approved-sale&checkpoint=credit-approval&amountMin=90000')).toEqual([soon.id, late.id]);
    await act('carla', soon.id, 'claim');
    expect(await ids('assignee=carla&amountMin=90000')).toEqual([soon.id]);
    expect(await ids('mine=true&amountMin=90000', 'carlo')).toEqual([]);
    expect(await ids('overdue=true&amountMin=90000')).toEqual([]);
    const first = (await ask('GET', '?amountMin=90000&limit=1')).body;
    expect(first).toMatchObject({ tasks: [{ id: soon.id }], next: soon.id });
    expect((await ask('GET', `?amountMin=90000&limit=1&after=${first.next}`)).body).toMatchObject({
      tasks: [{ id: late.id }],
      next: null,
    });
    expect((await ask('GET', '?status=lost')).body).toMatchObject({ code: 'REQUEST_INVALID' });
    expect(await ask('GET', '/999999')).toEqual(refusal(404, 'TASK_UNKNOWN'));
    expect(await ask('GET', '?mine=true', undefined, 'mallory')).toEqual(refusal(403, 'TASK_ACTOR_UNKNOWN'));
  });

  it('what was decided cannot be changed or removed, not by a slip of SQL either', async () => {
    for (const slip of [`UPDATE task_event SET actor = 'nobody'`, 'DELETE FROM task_event', 'TRUNCATE task_event'])
      await expect(database.pool.query(slip)).rejects.toThrow('task_event is kept for good');
    await expect(database.pool.query('DELETE FROM task_stand_in')).rejects.toThrow('task_stand_in is kept for good');
    await expect(database.pool.query('DELETE FROM task')).rejects.toThrow('task_event');
  });

  it('every request and answer is described', () => {
    const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    const paths = Object.entries(document.paths).filter(([path]) => /tasks|delegations|absences/.test(path));
    expect(paths.length).toBeGreaterThanOrEqual(17);
    for (const [, methods] of paths) {
      for (const operation of Object.values<Json>(methods)) {
        expect(operation.summary).toBeTruthy();
        expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['400']));
      }
    }
  });

  describe('time', () => {
    const later = (hours: number) => (clock.aheadByMs += hours * HOUR_MS);
    const kindsOf = async (id: string): Promise<string[]> =>
      (await ask('GET', `/${id}`)).body.history.map(({ kind }: Json) => kind);

    beforeAll(() => loop.onApplicationBootstrap());

    it('reminds, escalates and expires by the server clock, however many are due at once', async () => {
      const terms = {
        due: '4 hours',
        remind: '1 hour',
        escalateTo: ['head-of-credit'],
        escalateAfter: '5 hours',
        expires: '8 hours',
        onExpiry: 'reject',
      };
      const opened = await Promise.all(Array.from({ length: 5 }, () => close(terms)));
      later(3);
      for (const { id } of opened) await until('the reminder', async () => (await kindsOf(id)).includes('reminded'));
      expect((await ask('GET', `/${opened[0]!.id}`)).body).toMatchObject({
        isOverdue: false,
        roles: ['credit-controller'],
      });
      later(2);
      for (const { id } of opened) await until('the escalation', async () => (await kindsOf(id)).includes('escalated'));
      expect(
        (await ask('GET', '?overdue=true&mine=true', undefined, 'hedda')).body.tasks.length,
      ).toBeGreaterThanOrEqual(5);
      const [first, ...others] = opened;
      expect((await act('hedda', first!.id, 'approve')).body.status).toBe('approved');
      later(3);
      for (const { id, deal } of others) {
        await until('the expiry', async () => (await kindsOf(id)).includes('rejected'));
        expect(await kindsOf(id)).toEqual(['opened', 'reminded', 'escalated', 'expired', 'rejected']);
        expect(await statusOf(deal)).toBe('refused');
      }
      expect(await kindsOf(first!.id)).toEqual(['opened', 'reminded', 'escalated', 'approved']);
      const told = (await ask('GET', '/told?limit=200', undefined, 'hedda')).body;
      expect(told.events.filter(({ kind }: Json) => kind === 'escalated')).toHaveLength(5);
      expect((await ask('GET', `/told?after=${told.next}`, undefined, 'hedda')).body.events).toEqual([]);
    });

    it('an expiry can approve, and the flow goes on', async () => {
      const { deal, id } = await close({ expires: '1 hour', onExpiry: 'approve' });
      later(1);
      await until('the expiry', async () => (await kindsOf(id)).includes('approved'));
      expect(await commandsFor(deal)).toEqual(['CreateOrder']);
    });

    it('what somebody holds who goes away is in the queue again; a colleague may say so', async () => {
      const { id } = await close();
      await act('carla', id, 'claim');
      const endsAt = new Date(clock.now().getTime() + 24 * HOUR_MS).toISOString();
      expect(await request('/absences', 'POST', { person: 'carla', endsAt }, 'carlo')).toEqual(
        refusal(403, 'STAND_IN_NOT_YOURS'),
      );
      const { body: absence } = await request('/absences', 'POST', { person: 'carla', endsAt, reason: 'ill' }, 'mia');
      expect(absence).toMatchObject({ person: { id: 'carla' }, madeBy: 'mia' });
      await until('it is free', async () => (await ask('GET', `/${id}`)).body.status === 'open');
      expect(await act('carla', id, 'claim')).toEqual(refusal(409, 'TASK_ACTOR_ABSENT'));
      expect((await ask('GET', '?mine=true', undefined, 'carla')).body.tasks).toEqual([]);
      expect((await request(`/absences/${absence.id}/end`, 'POST', {}, 'mia')).status).toBe(200);
      expect(await request(`/absences/${absence.id}/end`, 'POST', {}, 'mia')).toEqual(refusal(422, 'STAND_IN_INVALID'));
      expect((await act('carla', id, 'claim')).status).toBe(200);
    });

    it('a policy that says nothing usable keeps no deal waiting for nobody: the owner of the step decides', async () => {
      const { id } = await close({ due: 'soon' });
      const { body } = await ask('GET', `/${id}`);
      expect(body).toMatchObject({
        roles: ['credit-control'],
        history: [{ kind: 'opened', reason: expect.stringContaining('due: must be a duration') }],
      });
    });
  });
});
