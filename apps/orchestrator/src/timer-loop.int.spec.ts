import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Codec } from '@throughline/contracts';
import { Messaging } from '@throughline/messaging';
import { ServerClock, type Database } from '@throughline/postgres';
import { compileDefinition, parseDefinition, type ProcessEvent } from '@throughline/process';
import { findInstances, ProcessRunner, readInstances } from '@throughline/process/postgres';
import { fixedSchemaIds, testDatabase, until, type TestDatabase } from '@throughline/testing';
import type { OrchestratorConfig } from './config.js';
import { migrations } from './migrations.js';
import { orchestratorRoutes } from './routes.js';
import { TimerLoop } from './timer-loop.js';

const sale = {
  process: 'sale',
  version: 1,
  owner: 'sales',
  starts: 'DealWon',
  key: 'dealId',
  steps: { payment: { owner: 'billing', until: 'DealPaid', timeout: '15 minutes' } },
};
const fields = ['dealId', 'occurrence'];
const messages = { DealWon: { kind: 'event' as const, fields }, DealPaid: { kind: 'event' as const, fields } };
const compile = (data: unknown) => compileDefinition(parseDefinition(data), { messages, assignId: () => 'id' });

let test: TestDatabase;
let database: Database;
let loop: TimerLoop;

beforeAll(async () => {
  test = await testDatabase(migrations);
  database = await test.connect();
});
afterEach(() => loop.beforeApplicationShutdown());
afterAll(() => test.drop());

it('an instance whose timer cannot be fired is put off for a minute and holds up no other; mended, it fires', async () => {
  const runner = new ProcessRunner([compile(sale)], compile);
  await runner.storeDefinitions(database);
  const long = new Date(Date.now() - 3_600_000);
  const keys = ['before', 'broken', 'between', 'broken-too', 'after'];
  // The timers fall due in this order.
  for (const [index, key] of keys.entries()) {
    const at = new Date(long.getTime() + index);
    await database.transaction((tx) => runner.runBatch(tx, [won(key, at)], at, () => undefined));
  }
  const whole = await database.pool.query<{ key: string; state: unknown }>(
    `SELECT key, state FROM process_instance WHERE key LIKE 'broken%'`,
  );
  await database.pool.query(`UPDATE process_instance SET state = '{"phase":"forward"}' WHERE key LIKE 'broken%'`);

  loop = startLoop(runner);
  const overdue = async () =>
    (await findInstances(database, { statuses: ['overdue'], limit: 10 })).map(({ key }) => key).toSorted();
  await until('those that can fire have', async () => (await overdue()).length === 3);
  expect(await overdue()).toEqual(['after', 'before', 'between']);

  const putOff = await database.pool.query<{ seconds: number }>(
    'SELECT extract(epoch FROM due_at - clock_timestamp())::float8 AS seconds FROM process_timer',
  );
  expect(putOff.rows).toHaveLength(2);
  for (const { seconds } of putOff.rows) {
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThanOrEqual(60);
  }

  for (const { key, state } of whole.rows)
    await database.pool.query('UPDATE process_instance SET state = $2 WHERE key = $1', [key, JSON.stringify(state)]);
  await database.pool.query('UPDATE process_timer SET due_at = now()');
  await until('the mended ones have fired too', async () => (await overdue()).length === keys.length);
});

it('of two that are due it puts off the one that fails, and not the one that is due longer and held just then', async () => {
  const runner = new ProcessRunner([compile(sale)], compile);
  await runner.storeDefinitions(database);
  const long = new Date(Date.now() - 3_600_000);
  for (const [index, key] of ['held', 'failing'].entries()) {
    const at = new Date(long.getTime() + index);
    await database.transaction((tx) => runner.runBatch(tx, [won(key, at)], at, () => undefined));
  }
  await database.pool.query(`UPDATE process_instance SET state = '{"phase":"forward"}' WHERE key = 'failing'`);
  const isPutOff = async (key: string): Promise<boolean> => {
    const { rows } = await database.pool.query(
      `SELECT FROM process_timer JOIN process_instance ON id = instance_id WHERE key = $1 AND due_at > clock_timestamp()`,
      [key],
    );
    return rows.length > 0;
  };

  await database.transaction(async (tx) => {
    await tx.query({ name: 'hold', text: `SELECT FROM process_instance WHERE key = 'held' FOR UPDATE` });
    loop = startLoop(runner);
    await until('one is put off', async () => (await isPutOff('held')) || (await isPutOff('failing')));
  });
  expect([await isPutOff('held'), await isPutOff('failing')]).toEqual([false, true]);
  const { rows } = await database.pool.query<{ id: string }>(`SELECT id FROM process_instance WHERE key = 'held'`);
  const status = async () => (await readInstances(database, [rows[0]!.id]))[0]!.status;
  await until('the one that was held has fired', async () => (await status()) === 'overdue');
});

/** The timers of one instance of the service; it takes no events. */
function startLoop(runner: ProcessRunner): TimerLoop {
  const clock = new ServerClock();
  const codec = new Codec(fixedSchemaIds());
  const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
  const routes = orchestratorRoutes(new ProcessRunner([], compile), clock);
  const messaging = new Messaging({ service: 'orchestrator', database, codec, kafka, routes });
  const config = { TIMER_INTERVAL_MS: 10, TIMER_BATCH_SIZE: 2 } as OrchestratorConfig;
  const started = new TimerLoop(config, messaging, runner, clock);
  started.onApplicationBootstrap();
  return started;
}

function won(key: string, at: Date): ProcessEvent {
  return {
    messageId: `${key}/DealWon`,
    type: 'DealWon',
    payload: { dealId: key, occurrence: 1 },
    source: 'spec',
    time: at.toISOString(),
    correlationId: `correlation-of-${key}`,
  };
}
