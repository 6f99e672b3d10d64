import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Codec, ThroughlineError } from '@throughline/contracts';
import type { Database, Tx } from '@throughline/postgres';
import { logger } from '@throughline/telemetry';
import { fixedSchemaIds, testDatabase, until, type TestDatabase } from '@throughline/testing';
import { defineRoutes, job, Messaging, messagingMigrations } from '../index.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { Progress } from '../progress.js';
import { WorkQueue } from './work-queue.js';

const log = logger('spec', { level: 'silent' });

describe('WorkQueue', () => {
  let test: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    test = await testDatabase(messagingMigrations);
    database = await test.connect();
  });
  afterAll(() => test.drop());

  it('probes again where a stall made the probe come too late to be tried', async () => {
    let tries = 0;
    const ship = job(
      async () => {
        if (++tries === 1) throw new ThroughlineError('down', { code: 'DOWN', retry: 'pause', dependency: 'carrier' });
      },
      { dependency: 'carrier' },
    );
    const routes = defineRoutes({ group: 'work-queue', jobs: { Ship: ship } });
    const codec = new Codec(fixedSchemaIds());
    const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
    const messaging = new Messaging({ service: 'spec', database, codec, kafka, routes, log }); // never started

    let stalls = 0;
    let stalledMs = 0;
    const monotonic = (): number => performance.now() + stalledMs;
    const progress = (): Progress => new Progress('settle', monotonic);
    /** Once the dependency is paused, its probe is claimed just before the process stands still for longer than a lease may wait. */
    const stalling = {
      query: database.query.bind(database),
      transaction: async <T>(fn: (tx: Tx) => Promise<T>): Promise<T> => {
        const result = await database.transaction(fn);
        if (tries === 1 && stalls === 0 && Array.isArray(result) && result.length > 0) {
          stalls++;
          stalledMs += 20_000;
        }
        return result;
      },
    };
    const queue = new WorkQueue({
      routes,
      codec,
      database: stalling as Database,
      transaction: (fn) => messaging.transaction((tx) => fn(tx as never)),
      instanceId: 'spec',
      limits: { ...DEFAULT_LIMITS, workPollMs: 50 },
      monotonic,
      claimProgress: new Progress('claim', monotonic),
      settleProgress: { plain: progress(), closer: progress(), writing: progress(), locked: progress() },
      log,
    });
    await messaging.transaction(async (tx) =>
      tx.enqueue([{ type: 'Ship', key: 'parcel', id: randomUUID(), payload: {} }]),
    );
    queue.start();
    try {
      await until('it is paused', () => queue.health()['carrier']!.paused, { timeoutMs: 3_000 });
      await until('it was tried again', () => tries === 2, { timeoutMs: 6_000 });
      expect(stalls).toBe(1);
      await until('it is open again', () => !queue.health()['carrier']!.paused, { timeoutMs: 3_000 });
      await until('nothing waits', async () => (await database.pool.query('SELECT 1 FROM work_key')).rows.length === 0);
    } finally {
      await queue.stop(1_000);
    }
  }, 20_000);
});
