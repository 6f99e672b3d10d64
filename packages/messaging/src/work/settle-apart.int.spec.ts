import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, job, type EffectResult, type Job, type Messaging } from '../index.js';

jest.setTimeout(60_000);

const PER_KEY = 4;
const touch = { name: 'touch', text: 'UPDATE touched SET n = n + 1 WHERE id = 1' };
const touchOne = { name: 'touch-one', text: 'UPDATE touched SET n = n + 1 WHERE id = $1::int' };

describe('settle-apart: an outcome that waits for a lock, or cannot be recorded, keeps no other key waiting', () => {
  let harness: MessagingHarness;
  let ran: string[];
  beforeEach(async () => {
    harness = await messagingHarness([]);
    await harness.rows('CREATE TABLE touched (id int, n int)');
    await harness.rows('INSERT INTO touched VALUES (1, 0)');
    ran = [];
  });
  afterEach(() => harness.close());

  async function service(handle: (job: Job) => EffectResult): Promise<Messaging> {
    const ship = job(
      async (each: Job) => {
        ran.push(each.key);
        return handle(each);
      },
      { dependency: 'carrier' },
    );
    const messaging = await harness.service(defineRoutes({ group: harness.topics.group, jobs: { Ship: ship } }));
    await until('it works', () => messaging.health().ready);
    return messaging;
  }
  const ship = (messaging: Messaging, key: string, rows: number): Promise<void> =>
    messaging.transaction(async (tx) =>
      tx.enqueue(Array.from({ length: rows }, () => ({ type: 'Ship', key, id: randomUUID(), payload: {} }))),
    );
  const runs = (key: string): number => ran.filter((each) => each === key).length;
  const left = async (): Promise<number> => (await harness.rows('SELECT 1 FROM work')).length;

  it('the successors of other keys run, and are recorded, while the lock is held', async () => {
    const messaging = await service(({ key }) =>
      key === 'waits' ? { apply: (tx) => tx.query(touch).then(() => undefined) } : {},
    );
    const client = await harness.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM touched FOR UPDATE');
      await ship(messaging, 'waits', 2);
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE touched%'`;
      await until('its outcome waits for the lock', async () => (await harness.rows(waiting)).length > 0);
      await ship(messaging, 'other', PER_KEY);
      await until('the others are done', async () => (await left()) === 2, { timeoutMs: 5_000 });
      expect([runs('other'), runs('waits')]).toEqual([PER_KEY, 1]);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    await until('all is done', async () => (await left()) === 0);
    expect([runs('other'), runs('waits')]).toEqual([PER_KEY, 2]);
    expect(await harness.rows('SELECT n FROM touched')).toEqual([{ n: 2 }]);
  });

  it('so do those that write state of their own, and those that fail', async () => {
    await harness.rows('INSERT INTO touched SELECT n, 0 FROM generate_series(2, 17) n');
    const messaging = await service(({ key }) => {
      if (key === 'fails') throw new Error('on purpose');
      return { apply: (tx) => tx.query(touchOne, [key]).then(() => undefined) };
    });
    const client = await harness.database.pool.connect();
    const others = Array.from({ length: 16 }, (_, index) => String(index + 2));
    try {
      await client.query('BEGIN');
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await client.query('SELECT 1 FROM touched WHERE id = 1 FOR UPDATE');
      await messaging.transaction(async (tx) =>
        tx.enqueue(['1', ...others, 'fails'].map((key) => ({ type: 'Ship', key, id: key, payload: {} }))),
      );
      const touched = async (): Promise<number> => (await harness.rows('SELECT 1 FROM touched WHERE n = 1')).length;
      await until('the others are recorded', async () => (await touched()) === others.length, { timeoutMs: 8_000 });
      const failed = `SELECT 1 FROM work WHERE key = 'fails' AND attempts > 0`;
      await until('so is that one failed', async () => (await harness.rows(failed)).length === 1, { timeoutMs: 2_000 });
      expect([runs('1'), ...others.map(runs)]).toEqual(['1', ...others].map(() => 1));
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    const waiting = `SELECT 1 FROM touched WHERE id = 1 AND n = 0`;
    await until('what waited is recorded', async () => (await harness.rows(waiting)).length === 0);
    expect(runs('1')).toBe(1);
  });
});
