import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  cancelOrder,
  messagingHarness,
  orderCancelled,
  setWallClock,
  until,
  type MessagingHarness,
} from '@throughline/testing';
import { Kafka, logLevel } from 'kafkajs';
import { defineRoutes, effect, job, state, type Message, type Messaging, type Routes } from './index.js';

jest.setTimeout(90_000);

const HOUR_MS = 3_600_000;
const PER_KEY = 12;
/** How long a killed or silent member is waited for, in milliseconds. */
const SESSION_MS = 6_000;

const note = { name: 'note', text: 'INSERT INTO noted (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };

describe('clock-jumps: a wall clock that is wrong, or jumps, delays nothing and repeats nothing', () => {
  let harness: MessagingHarness;
  const instances: Messaging[] = [];
  const done = new Map<string, number[]>();
  let failures = 0;

  /** Every third call fails the first time, so that back-off and leases are in play. */
  const routes = (): Routes =>
    defineRoutes({
      group: harness.topics.group,
      emits: ['CancelOrder', 'OrderCancelled'],
      routes: {
        CancelOrder: effect(
          async ({ payload }: Message<'CancelOrder'>, { attempt }) => {
            const n = Number(payload.reason);
            if (attempt === 1 && n % 3 === 0) {
              failures++;
              throw new Error('the vendor had a moment');
            }
            done.set(payload.orderId, [...(done.get(payload.orderId) ?? []), n]);
            return { emit: [orderCancelled(payload.orderId, { occurrence: n })] };
          },
          { dependency: 'vendor', timeoutMs: 2_000, retry: { maxAttempts: 20, backoffMs: [20, 100] } },
        ),
        OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
          await tx.query(note, [
            messages.map(({ payload }) => payload.orderId),
            messages.map(({ payload }) => payload.occurrence),
          ]);
        }),
      },
    });

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
    await harness.rows('CREATE TABLE noted (id serial, key text, n int)');
    for (const instanceId of ['one', 'two']) instances.push(await harness.service(routes(), { instanceId }));
    await until('both are ready', () => instances.every((instance) => instance.health().ready), { timeoutMs: 40_000 });
  }, 60_000);
  afterEach(() => setWallClock(0));
  afterAll(() => harness.close());

  it('back and forth by an hour while messages flow: all is done once, in order, in seconds', async () => {
    const keys = Array.from({ length: 10 }, () => randomUUID());
    const began = performance.now();
    for (let n = 1; n <= PER_KEY; n++) {
      setWallClock([0, HOUR_MS, -HOUR_MS][n % 3]!);
      await instances[n % 2]!.transaction(async (tx) => tx.emit(keys.map((key) => cancelOrder(key, String(n)))));
      await sleep(100);
    }
    const noted = async (): Promise<number> => (await harness.rows('SELECT 1 FROM noted')).length;
    await until('all are noted', async () => (await noted()) >= keys.length * PER_KEY, { timeoutMs: 40_000 });
    expect(performance.now() - began).toBeLessThan(45_000);
    const once = Array.from({ length: PER_KEY }, (_, i) => i + 1);
    for (const key of keys) {
      expect(done.get(key)).toEqual(once);
      const rows = await harness.rows<{ n: number }>('SELECT n FROM noted WHERE key = $1 ORDER BY id', [key]);
      expect(rows.map(({ n }) => n)).toEqual(once);
    }
    expect(failures).toBe((keys.length * PER_KEY) / 3);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('set back by an hour: both instances stay members of their group', async () => {
    setWallClock(-HOUR_MS);
    await sleep(SESSION_MS + 2_500);
    setWallClock(0);
    const { brokers, topicPrefix } = harness.topics.kafka;
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([`${topicPrefix}${harness.topics.group}`]);
    await admin.disconnect();
    expect(groups[0]).toMatchObject({ state: 'Stable' });
    expect(groups[0]!.members).toHaveLength(2);
  });

  it('also when the clock of PostgreSQL is set forward, an instance that lives keeps its leases', async () => {
    const database = await harness.otherDatabase();
    const ran: string[] = [];
    const gate = Promise.withResolvers<void>();
    const service = (instanceId: string): Promise<Messaging> =>
      harness.service(
        defineRoutes({
          group: `${harness.topics.group}-carrier`,
          jobs: { Ship: job(async ({ id }) => (ran.push(id), gate.promise), { dependency: 'carrier' }) },
        }),
        { instanceId, database },
      );
    const both = [await service('one'), await service('two')];
    await until('both are ready', () => both.every((instance) => instance.health().ready));
    await both[0]!.transaction(async (tx) => tx.enqueue([{ type: 'Ship', key: 'a', id: 'a', payload: {} }]));
    await until('it runs', () => ran.length === 1);
    await sleep(1_500); // by now each would call the other dead
    for (let jumps = 0; jumps < 40; jumps++) {
      // As the other one sees it until the next sign of life.
      await database.pool.query(`UPDATE instance SET alive_until = alive_until - interval '1 hour'`);
      await sleep(50);
    }
    const leased = await database.pool.query('SELECT lease_owner FROM work_key');
    expect([ran, leased.rows]).toEqual([['a'], [{ lease_owner: 'one' }]]);
    gate.resolve();
    await until('it is done', async () => (await database.pool.query('SELECT 1 FROM work')).rows.length === 0);
    expect(ran).toEqual(['a']);
  });
});
