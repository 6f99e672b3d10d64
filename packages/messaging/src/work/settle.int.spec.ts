import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Codec } from '@throughline/contracts';
import type { Database } from '@throughline/postgres';
import { logger } from '@throughline/telemetry';
import { cancelOrder, fixedSchemaIds, testDatabase, until, type TestDatabase } from '@throughline/testing';
import { LOCK_OF_MANY_MS } from '../conflicts.js';
import { defineRoutes, job, keysAtWork, Messaging, messagingMigrations } from '../index.js';
import { Progress } from '../progress.js';
import { claimKeys, readHeads, type StoredWorkRow } from './claim-work.js';
import type { Outcome } from './outcome.js';
import { settleDone } from './settle-done.js';
import { settle as settleWith, type SettleParts } from './settle.js';
import { fromStored, type WorkItem } from './work-item.js';

const KEY = 'parcel';
const QUEUE = 'carrier';
const log = logger('spec', { level: 'silent' });
const routes = defineRoutes({
  group: 'settle',
  emits: ['CancelOrder'],
  jobs: { Ship: job(async () => undefined, { dependency: QUEUE }) },
});

describe('settle: an attempt is recorded once, and only under the lease it ran with', () => {
  let test: TestDatabase;
  let database: Database;
  let messaging: Messaging;

  beforeAll(async () => {
    test = await testDatabase(messagingMigrations);
    database = await test.connect();
    const codec = new Codec(fixedSchemaIds());
    await codec.prepare(routes.emits);
    // Never started: nothing runs here but what the spec does.
    const kafka = { brokers: ['127.0.0.1:1'], clientId: 'spec' };
    messaging = new Messaging({ service: 'spec', database, codec, kafka, routes, log });
  });
  afterAll(() => test.drop());
  beforeEach(() => database.pool.query('TRUNCATE work, work_key, outbox, outbox_key'));

  const store = (jobs: number): Promise<void> =>
    messaging.transaction(async (tx) =>
      tx.enqueue(Array.from({ length: jobs }, () => ({ type: 'Ship', key: KEY, id: randomUUID(), payload: {} }))),
    );
  const endLeases = () => database.pool.query(`UPDATE work_key SET available_at = now() - interval '1 second'`);
  const count = async (table: 'work' | 'work_key' | 'outbox'): Promise<number> =>
    (await database.pool.query(`SELECT 1 FROM ${table}`)).rows.length;
  async function claim(): Promise<WorkItem> {
    const lease = randomUUID();
    await database.query(claimKeys, [QUEUE, 1, lease, 'spec', 60_000]);
    const [head] = await database.query<StoredWorkRow>(readHeads, [[QUEUE], [KEY]]);
    return fromStored(head!, lease, Infinity);
  }
  /** The attempt went well and says so in one event. */
  const done = (item: WorkItem): Outcome => ({
    kind: 'done',
    item,
    result: { emit: [cancelOrder(randomUUID(), item.id)] },
    traceparent: undefined,
  });
  /** Returns the next rows of the keys it keeps. */
  async function settle(parts: Omit<SettleParts, 'recorded'>, outcomes: Outcome[]): Promise<WorkItem[]> {
    const kept: WorkItem[] = [];
    await settleWith({ ...parts, recorded: (_, next) => void kept.push(...next) }, outcomes);
    return kept;
  }
  const parts = (transaction: SettleParts['transaction']): Omit<SettleParts, 'recorded'> => ({
    routes,
    transaction,
    lockTimeoutMs: LOCK_OF_MANY_MS,
    leaseMs: () => 60_000,
    putOff: () => false,
    monotonic: () => 0,
    progress: new Progress('settle', () => 0),
    log,
  });
  const commit: SettleParts['transaction'] = (fn) => messaging.transaction((tx) => fn(tx as never));
  /** The first commit is durable, but the connection vanishes before its answer is read. */
  function commitAnswerLost(rows: number): SettleParts['transaction'] {
    let lost = false;
    return (fn) => {
      if (!lost) database.pool.once('acquire', (client) => vanishAfterCommit(client, rows));
      lost = true;
      return commit(fn);
    };
  }
  /** The last row of a key is settled by one statement that commits by itself. */
  function vanishAfterCommit(client: object, rows: number): void {
    const { connection, query } = client as { connection: { stream: Duplex }; query(...args: unknown[]): unknown };
    const commits = (turn: unknown): boolean =>
      (turn as { asked: { statement: { name: string } }[] }).asked.some(
        ({ statement: { name } }) => name === 'commit' || (rows === 1 && name === settleDone.name),
      );
    Object.assign(client, {
      query: (...args: unknown[]): unknown => {
        if (commits(args[0])) {
          connection.stream.pause();
          void until('it is durable', async () => (await count('outbox')) > 0).finally(() =>
            connection.stream.destroy(),
          );
        }
        return query.apply(client, args);
      },
    });
  }

  it('hands on the next row of a key, which settles under a lease of its own', async () => {
    await store(2);
    const first = await claim();
    const [second] = await settle(parts(commit), [done(first)]);
    expect(Number(second!.id)).toBeGreaterThan(Number(first.id));
    expect(second!.lease).not.toBe(first.lease);
    expect(await settle(parts(commit), [done(second!)])).toEqual([]);
    expect([await count('outbox'), await count('work'), await count('work_key')]).toEqual([2, 0, 0]);
  });

  it.each([1, 2, 3])('a COMMIT whose answer was lost is not recorded again: %i rows in the key', async (rows) => {
    await store(rows);
    const first = await claim();
    let transactions = 0;
    const losing = commitAnswerLost(rows);
    const counting: SettleParts['transaction'] = (fn) => {
      transactions++;
      return losing(fn);
    };
    expect(await settle(parts(counting), [done(first)])).toEqual([]);
    expect(transactions).toBeGreaterThan(2);
    expect([await count('outbox'), await count('work')]).toEqual([1, rows - 1]);
    // What was advanced, but is run by nobody, is found when its lease ends.
    for (let next = 1; next < rows; next++) {
      await endLeases();
      const item = await claim();
      expect(Number(item.id)).toBe(Number(first.id) + next);
      await settle(parts(commit), [done(item)]);
    }
    expect([await count('outbox'), await count('work'), await count('work_key')]).toEqual([rows, 0, 0]);
  });

  it('of two outcomes of one row only that of the lease that holds is recorded', async () => {
    await store(1);
    const late = await claim();
    await endLeases();
    const now = await claim();
    await settle(parts(commit), [done(late), done(now)]);
    expect([await count('outbox'), await count('work'), await count('work_key')]).toEqual([1, 0, 0]);
  });

  it('an outcome that comes too late neither advances nor releases the key', async () => {
    await store(2);
    const late = await claim();
    await endLeases();
    const now = await claim();
    await settle(parts(commit), [{ kind: 'release', item: late }, done(late), done(now)]);
    expect([await count('outbox'), await count('work')]).toEqual([1, 1]);
  });

  it('a key is at work until its last attempt is recorded, or it is held', async () => {
    const atWork = async (): Promise<string[]> => [...(await keysAtWork(database, [KEY, 'another']))];
    expect(await atWork()).toEqual([]);
    await store(1);
    await settle(parts(commit), [
      { kind: 'retry', item: await claim(), error: 'x', delayMs: 0, counted: true, failingMs: 0 },
    ]);
    expect(await atWork()).toEqual([KEY]);
    await settle(parts(commit), [done(await claim())]);
    expect(await atWork()).toEqual([]);
    await store(1);
    await database.pool.query('UPDATE work_key SET held = true');
    expect(await atWork()).toEqual([]);
  });

  it('an outcome that cannot be recorded stands alone: what the others say is written once, and told at once', async () => {
    await store(1);
    const good = await claim();
    const recorded: string[][] = [];
    const unfit: Outcome = {
      kind: 'done',
      item: { ...good, lease: 'lost' },
      result: { emit: [{ ...cancelOrder(KEY, 'x'), payload: {} as never }] },
      traceparent: undefined,
    };
    const outcomes = [done(good), unfit];
    const log = (outcomes: Outcome[]): void => void recorded.push(outcomes.map(({ kind }) => kind));
    await settleWith({ ...parts(commit), recorded: log }, outcomes);
    expect(recorded).toEqual([['done'], ['dead']]);
    expect([await count('outbox'), await count('work')]).toEqual([1, 0]);
  });

  it('what waits for a lock is seen to fail, and does not count', async () => {
    await store(1);
    const error = Object.assign(new Error('locked'), { code: '55P03', severity: 'ERROR' });
    const retry = { kind: 'retry', item: await claim(), error, delayMs: 0, counted: false, failingMs: 5_000 } as const;
    await settle(parts(commit), [retry]);
    const { rows } = await database.pool.query(
      'SELECT attempts, first_failed_at IS NOT NULL AS seen, last_error, failing_ms::int FROM work',
    );
    expect(rows).toEqual([{ attempts: 0, seen: true, last_error: 'locked', failing_ms: 0 }]);
  });

  it('an outage, no room, and then deadlocks, but four, undo nothing of what went well', async () => {
    await store(1);
    const first = await claim();
    const refused = (code: string): Error => Object.assign(new Error(code), { code, severity: 'ERROR' });
    const met = ['57P03', ...Array.from({ length: 6 }, () => '53200'), '40P01', '40P01', '40P01', '40P01'];
    const recorded: string[] = [];
    const meeting: SettleParts['transaction'] = async (fn) => {
      const code = met.shift();
      if (code) throw refused(code);
      return commit(fn);
    };
    const told = (outcomes: Outcome[]): void => void recorded.push(...outcomes.map(({ kind }) => kind));
    await settleWith({ ...parts(meeting), recorded: told }, [done(first)]);
    expect([met, recorded]).toEqual([[], ['done']]);
  });

  it('what meets a lock that somebody keeps is put off alone, and the others are recorded', async () => {
    await store(2);
    const other = 'another';
    await messaging.transaction(async (tx) =>
      tx.enqueue([{ type: 'Ship', key: other, id: randomUUID(), payload: {} }]),
    );
    const first = await claim();
    const second = { ...first, key: other, lease: randomUUID() };
    await database.query(claimKeys, [QUEUE, 1, second.lease, 'spec', 60_000]);
    const locked = Object.assign(new Error('locked'), { code: '55P03', severity: 'ERROR' });
    const waits: Outcome = {
      kind: 'done',
      item: second,
      result: { apply: () => Promise.reject(locked) },
      traceparent: '',
    };
    const told: string[] = [];
    const recording: SettleParts = {
      ...parts(commit),
      recorded: (outcomes) => void told.push(...outcomes.map(({ item }) => `recorded ${item.key}`)),
      putOff: ({ item }) => told.push(`put off ${item.key}`) > 0,
    };
    await settleWith(recording, [waits, done(first)]);
    expect(told).toEqual([`put off ${other}`, `recorded ${KEY}`]);
  });

  it('goes on while a migration adds columns under it', async () => {
    await store(2);
    const first = await claim();
    const [second] = await settle(parts(commit), [done(first)]);
    await database.pool.query('ALTER TABLE work ADD COLUMN spec_new text');
    await database.pool.query('ALTER TABLE work_key ADD COLUMN spec_new text');
    await store(1);
    const failed = jest.fn();
    const counting: SettleParts['transaction'] = (fn) =>
      commit(fn).catch((error: unknown) => {
        failed(error);
        throw error;
      });
    const [third] = await settle(parts(counting), [done(second!)]);
    await settle(parts(counting), [done(third!)]);
    expect(failed).not.toHaveBeenCalled();
    expect([await count('outbox'), await count('work')]).toEqual([3, 0]);
  });
});
