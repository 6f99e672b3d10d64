import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { canonicalId, Codec } from '@throughline/contracts';
import { Messaging } from '@throughline/messaging';
import { ServerClock, type Database } from '@throughline/postgres';
import type { Process } from '@throughline/process';
import { findInstances, ProcessRunner } from '@throughline/process/postgres';
import { DATABASE, MESSAGING } from '@throughline/service';
import { fixedSchemaIds, testDatabase, type TestDatabase } from '@throughline/testing';
import { ActionLoop } from '../control/action-loop.js';
import { ActionsController } from '../control/actions.controller.js';
import { InstanceActions } from '../control/instance-actions.js';
import { InstancesController } from '../instances.controller.js';
import { loadRules } from '../load-rules.js';
import { migrations } from '../migrations.js';
import { orchestratorRoutes } from '../routes.js';
import { emitInto } from '../take-events.js';
import { VersionsController } from '../versions/versions.controller.js';

/** Parts of the API's answers that specs look at. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
type Json = any;

/** A small process of real messages, in which a refusal waits for a person. */
export const saleDefinition = {
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
export const { compile } = loadRules();

export const deal = (name: string, totalAmount = '100.0000') => ({
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
const refusal = { reason: 'no-such-product', field: 'lineItems.0', message: 'Add the product.' };

/** The orchestrator's API, runner and outbox on a database of its own, without a broker: events are handed in. */
export class ControlHarness {
  readonly clock = new ServerClock();

  private constructor(
    private readonly test: TestDatabase,
    readonly database: Database,
    readonly runner: ProcessRunner,
  ) {}
  messaging!: Messaging;
  private app!: INestApplication;

  static async start(...processes: Process[]): Promise<ControlHarness> {
    const test = await testDatabase(migrations);
    const database = await test.connect();
    const harness = new ControlHarness(test, database, new ProcessRunner(processes, compile));
    await harness.runner.storeDefinitions(database);
    await harness.clock.read(database);
    await harness.listen();
    return harness;
  }

  private async listen(): Promise<void> {
    const { database, runner, clock } = this;
    const codec = new Codec(fixedSchemaIds());
    const routes = orchestratorRoutes(runner, clock);
    await codec.prepare(routes.emits);
    const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
    this.messaging = new Messaging({ service: 'orchestrator', database, codec, kafka, routes }); // never started
    @Module({
      controllers: [InstancesController, ActionsController, VersionsController],
      providers: [
        { provide: DATABASE, useValue: database },
        { provide: MESSAGING, useValue: this.messaging },
        { provide: ProcessRunner, useValue: runner },
        { provide: ServerClock, useValue: clock },
        InstanceActions,
        ActionLoop,
      ],
    })
    class ApiModule {}
    this.app = await NestFactory.create(ApiModule, { logger: false });
    await this.app.listen(0, '127.0.0.1');
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.test.drop();
  }

  get actions(): InstanceActions {
    return this.app.get(InstanceActions);
  }

  get loop(): ActionLoop {
    return this.app.get(ActionLoop);
  }

  url(): Promise<string> {
    return this.app.getUrl();
  }

  event(key: string, type: string, payload: object = {}) {
    return {
      messageId: canonicalId('message', key, type),
      type,
      payload: { opportunityId: canonicalId(key), occurrence: 1, ...payload },
      source: 'a-service',
      time: '2026-11-22T10:00:00.000Z',
      correlationId: canonicalId('correlation', key),
    };
  }

  async takeAll(events: ReturnType<ControlHarness['event']>[], runner = this.runner): Promise<void> {
    await this.messaging.transaction(async (tx) => {
      await runner.runBatch(tx, events, this.clock.now(), emitInto(tx));
    });
  }

  take(key: string, ...events: [type: string, payload?: object][]): Promise<void> {
    return this.takeAll(events.map(([type, payload]) => this.event(key, type, payload)));
  }

  /** @returns the instance */
  async start(key: string): Promise<string> {
    await this.take(key, ['OpportunityClosedWon', deal(key)]);
    return this.idOf(key);
  }

  async startMany(name: string, count: number, totalAmount?: string): Promise<string[]> {
    const keys = Array.from({ length: count }, (_, n) => `${name}-${n}`);
    await this.takeAll(keys.map((key) => this.event(key, 'OpportunityClosedWon', deal(name, totalAmount))));
    const found = await findInstances(this.database, { attributes: [{ field: 'name', value: name }], limit: 500 });
    return found.map(({ id }) => id);
  }

  /** An instance whose order was refused. */
  async refused(key: string): Promise<string> {
    const id = await this.start(key);
    await this.take(key, ['OrderRejected', refusal]);
    return id;
  }

  async idOf(key: string): Promise<string> {
    return (await findInstances(this.database, { key: canonicalId(key), limit: 1 }))[0]!.id;
  }

  async ask(method: string, path: string, body?: object, actor = 'ada'): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${await this.url()}/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(actor && { 'x-actor': actor }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  post(path: string, body: object, actor?: string): Promise<{ status: number; body: Json }> {
    return this.ask('POST', path, body, actor);
  }

  async get(path: string): Promise<Json> {
    return (await this.ask('GET', path)).body;
  }

  /** Types of the commands that were sent for a deal. */
  async sentOf(key: string): Promise<string[]> {
    const text = 'SELECT type FROM outbox WHERE correlation_id = $1 ORDER BY id';
    const values = [canonicalId('correlation', key)];
    const rows = await this.database.query<{ type: string }>({ name: 'spec-outbox', text }, values);
    return rows.map(({ type }) => type);
  }

  /** All that a preview must leave as it is. */
  everything(): Promise<unknown> {
    return this.database.query({
      name: 'spec-everything',
      text: `SELECT (SELECT json_agg(i ORDER BY id) FROM process_instance i) AS instances, (SELECT count(*) FROM outbox) AS sent,
        (SELECT count(*) FROM process_event) AS events, (SELECT count(*) FROM process_audit) AS audit,
        (SELECT count(*) FROM process_action) AS actions, (SELECT json_agg(s ORDER BY instance_id) FROM process_search s) AS search`,
    });
  }
}
