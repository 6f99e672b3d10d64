import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalId, Codec, opportunityCorrelationId, type Messages } from '@throughline/contracts';
import { Messaging, type Message } from '@throughline/messaging';
import { findInstances, ProcessRunner, type StoredInstance } from '@throughline/process/postgres';
import { ServerClock, type Database } from '@throughline/postgres';
import { fixedSchemaIds, setWallClock, testDatabase, until, type TestDatabase } from '@throughline/testing';
import type { OrchestratorConfig } from './config.js';
import { loadRules } from './load-rules.js';
import { migrations } from './migrations.js';
import { orchestratorRoutes } from './routes.js';
import { takeEvents } from './take-events.js';
import { TimerLoop } from './timer-loop.js';

const HOUR_MS = 3_600_000;
/** The first step of lead-to-cash. */
const ORDER_TIMEOUT_MS = 15 * 60_000;

describe('clock-jumps: timers go by the clock of the database, whatever an instance takes for the time', () => {
  let test: TestDatabase;
  let database: Database;
  const loops: TimerLoop[] = [];

  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect();
  });
  afterEach(async () => {
    await Promise.all(loops.splice(0).map((loop) => loop.beforeApplicationShutdown()));
    setWallClock(0);
  });
  afterAll(() => test.drop());

  /** An instance of the orchestrator, as far as time goes. */
  async function startInstance(): Promise<{ take(message: Message): Promise<void> }> {
    const { processes, compile } = loadRules();
    const runner = new ProcessRunner(processes, compile);
    await runner.storeDefinitions(database);
    const clock = new ServerClock();
    await clock.read(database);
    const codec = new Codec(fixedSchemaIds());
    const routes = orchestratorRoutes(runner, clock);
    await codec.prepare(routes.emits);
    const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
    const messaging = new Messaging({ service: 'orchestrator', database, codec, kafka, routes }); // never started
    const config = { TIMER_INTERVAL_MS: 10, TIMER_BATCH_SIZE: 100 } as OrchestratorConfig;
    const loop = new TimerLoop(config, messaging, runner, clock);
    loops.push(loop);
    loop.onApplicationBootstrap();
    return { take: (message) => messaging.transaction((tx) => takeEvents(runner, clock)([message], tx)) };
  }

  const instance = async (key: string): Promise<StoredInstance> =>
    (await findInstances(database, { limit: 100 })).find((found) => found.key === key)!;
  const timerAt = async (key: string): Promise<{ due_in_ms: number }> => {
    const text = `SELECT (extract(epoch FROM due_at - clock_timestamp()) * 1000)::float8 AS due_in_ms
      FROM process_timer JOIN process_instance ON id = instance_id WHERE key = $1`;
    return (await database.query<{ due_in_ms: number }>({ name: 'spec-timer', text }, [key]))[0]!;
  };
  const makeDue = (key: string) =>
    database.query(
      {
        name: 'spec-make-due',
        text: `
          WITH due AS (
            UPDATE process_instance SET state = regexp_replace(state::text, '"dueAt": ?"[^"]*"',
              '"dueAt":"' || to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"')::json
            WHERE key = $1 RETURNING id)
          UPDATE process_timer SET due_at = now() FROM due WHERE id = instance_id`,
      },
      [key],
    );

  it.each([
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
  ])('%s', async (_, aheadMs) => {
    const key = canonicalId('clock-jumps', String(aheadMs));
    setWallClock(aheadMs);
    const wrong = await startInstance();
    await wrong.take(closedWon(key));
    const { due_in_ms: dueInMs } = await timerAt(key);
    expect(dueInMs).toBeGreaterThan(ORDER_TIMEOUT_MS - 30_000);
    expect(dueInMs).toBeLessThan(ORDER_TIMEOUT_MS + 1_000);

    // Neither early, by a right instance or a wrong one ...
    setWallClock(0);
    const right = await startInstance();
    setWallClock(aheadMs);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await instance(key)).status).toBe('running');
    // ... nor late.
    await right.take(closedWon(canonicalId('another', String(aheadMs))));
    await makeDue(key);
    await until('the timer has fired', async () => (await instance(key)).status !== 'running', { timeoutMs: 5_000 });
  });
});

function closedWon(opportunityId: string): Message<'OpportunityClosedWon'> {
  const at = '2026-11-22T10:00:00.000Z';
  const account = { accountId: canonicalId('acme'), name: 'Acme', domain: null, billingEmail: null, country: 'DE' };
  const line = { lineItemId: '1', productId: canonicalId('chair'), sku: 'chair', name: 'Chair', quantity: '10.0000' };
  const payload: Messages['OpportunityClosedWon'] = {
    opportunityId,
    occurrence: 1,
    name: 'Ten chairs',
    account: { ...account, externalIds: [] },
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
  const correlationId = opportunityCorrelationId(opportunityId, 1);
  const id = canonicalId('message', opportunityId);
  const envelope = { id, type: 'OpportunityClosedWon' as const, source: 'spec', subject: opportunityId, time: at };
  return { type: 'OpportunityClosedWon', payload, envelope: { ...envelope, sequence: 1, correlationId } };
}
