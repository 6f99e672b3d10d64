import { MedusaClient, type MedusaOrder } from '@throughline/connectors/medusa';
import { canonicalId, codeOf, opportunityCorrelationId, retryOf, type Messages } from '@throughline/contracts';
import type { EffectContext, EffectResult, Job, Message, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import type { Database, Tx } from '@throughline/postgres';
import { startSandbox, testDatabase } from '@throughline/testing';
import { randomUUID } from 'node:crypto';
import { claimCursor, moveCursor, releaseCursors } from '../changes/cursor-store.js';
import { pollOrders, type PollDependencies } from '../changes/poll-orders.js';
import { lookForStock } from '../changes/look-for-stock.js';
import { releaseStray } from '../changes/release-stray.js';
import { sweepDrafts } from '../changes/sweep-drafts.js';
import { migrations } from '../migrations/index.js';
import { cancelOrder } from '../orders/cancel-order.js';
import { createOrder, type OrderDependencies } from '../orders/create-order.js';
import { fulfilBackorder } from '../orders/fulfil-backorder.js';
import { fulfilOrderLine } from '../orders/fulfil-order-line.js';
import { OrderPlaces } from '../orders/order-place.js';
import { provisionOrder } from '../orders/provision-order.js';
import { releaseOrder } from '../orders/release-order.js';
import { FaultProxy } from './fault-proxy.js';
import { CallRecord } from './spec-context.js';

type CommandType = 'CreateOrder' | 'ProvisionOrder' | 'FulfilOrderLine' | 'ReleaseOrder' | 'CancelOrder';
type Handler = (message: Message, context: EffectContext) => Promise<EffectResult>;

const MAX_ATTEMPTS = 8;

/**
 * The sandbox, or a real Medusa where SPEC_MEDUSA_BASE_URL and SPEC_MEDUSA_API_KEY name one (it needs a region per currency used
 * here and a shipping option).
 */
export async function startMedusa(): Promise<{ url: string; apiKey: string; stop(): Promise<void> }> {
  const url = process.env['SPEC_MEDUSA_BASE_URL'];
  if (url) return { url, apiKey: process.env['SPEC_MEDUSA_API_KEY'] ?? '', stop: async () => {} };
  const sandbox = await startSandbox();
  return { url: sandbox.url, apiKey: sandbox.secrets.MEDUSA_API_KEY, stop: () => sandbox.stop() };
}

/** For specs: handlers on a real database against Medusa behind a proxy that spoils calls; messages are collected, not sent. */
export class OpsHarness {
  readonly emitted: OutgoingMessage[] = [];
  private readonly handlers: Record<CommandType, Handler>;
  private readonly record = new CallRecord();
  private readonly polling: PollDependencies;

  private constructor(
    readonly proxy: FaultProxy,
    /** Straight to Medusa, past the proxy: what a person does there, and what an auditor sees. */
    readonly person: MedusaClient,
    readonly database: Database,
    readonly dependencies: OrderDependencies,
    private readonly vendorUrl: string,
    readonly stop: () => Promise<void>,
  ) {
    this.handlers = {
      CreateOrder: createOrder(dependencies) as Handler,
      ProvisionOrder: provisionOrder(dependencies) as Handler,
      FulfilOrderLine: fulfilOrderLine(dependencies) as Handler,
      ReleaseOrder: releaseOrder(dependencies) as Handler,
      CancelOrder: cancelOrder(dependencies) as Handler,
    };
    this.polling = {
      medusa: dependencies.medusa,
      database,
      messaging: { transaction: (fn) => this.transaction(fn) },
      storeId: dependencies.storeId,
      instanceId: randomUUID(),
      now: () => new Date(),
      overlapMs: 30_000,
      leaseMs: 60_000,
    };
  }

  /** What a person sets in the sandbox: how much of a SKU is in stock. */
  async setStock(sku: string, quantity: number): Promise<void> {
    await this.control('PUT', `/sandbox/stock/${sku}`, { quantity });
  }

  /** How much of a SKU is on the sandbox's shelf. */
  async stockOf(sku: string): Promise<number | null> {
    const rows = (await this.control('GET', '/sandbox/stock')) as { sku: string; stocked: number | null }[];
    return rows.find((row) => row.sku === sku)!.stocked;
  }

  /** Goods come back: so many of one line, or all that was fulfilled. */
  async receiveReturn(medusaOrderId: string, ...items: { id: string; quantity: number }[]): Promise<void> {
    await this.control('POST', `/sandbox/orders/${medusaOrderId}/return`, items.length > 0 ? { items } : {});
  }

  private async control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(new URL(path, this.vendorUrl), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  static async start(): Promise<OpsHarness> {
    const vendor = await startMedusa();
    const testing = await testDatabase(migrations);
    const database = await testing.connect();
    const proxy = await FaultProxy.start(vendor.url);
    const medusa = new MedusaClient({ baseUrl: proxy.url, apiKey: vendor.apiKey, timeoutMs: 20_000 });
    const person = new MedusaClient({ baseUrl: vendor.url, apiKey: vendor.apiKey, timeoutMs: 20_000 });
    const places = new OrderPlaces(medusa, {});
    const dependencies = { medusa, database, places, storeId: 'store_spec', now: () => new Date() };
    return new OpsHarness(proxy, person, database, dependencies, vendor.url, async () => {
      await proxy.stop();
      await testing.drop();
      await vendor.stop();
    });
  }

  /** One attempt, as a worker makes it. */
  async attempt<T extends CommandType>(command: Message<T>, attempt: number): Promise<void> {
    const handler = this.handlers[command.type];
    await this.settle(await handler(command as Message, this.record.context(command.envelope.id, attempt)));
  }

  private settle(result: EffectResult): Promise<void> {
    return this.transaction(async (tx) => {
      await result.apply?.(tx);
      tx.emit(result.emit ?? []);
    });
  }

  /** Attempts until one succeeds, as the work queue does. @returns how many it took. */
  run(command: Message<CommandType>): Promise<number> {
    const handler = this.handlers[command.type];
    return this.untilDone((attempt) => handler(command, this.record.context(command.envelope.id, attempt)));
  }

  private async untilDone(work: (attempt: number) => Promise<EffectResult>): Promise<number> {
    for (let attempt = 1; ;) {
      try {
        await this.settle(await work(attempt));
        return attempt;
      } catch (error) {
        if (retryOf(error) === 'never' || attempt === MAX_ATTEMPTS) throw error;
        // Waiting for another worker's call counts no attempt.
        if (codeOf(error) !== 'MSG_CALL_IN_PROGRESS') attempt += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Polls as an instance that has just started; the first poll of a spec begins `sinceMs` ago. */
  async poll(sinceMs = 60_000): Promise<void> {
    const { database, instanceId } = this.polling;
    for (const name of ['orders', 'draft-orders'] as const) {
      const claimed = await claimCursor(database, name, instanceId, 60_000);
      if (!claimed?.cursor) {
        await moveCursor(database, name, instanceId, new Date(Date.now() - sinceMs).toISOString());
      }
    }
    await pollOrders(this.polling);
    await lookForStock(this.polling);
    await sweepDrafts(this.polling);
    await releaseCursors(database, instanceId);
    await this.runJobs();
  }

  /** Stock is looked at before changes are. */
  async lookForStock(): Promise<void> {
    await lookForStock(this.polling);
    await this.runJobs();
  }

  /** As the work queue: a job id is taken once for good, and what fails is tried again. */
  private async runJobs(): Promise<void> {
    const handlers: Record<string, (job: Job<never>, context: EffectContext) => Promise<EffectResult>> = {
      ReleaseStray: releaseStray(this.dependencies),
      FulfilBackorder: fulfilBackorder(this.dependencies),
    };
    for (const job of this.jobs.splice(0)) {
      if (this.taken.has(job.id)) continue;
      this.taken.add(job.id);
      await this.untilDone((attempt) => handlers[job.type]!(job, this.record.context(job.id, attempt)));
    }
  }

  private readonly jobs: Job<never>[] = [];
  private readonly taken = new Set<string>();

  private transaction<T>(fn: (tx: MessagingTx) => Promise<T>): Promise<T> {
    return this.database.transaction(async (raw: Tx) => {
      const emitted: OutgoingMessage[] = [];
      const jobs: typeof this.jobs = [];
      const value = await fn({
        query: (statement, values) => raw.query(statement, values),
        emit: (messages) => void emitted.push(...messages),
        enqueue: (found) => void jobs.push(...(found as typeof jobs)),
        onCommit: () => {},
      });
      this.emitted.push(...emitted);
      this.jobs.push(...jobs);
      return value;
    });
  }

  /** What was sent about one line of an order, as `Type quantity`: shipped, outstanding, or all of it; or as `Type reason`. */
  told(orderId: string, lineItemId: string): string[] {
    return this.emitted
      .map(({ type, payload }) => ({ type, ...(payload as Partial<Told>) }))
      .filter((it) => it.orderId === orderId && it.lineItemId === lineItemId)
      .map(
        ({ type, reason, quantity, outstandingQuantity }) =>
          `${type} ${reason ?? Number(quantity ?? outstandingQuantity)}`,
      );
  }

  /** Types of everything sent about an order, in order. */
  sent(orderId: string): string[] {
    return this.emitted
      .filter(({ payload }) => (payload as { orderId: string }).orderId === orderId)
      .map((it) => it.type);
  }

  /** Everything in Medusa with an order's reference, as an auditor finds it. */
  async inMedusa(deal: Deal): Promise<{ orders: MedusaOrder[]; drafts: number; customers: string[] }> {
    const email = deal.account.billingEmail!;
    const customerId = await this.person.findCustomer(email);
    const found = customerId
      ? await this.person.findByReference(deal.orderId, customerId, new Date(Date.now() - 3_600_000).toISOString())
      : [];
    const orders = found.filter((it): it is MedusaOrder => 'isDraft' in it);
    return { orders, drafts: found.length - orders.length, customers: customerId ? [customerId] : [] };
  }
}

export type Deal = Messages['CreateOrder'];

/** A deal of its own: nothing in Medusa knows it yet. */
export function newDeal(differences: Partial<Deal> = {}): Deal {
  const id = randomUUID();
  const opportunityId = canonicalId('spec', id);
  return {
    orderId: canonicalId('spec-order', id),
    opportunityId,
    occurrence: 1,
    account: newAccount(),
    currency: 'USD',
    totalAmount: '1250.5000',
    lineItems: [newLine('1000.0000'), newLine('100.2000', { lineItemId: '2', quantity: '2.5000', amount: '250.5000' })],
    serviceStart: '2027-01-01',
    serviceEnd: '2027-12-31',
    ...differences,
  };
}

export function newAccount(): Deal['account'] {
  const accountId = randomUUID();
  const billingEmail = `billing-${accountId}@spec.example`;
  return { accountId, name: 'Northwind Traders', domain: null, billingEmail, country: 'US', externalIds: [] };
}

export function newLine(unitAmount: string, differences: Partial<Deal['lineItems'][0]> = {}): Deal['lineItems'][0] {
  const productId = randomUUID();
  const sku = `SKU-${productId.slice(0, 8)}`;
  return {
    lineItemId: '1',
    productId,
    sku,
    name: 'Platform',
    quantity: '1.0000',
    unitAmount,
    amount: unitAmount,
    ...differences,
  };
}

interface Told {
  orderId: string;
  lineItemId: string;
  quantity: string;
  outstandingQuantity: string;
  reason: string;
}

/** The command to deliver a line, the first if none is named. */
export function deliver(deal: Deal, line = deal.lineItems[0]!): Message<'FulfilOrderLine'> {
  const message = command('FulfilOrderLine', deal);
  const { lineItemId, quantity } = line;
  return { ...message, payload: { ...message.payload, lineItemId, quantity } };
}

export function command<T extends CommandType>(type: T, deal: Deal): Message<T> {
  const { orderId, opportunityId, occurrence } = deal;
  const payload = type === 'CreateOrder' ? deal : { orderId, opportunityId, occurrence, reason: 'OpportunityReopened' };
  const envelope = {
    id: randomUUID(),
    type,
    source: 'orchestrator',
    subject: orderId,
    time: new Date().toISOString(),
    sequence: 1,
    correlationId: opportunityCorrelationId(opportunityId, occurrence),
  };
  return { type, payload, envelope } as never;
}
