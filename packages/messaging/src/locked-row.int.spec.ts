import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, job, state, type Job, type Message } from './index.js';
import { DEFAULT_LIMITS } from './limits.js';

jest.setTimeout(90_000);

/** A batch is halved nine times before a row stands alone, and waits for the lock half a second each time; then two seconds alone. */
const OTHERS_MS = 9 * 500 + 2_000;
/** As many effects as run at once by default are halved five times. */
const OTHER_OUTCOMES_MS = 5 * 500 + 2_000;
const count = { name: 'count', text: 'UPDATE counted SET n = n + 1 WHERE key = ANY($1::text[])' };

describe('locked-row: a row that somebody keeps locked parks its key alone', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness(['OrderCancelled', 'CancelOrder'], { partitions: 1 });
    await harness.rows('CREATE TABLE counted (key text PRIMARY KEY, n int)');
  });
  afterEach(() => harness.close());

  it('the others of its batch are handled soon, and it is once the lock is gone', async () => {
    const keys = Array.from({ length: DEFAULT_LIMITS.batchMessages }, () => randomUUID());
    await harness.rows('INSERT INTO counted SELECT unnest($1::text[]), 0', [keys]);
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled'],
        routes: {
          OrderCancelled: state(
            async (messages: Message<'OrderCancelled'>[], tx) => {
              await tx.query(count, [messages.map(({ payload }) => payload.orderId)]);
            },
            { retry: { maxAttempts: 1 } },
          ),
        },
      }),
    );
    await until('it takes part', () => messaging.health().ready);
    const client = await harness.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await client.query('SELECT 1 FROM counted WHERE key = $1 FOR UPDATE', [keys[99]]);
      await messaging.transaction(async (tx) => tx.emit(keys.map((key) => orderCancelled(key))));
      const handled = async (): Promise<boolean> =>
        (await harness.rows('SELECT 1 FROM counted WHERE n = 1')).length === keys.length - 1;
      // What the transactions themselves take comes on top, and the topic may bring them in two batches.
      await until('the others are handled', handled, { timeoutMs: 2 * OTHERS_MS + 5_000 });
      await until('it is parked', () => messaging.health().work['state']!.parkedKeys === 1);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    await until(
      'it is handled too',
      async () => (await harness.rows('SELECT 1 FROM counted WHERE n = 0')).length === 0,
    );
    expect(await harness.rows('SELECT 1 FROM counted WHERE n <> 1')).toEqual([]);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('commands of others are taken in soon, and its own once the lock is gone', async () => {
    const keys = Array.from({ length: 16 }, () => randomUUID());
    const locked = keys.at(-1)!; // what comes after it in its batch waits with it: there is nowhere to put it
    const ran: string[] = [];
    const gate = Promise.withResolvers<void>();
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: {
          CancelOrder: effect(
            async ({ payload: { orderId, reason } }: Message<'CancelOrder'>) => {
              ran.push(`${orderId} ${reason}`);
              if (reason === 'first') await gate.promise;
            },
            { dependency: 'carrier' },
          ),
        },
      }),
    );
    await until('it takes part', () => messaging.health().ready);
    await messaging.transaction(async (tx) => tx.emit([cancelOrder(locked, 'first')]));
    await until('its first one runs', () => ran.length === 1);
    const client = await harness.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      const { rowCount } = await client.query('SELECT 1 FROM work_key WHERE key = $1 FOR UPDATE', [locked]);
      expect(rowCount).toBe(1);
      await messaging.transaction(async (tx) => tx.emit(keys.map((key) => cancelOrder(key, 'second'))));
      // Four halvings, half a second each, and two seconds alone; what the transactions themselves take comes on top.
      await until('the others ran', () => ran.length === keys.length, { timeoutMs: 4 * 500 + 2_000 + 2_500 });
      expect(ran).not.toContain(`${locked} second`);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    gate.resolve();
    await until('its own ran', () => ran.includes(`${locked} second`));
    expect(ran).toHaveLength(keys.length + 1);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it.each([
    ['its place in the work queue', 'work_key', 1_500],
    ['its row of the work queue', 'work', OTHER_OUTCOMES_MS + 1_500],
    ['the key of what it emits', 'outbox_key', OTHER_OUTCOMES_MS + 1_500],
  ])('the outcomes of others are recorded soon where somebody has locked %s', async (_, table, othersMs) => {
    const keys = Array.from({ length: DEFAULT_LIMITS.effectConcurrency.default }, () => randomUUID());
    const [locked, ...others] = keys;
    const ran: string[] = [];
    const gate = Promise.withResolvers<void>();
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled'],
        jobs: {
          Ship: job(
            async ({ key }: Job) => {
              ran.push(key);
              await gate.promise;
              return { emit: [orderCancelled(key, { occurrence: 2 })] };
            },
            { dependency: 'carrier' },
          ),
        },
      }),
    );
    await until('it takes part', () => messaging.health().ready);
    // So that there is a row to lock.
    await messaging.transaction(async (tx) => tx.emit(keys.map((key) => orderCancelled(key, { occurrence: 1 }))));
    await messaging.transaction(async (tx) =>
      tx.enqueue(keys.map((key) => ({ type: 'Ship', key, id: key, payload: {} }))),
    );
    await until('all run', () => ran.length === keys.length);
    const left = async (): Promise<string[]> =>
      (await harness.rows<{ key: string }>('SELECT key FROM work_key')).map(({ key }) => key);
    const client = await harness.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      const { rowCount } = await client.query(`SELECT 1 FROM ${table} WHERE key = $1 FOR UPDATE`, [locked]);
      expect(rowCount).toBe(1);
      gate.resolve();
      await until('the others are recorded', async () => (await left()).length === 1, { timeoutMs: othersMs });
      expect(await left()).toEqual([locked]);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    await until('it is recorded too', async () => (await left()).length === 0, { timeoutMs: 5_000 });
    expect([...ran].sort()).toEqual([...keys].sort());
    const said = async (): Promise<string[]> => {
      const { rows } = await harness.database.pool.query<{ key: string; sequence: string }>(
        'SELECT key, sequence FROM outbox_key',
      );
      return rows.filter(({ sequence }) => Number(sequence) === 2).map(({ key }) => key);
    };
    expect((await said()).sort()).toEqual([locked!, ...others].sort());
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it.each(['starts again', 'is gone'])(
    'what an instance that %s had leased is released, but for what somebody keeps locked',
    async (happens) => {
      const instanceId = randomUUID();
      const keys = ['1', '2', '3'];
      await harness.rows(
        `INSERT INTO work_key (queue, key, pending, held, available_at, lease, lease_owner)
         SELECT 'gone', key, 0, true, now() + interval '1 hour', 'lease', $2 FROM unnest($1::text[]) AS t (key)`,
        [keys, instanceId],
      );
      await harness.rows(
        `INSERT INTO effect_call (scope, call, request, attempts, lease, lease_owner, lease_until)
         SELECT key, 'call', 'null', 1, 'lease', $2, now() + interval '1 hour' FROM unnest($1::text[]) AS t (key)`,
        [keys, instanceId],
      );
      await harness.rows(`INSERT INTO instance VALUES ($1, now() - interval '1 minute')`, [instanceId]);
      const client = await harness.database.pool.connect();
      try {
        await client.query('BEGIN');
        await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
        await client.query(`SELECT 1 FROM work_key WHERE key = '1' FOR UPDATE`);
        await client.query(`SELECT 1 FROM effect_call WHERE scope = '2' FOR UPDATE`);
        const jobs = { Ship: job(async () => undefined, { dependency: 'carrier' }) };
        const started = performance.now();
        await harness.service(defineRoutes({ group: harness.topics.group, jobs }), {
          ...(happens === 'starts again' && { instanceId }),
        });
        expect(performance.now() - started).toBeLessThan(5_000);
        const leased = (): Promise<{ of: string }[]> =>
          harness.rows(
            `SELECT 'key ' || key AS of FROM work_key WHERE lease IS NOT NULL
             UNION ALL SELECT 'call ' || scope FROM effect_call WHERE lease IS NOT NULL`,
          );
        await until('the others are released', async () => (await leased()).length === 2, { timeoutMs: 5_000 });
        expect(await leased()).toEqual([{ of: 'key 1' }, { of: 'call 2' }]);
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
    },
  );
});
