import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, job, type EffectResult, type Job, type Messaging } from '../index.js';

jest.setTimeout(60_000);

const PER_KEY = 4;
const touch = { name: 'touch', text: 'UPDATE touched SET n = n + 1 WHERE id = 1' };

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
});
