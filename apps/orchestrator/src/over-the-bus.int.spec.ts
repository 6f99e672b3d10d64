import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  canonicalId,
  catalog,
  opportunityCorrelationId,
  type Messages,
  type MessageType,
} from '@throughline/contracts';
import { defineRoutes, state, type Message, type Messaging, type OutgoingMessage } from '@throughline/messaging';
import { findInstances, ProcessRunner, readHistory, type StoredInstance } from '@throughline/process/postgres';
import { ServerClock, type Database } from '@throughline/postgres';
import { messagingHarness, testDatabase, until, type MessagingHarness, type TestDatabase } from '@throughline/testing';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { readCandidate, runBacktest } from './backtest/backtest.js';
import { loadRules } from './load-rules.js';
import { migrations } from './migrations.js';
import { orchestratorRoutes } from './routes.js';

const types = Object.keys(catalog) as MessageType[];
const commands = types.filter((type) => catalog[type].kind === 'command');
const at = '2026-11-22T10:00:00.000Z';

const success: Record<string, MessageType> = {
  CreateOrder: 'OrderCreated',
  ProvisionOrder: 'OrderProvisioned',
  IssueInvoice: 'InvoiceIssued',
  RecordRevenueSchedule: 'RevenueScheduleRecorded',
  UpdateOpportunity: 'OpportunityUpdated',
  ReverseRevenueSchedule: 'RevenueScheduleReversed',
  VoidInvoice: 'InvoiceVoided',
  ReleaseOrder: 'OrderReleased',
  CancelOrder: 'OrderCancelled',
};

/** Answers each command as the adapters would, with the fields that every kind of outcome needs. */
function answer({ type, payload, envelope }: Message): OutgoingMessage {
  const given = payload as unknown as Record<string, unknown>;
  const made = { orderNumber: '1001', invoiceNumber: 'IN-1', entryCount: 12, externalIds: [] };
  const times = Object.fromEntries(
    catalog[success[type]!].fields.filter((field) => field.endsWith('At')).map((field) => [field, at]),
  );
  const answered = { type: success[type]!, payload: { ...given, ...made, ...times } } as unknown as OutgoingMessage;
  return { ...answered, correlationId: envelope.correlationId, causationId: envelope.id };
}

function closedWon(opportunityId: string): OutgoingMessage<'OpportunityClosedWon'> {
  const account = {
    accountId: canonicalId('acme'),
    name: 'Acme',
    domain: null,
    billingEmail: null,
    country: 'DE',
    externalIds: [],
  };
  const line = { lineItemId: '1', productId: canonicalId('chair'), sku: 'chair', name: 'Chair', quantity: '10.0000' };
  const payload: Messages['OpportunityClosedWon'] = {
    opportunityId,
    occurrence: 1,
    name: 'Ten chairs',
    account,
    currency: 'EUR',
    totalAmount: '100.0000',
    closedAt: at,
    closedBy: null,
    serviceStart: '2026-12-01',
    serviceEnd: '2027-11-30',
    lineItems: [{ ...line, unitAmount: '10.0000', amount: '100.0000' }],
    externalIds: [],
    sourceVersion: '1',
  };
  return { type: 'OpportunityClosedWon', payload, correlationId: opportunityCorrelationId(opportunityId, 1) };
}

