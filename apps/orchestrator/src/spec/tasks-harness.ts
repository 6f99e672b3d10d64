import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { canonicalId, catalog, Codec, opportunityCorrelationId } from '@throughline/contracts';
import { Messaging } from '@throughline/messaging';
import { ServerClock, type Database, type Queryable } from '@throughline/postgres';
import { compileCalendar, compileDefinition, parseDefinition, type Policies } from '@throughline/process';
import { findInstances, ProcessRunner, type StoredInstance } from '@throughline/process/postgres';
import { CONFIG } from '@throughline/service';
import { fixedSchemaIds, testDatabase, type TestDatabase } from '@throughline/testing';
import type { OrchestratorConfig } from '../config.js';
import type { Rules } from '../load-rules.js';
import { migrations } from '../migrations.js';
import { orchestratorRoutes } from '../routes.js';
import { emitInto } from '../take-events.js';
import type { Directory } from '../tasks/people.js';
import { ProcessTasks } from '../tasks/process-tasks.js';
import { AbsencesController, DelegationsController } from '../tasks/stand-ins.controller.js';
import { TaskLoop } from '../tasks/task-loop.js';
import { Tasks } from '../tasks/tasks.js';
import { TasksController } from '../tasks/tasks.controller.js';
import { persons } from './credit-task.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
export type Json = any;

/** A person decides before the order is made; what the policy says is up to the spec. */
const definition = {
  process: 'approved-sale',
  version: 1,
  owner: 'revenue-operations',
  calendar: 'always',
  starts: 'OpportunityClosedWon',
  key: 'opportunityId',
  attributes: ['name', 'currency', 'totalAmount', 'closedBy'],
  amount: 'totalAmount',
  'cancelled-by': 'OpportunityReopened',
  'amended-by': 'OpportunityAmended',
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

/** Deals that close at a checkpoint, the tasks they wait for, and the HTTP API on a real database. */
export class TasksHarness {
  /** What the policy says of the next deal, beside the role of credit controllers. */
  private outputs: Record<string, unknown> = {};
  private deals = 0;

  private constructor(
    private readonly test: TestDatabase,
    readonly database: Database,
    readonly clock: MovedClock,
    readonly messaging: Messaging,
    readonly runner: ProcessRunner,
    private readonly loops: TaskLoop[],
    readonly app: INestApplication,
    readonly url: string,
  ) {}

  /** @param shipped rules and people as this app ships them; without, those of the spec */
  static async start(shipped?: {
    rules: Pick<Rules, 'processes' | 'compile'>;
    directory: Directory;
  }): Promise<TasksHarness> {
    const test = await testDatabase(migrations);
    const database = await test.connect({ poolSize: 10 });
    const clock = new MovedClock();
    await clock.read(database);
    let harness: TasksHarness | undefined = undefined;
    const compileOwn = compiler(() => harness!.outputs);
    const { processes, compile } = shipped?.rules ?? { processes: [compileOwn(definition)], compile: compileOwn };
    const directory: Directory = shipped?.directory ?? {
      read: () =>
        Promise.resolve([...persons, { id: 'mia', name: 'Mia', roles: ['people-administrator'], aliases: [] }]),
    };
    const sink = new ProcessTasks(directory, clock, (from, instance) => runner.definitionOf(from, instance));
    const runner: ProcessRunner = new ProcessRunner(processes, compile, sink);
    await runner.storeDefinitions(database);
    const codec = new Codec(fixedSchemaIds());
    const routes = orchestratorRoutes(runner, clock);
    await codec.prepare(routes.emits);
    const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
    const messaging = new Messaging({ service: 'orchestrator', database, codec, kafka, routes }); // never started
    const tasks = new Tasks({ database, messaging, runner, clock, directory });
    const config = { TIMER_INTERVAL_MS: 10, TIMER_BATCH_SIZE: 2 } as OrchestratorConfig;
    // Those of two instances of the service.
    const loops = [1, 2].map(() => new TaskLoop(config, database, tasks, clock));
    @Module({
      controllers: [TasksController, DelegationsController, AbsencesController],
      providers: [
        { provide: Tasks, useValue: tasks },
        { provide: CONFIG, useValue: { TRACE_VIEWER_URL: 'http://viewer' } },
      ],
    })
    class ApiModule {}
    const app = await NestFactory.create(ApiModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    harness = new TasksHarness(test, database, clock, messaging, runner, loops, app, await app.getUrl());
    return harness;
  }

  /** Lets time pass, in two instances at once. */
  startLoops(): void {
    for (const loop of this.loops) loop.onApplicationBootstrap();
  }

  async stop(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.beforeApplicationShutdown()));
    await this.app.close();
    await this.test.drop();
  }

  /** Takes an event in as the consumer does. */
  async take(type: string, deal: string, payload: object = {}): Promise<void> {
    const event = {
      messageId: canonicalId(type, deal),
      type,
      payload: { opportunityId: deal, occurrence: 1, ...payload },
      source: 'spec',
      time: this.clock.now().toISOString(),
      correlationId: opportunityCorrelationId(deal, 1),
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    };
    await this.messaging.transaction(async (tx) => {
      await this.runner.runBatch(tx, [event], this.clock.now(), emitInto(tx));
    });
  }

  /** A deal that closes, and the task that it waits for. */
  async close(outputs: Record<string, unknown> = {}, facts: object = {}): Promise<{ deal: string; id: string }> {
    this.outputs = outputs;
    const deal = canonicalId('deal', String(++this.deals));
    const account = { accountId: canonicalId('a'), name: 'Ada', domain: null, billingEmail: null, country: null };
    await this.take('OpportunityClosedWon', deal, {
      name: `Deal ${this.deals}`,
      account: { ...account, externalIds: [] },
      currency: 'EUR',
      totalAmount: '12000.0000',
      lineItems: [],
      serviceStart: '2026-12-01',
      serviceEnd: '2027-11-30',
      externalIds: [],
      ...facts,
    });
    const { body } = await this.ask('GET', `/tasks?key=${deal}`);
    return { deal, id: body.tasks[0].id };
  }

  async ask(method: string, path: string, body?: object, actor?: string): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${this.url}/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(actor && { 'x-actor': actor }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  async instanceOf(deal: string): Promise<StoredInstance> {
    return (await findInstances(this.database, { key: deal, limit: 1 }))[0]!;
  }

  async commandsFor(deal: string): Promise<string[]> {
    const { rows } = await this.database.pool.query<{ type: string }>(
      'SELECT type FROM outbox WHERE correlation_id = $1 ORDER BY id',
      [opportunityCorrelationId(deal, 1)],
    );
    return rows.map(({ type }) => type);
  }
}

/** Definitions whose policy says what the spec wants. */
function compiler(outputs: () => Record<string, unknown>): (data: unknown) => ReturnType<typeof compileDefinition> {
  const policies: Policies = {
    compileCondition: () => ({ problems: ['no conditions here'] }),
    compilePolicy: () => ({
      reads: [{ from: 'start', field: 'totalAmount' }],
      evaluate: () => {
        const said = { roles: ['credit-controller'], ...outputs() };
        const value = { policy: 'credit-approval', version: 3, rule: 'over-limit', outputs: said };
        return { value, policies: [value] };
      },
    }),
  };
  return (data) =>
    compileDefinition(parseDefinition(data), {
      messages: catalog,
      policies,
      calendars: new Map([['always', always]]),
      assignId: (correlationId, field) => canonicalId(correlationId, field),
    });
}