describe('over a real broker, with two instances of the orchestrator', () => {
  let harness: MessagingHarness;
  let world: Messaging;
  let orchestrators: TestDatabase;
  let database: Database;
  const answered: Message[] = [];
  const deals = Array.from({ length: 30 }, (_, n) => canonicalId('deal', String(n)));

  const ended = async (status: 'completed' | 'compensated', count: number): Promise<StoredInstance[]> =>
    until(
      `${count} instances to be ${status}`,
      async () => {
        const found = await findInstances(database, { process: 'lead-to-cash', statuses: [status], limit: 500 });
        return found.length >= count ? found : undefined;
      },
      { timeoutMs: 60_000 },
    );

  beforeAll(async () => {
    harness = await messagingHarness(types);
    await harness.codec.prepare(types);
    orchestrators = await testDatabase(migrations);
    database = await orchestrators.connect();
    for (const instanceId of ['one', 'two']) {
      const { processes, compile } = loadRules();
      const runner = new ProcessRunner(processes, compile);
      await runner.storeDefinitions(database);
      const clock = new ServerClock();
      await clock.read(database);
      await harness.service(orchestratorRoutes(runner, clock), { service: 'orchestrator', instanceId, database });
    }
    const respond = state((messages: Message[], tx) => {
      answered.push(...messages);
      tx.emit(messages.map(answer));
      return Promise.resolve();
    });
    const routes = Object.fromEntries(commands.map((type) => [type, respond]));
    world = await harness.service(defineRoutes({ group: 'world', routes }), { service: 'world' });
  }, 120_000);
  afterAll(async () => {
    await harness.close();
    await orchestrators.drop();
  }, 30_000);

  it('closed deals run to their end, and each command leaves once', async () => {
    await world.transaction((tx) => Promise.resolve(tx.emit(deals.map(closedWon))));
    const instances = await ended('completed', deals.length);
    expect(instances.map(({ key }) => key).toSorted()).toEqual(deals.toSorted());
    const perDeal = answered.map(({ type, envelope }) => `${type} ${envelope.correlationId}`);
    expect(new Set(perDeal).size).toBe(deals.length * 5);
    expect(perDeal).toHaveLength(deals.length * 5);
  }, 90_000);

  it('a reopened deal is undone in reverse, what may be refused first, and everything carries the correlation of its closing', async () => {
    const [opportunityId] = deals as [string];
    const correlationId = opportunityCorrelationId(opportunityId, 1);
    const payload = {
      opportunityId,
      occurrence: 1,
      stage: 'negotiation',
      reopenedAt: at,
      externalIds: [],
      sourceVersion: '2',
    };
    const reopened: OutgoingMessage = { type: 'OpportunityReopened', payload, correlationId };
    await world.transaction((tx) => Promise.resolve(tx.emit([reopened])));
    const [instance] = await ended('compensated', 1);
    const history = await readHistory(database, [instance!.id]);
    const done = history.flatMap(({ effect, step }) => (effect === 'step-done' ? [step] : []));
    const undone = history.flatMap(({ effect, step }) => (effect === 'step-compensated' ? [step] : []));
    // What may be refused goes first: releasing the order.
    const others = done.filter((step) => step !== 'write-back' && step !== 'provisioning').toReversed();
    expect(undone).toEqual(['provisioning', ...others]);
    const own = answered.filter(({ payload: command }) => command.opportunityId === opportunityId);
    expect(own.every(({ envelope }) => envelope.correlationId === correlationId)).toBe(true);
  }, 60_000);

  it('a backtest of all that ran, by rules that ask people about each deal, publishes nothing and leaves no trace', async () => {
    const rules = loadRules();
    const runner = new ProcessRunner(rules.processes, rules.compile);
    const policy = readFileSync(new URL('../policies/credit-approval.yaml', import.meta.url), 'utf8');
    const candidate = readCandidate(parse(policy.replaceAll('100 000 EUR', '10 EUR')), rules);
    const scope = { since: new Date(0), after: '0', limit: 10_000, now: new Date() };
    await published();
    const before = [await harness.topics.ends(), await rowsWritten()];
    const { comparisons } = await runBacktest({ database, runner }, candidate, scope);
    const differing = comparisons.filter(({ differs }) => differs.includes('approvals'));
    expect(differing.map(({ key }) => key).toSorted()).toEqual(deals.toSorted());
    await published();
    expect([await harness.topics.ends(), await rowsWritten()]).toEqual(before);
    expect(Object.values(await harness.topics.ends()).some((end) => end !== '0')).toBe(true);
  }, 60_000);

  /** Whatever was committed for publishing is on its topic. */
  async function published(): Promise<void> {
    await until('an empty outbox', async () => {
      const rows = await database.query({ name: 'spec-outbox', text: 'SELECT 1 FROM outbox LIMIT 1' });
      return rows.length === 0 ? true : undefined;
    });
  }

  /** By table, signs of life apart: its rows, and the newest transaction that wrote one. */
  async function rowsWritten(): Promise<unknown[]> {
    const tables = await database.query<{ name: string }>({
      name: 'spec-tables',
      text: `SELECT relname AS name FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'instance' ORDER BY 1`,
    });
    return Promise.all(
      tables.map(({ name }) =>
        database.query({
          name: `spec-written-${name}`,
          text: `SELECT '${name}' AS name, count(*), max(xmin::text::bigint) AS writer FROM "${name}"`,
        }),
      ),
    );
  }
});
