import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { asserting, Database, migrate, postgresFailure, type TransactionOptions, type Tx } from './index.js';

class CreateThing1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE thing (id int PRIMARY KEY)');
  }
  async down(): Promise<void> {}
}

/** What of a client of pg its types do not show. */
interface Connected {
  connection: { stream: Duplex };
}

const insert = { name: 'insert-thing', text: 'INSERT INTO thing (id) VALUES ($1)' };
const count = { name: 'count-things', text: 'SELECT count(*)::int AS n FROM thing' };

describe('Database', () => {
  let test: TestDatabase;
  let database: Database;
  const things = async (): Promise<number> => (await database.query<{ n: number }>(count))[0]!.n;

  beforeAll(async () => {
    test = await testDatabase([CreateThing1700000000000]);
    database = await test.connect({ poolSize: 2 });
  });
  afterAll(() => test.drop());

  it('commits all of a transaction, also the statements nobody awaited', async () => {
    await database.transaction(async (tx) => {
      await tx.query(insert, [1]);
      void tx.query(insert, [2]);
    });
    expect(await things()).toBe(2);
  });

  it('fails, before COMMIT is answered, where what it takes for granted is not so; the same may pass another time', async () => {
    const before = await things();
    const assertFew = {
      name: 'assert-few',
      text: `SELECT ${asserting('(SELECT count(*) < $1::int FROM thing)', 'few')}`,
    };
    const insertAssuming = (limit: number, id: number): Promise<void> =>
      database.transaction(async (tx) => {
        void tx.query(insert, [id]);
        void tx.query(assertFew, [limit]);
      });
    const failure: unknown = await insertAssuming(before, 30).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'TL002', message: 'not as assumed: few' });
    expect(postgresFailure(failure)).toBe('conflict');
    expect(await things()).toBe(before);
    await insertAssuming(before + 2, 30);
    expect(await things()).toBe(before + 1);
    await database.pool.query('DELETE FROM thing WHERE id = 30');
  });

  it('sends a transaction of one statement as that alone, and begins one for what waits or comes with others', async () => {
    const one = { name: 'one', text: 'SELECT 1 AS one' };
    const sent = async (fn: (tx: Tx) => Promise<unknown>, options?: TransactionOptions): Promise<string[][]> => {
      const turns: string[][] = [];
      database.pool.once('acquire', (client) => {
        const { query } = client;
        const telling = (turn: { asked: { statement: { name: string } }[] }): unknown => {
          turns.push(turn.asked.map(({ statement }) => statement.name));
          return query.call(client, turn);
        };
        Object.assign(client, { query: telling });
        database.pool.once('release', () => Object.assign(client, { query }));
      });
      await database.transaction(fn, options);
      return turns;
    };
    expect(await sent(async (tx) => void tx.query(one))).toEqual([['one']]);
    expect(await sent(async (tx) => void [tx.query(one), tx.query(one)])).toEqual([['begin', 'one', 'one', 'commit']]);
    const short = { lockTimeoutMs: 50 };
    const withLimit = [['begin', 'lock-timeout-50', 'one', 'commit']];
    expect(await sent(async (tx) => void tx.query(one), short)).toEqual(withLimit);
    const twice = (tx: Tx): Promise<unknown> => tx.query(one).then(() => tx.query(one));
    expect(await sent(twice)).toEqual([['begin', 'one'], ['one'], ['commit']]);
    expect(await sent((tx) => tx.query(one).then(() => void tx.query(one)))).toEqual([
      ['begin', 'one'],
      ['one', 'commit'],
    ]);
    expect(await sent(async () => undefined)).toEqual([]);
  });

  it('goes on after a statement of a turn had failed before others of it were parsed', async () => {
    const single = await test.connect({ poolSize: 1 });
    const fresh = { name: 'fresh-after-failure', text: 'SELECT 2 AS two' };
    const two = await single.rehearse(async () => {
      const failing = single.transaction(async (tx) => {
        tx.query({ name: 'zero', text: 'SELECT 1/0' }).catch(() => undefined);
        await tx.query(fresh);
      });
      await expect(failing).rejects.toMatchObject({ code: '25P02' });
      return single.query(fresh);
    });
    expect(two).toEqual([{ two: 2 }]);
  });

  it('sends nothing of a transaction that fails in the turn in which it asked', async () => {
    const failing = database.transaction((tx) => {
      void tx.query(insert, [60]);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(await things()).toBe(2);
  });

  it('refuses a statement that comes after its transaction', async () => {
    const late = await database.transaction(async (tx) => tx);
    await expect(late.query(insert, [61])).rejects.toThrow('came after its transaction');
  });

  it('commits nothing when the function throws, and gives the connection back', async () => {
    for (let i = 0; i < 5; i++) {
      const failing = database.transaction(async (tx) => {
        await tx.query(insert, [10]);
        throw new Error('on purpose');
      });
      await expect(failing).rejects.toThrow('on purpose');
    }
    expect(await things()).toBe(2);
  });

  it.each<[string, (tx: Tx, bad: () => Promise<unknown>) => Promise<void>]>([
    [
      'in the middle, unawaited',
      async (tx, bad) => {
        await tx.query(insert, [101]);
        void bad();
        await setImmediate();
        await setImmediate();
        await tx.query(insert, [102]);
      },
    ],
    [
      'at the beginning, caught',
      async (tx, bad) => {
        await bad().catch(() => undefined);
        await tx.query(insert, [101]);
      },
    ],
    [
      'at the end, caught',
      async (tx, bad) => {
        await tx.query(insert, [101]);
        await bad().catch(() => undefined);
      },
    ],
    [
      'together with COMMIT',
      async (tx, bad) => {
        await tx.query(insert, [101]);
        void bad();
      },
    ],
    ['alone', async (_, bad) => void bad()],
  ])('commits nothing where a statement cannot be sent: %s', async (_, fn) => {
    const before = await things();
    const circular: Record<string, unknown> = {};
    circular['itself'] = circular;
    await expect(database.transaction((tx) => fn(tx, () => tx.query(insert, [circular])))).rejects.toThrow('circular');
    expect(await things()).toBe(before);
  });

  it('tells the first failure, not that what was to be parsed behind it is not known', async () => {
    const late = { name: 'late', text: 'SELECT 1 AS late' };
    const failing = database.transaction(async (tx) => {
      void tx.query(insert, [1]); // is there already
      void tx.query(late);
      await setImmediate();
      await tx.query(late);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
  });

  it('rehearses: whatever is asked of the database in there is answered and then undone, and nothing gets out later', async () => {
    let late: Promise<unknown> | undefined;
    const before = await things();
    const seen = await database.rehearse(async (tx) => {
      await tx.query(insert, [30]);
      await database.query(insert, [31]);
      await database.transaction(async (inner) => void inner.query(insert, [32]));
      await expect(database.transaction((inner) => inner.query(insert, [30]))).rejects.toMatchObject({ code: '23505' });
      late = new Promise((resolve) => setTimeout(resolve, 50)).then(() => database.query(insert, [33]));
      late.catch(() => undefined);
      return things();
    });
    expect(seen).toBe(before + 3);
    await expect(late).rejects.toMatchObject({ code: 'POSTGRES_REHEARSAL_OVER' });
    await expect(database.rehearse(async (tx) => void tx.query(insert, [1]))).rejects.toMatchObject({ code: '23505' });
    expect(await things()).toBe(before);
  });

  it('fails when a statement nobody awaited fails', async () => {
    const failing = database.transaction(async (tx) => {
      await tx.query(insert, [20]);
      tx.query(insert, [1]).catch(() => undefined);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await things()).toBe(2);
  });

  it('fails when a failed statement was swallowed, instead of reporting a commit that never was', async () => {
    const failing = database.transaction(async (tx) => {
      await tx.query(insert, [30]);
      await tx.query(insert, [1]).catch(() => undefined);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await things()).toBe(2);
  });

  it('names the first failure, not what followed from it', async () => {
    const failing = database.transaction(async (tx) => {
      tx.query(insert, [1]).catch(() => undefined);
      await tx.query(insert, [40]);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
  });

  it('keeps working after many failed transactions with statements that were not prepared yet', async () => {
    for (let i = 0; i < 4; i++) {
      const failing = database.transaction(async (tx) => {
        tx.query({ name: 'broken', text: 'SELECT 1/0' }).catch(() => undefined);
        await tx.query({ name: `fresh`, text: 'SELECT 1 AS one' });
      });
      await expect(failing).rejects.toMatchObject({ code: '22012' });
    }
    expect(await database.query({ name: 'fresh', text: 'SELECT 1 AS one' })).toEqual([{ one: 1 }]);
  });

  it('says whether PostgreSQL is away, busy, or was asked something wrong', async () => {
    const wrong = await database.query({ name: 'wrong', text: 'SELECT no_such_column' }).catch((e: unknown) => e);
    expect(postgresFailure(wrong)).toBe('fault');
    const killed = await database
      .query({ name: 'suicide', text: 'SELECT pg_terminate_backend(pg_backend_pid())' })
      .catch((e: unknown) => e);
    expect(postgresFailure(killed)).toBe('outage');
    const away = await Database.connect({ url: 'postgres://127.0.0.1:1/x', applicationName: 'x' }).catch(
      (e: unknown) => e,
    );
    expect(postgresFailure(away)).toBe('outage');
    expect(postgresFailure(new Error('of a handler'))).toBeUndefined();
    expect(await things()).toBe(2);
  });

  it('outlives a connection that vanishes under an open transaction, without a word from the server', async () => {
    const vanishing = await test.connect({ poolSize: 1 });
    const sockets: Duplex[] = [];
    vanishing.pool.on('acquire', (client) => sockets.push((client as unknown as Connected).connection.stream));
    const vanish = async (): Promise<void> => {
      const socket = sockets.at(-1)!;
      const closed = new Promise((resolve) => socket.once('close', resolve)); // whose error it is, the statements tell
      socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
      await closed;
    };
    const between = await vanishing
      .transaction(async (tx) => {
        await tx.query(insert, [50]);
        await vanish();
        await tx.query(insert, [51]);
      })
      .catch((e: unknown) => e);
    expect(postgresFailure(between)).toBe('outage');
    const within = await vanishing
      .transaction((tx) => Promise.all([tx.query({ name: 'sleep', text: 'SELECT pg_sleep(5)' }), vanish()]))
      .catch((e: unknown) => e);
    expect(postgresFailure(within)).toBe('outage');
    const alive = { name: 'alive', text: 'SELECT 1 AS one' };
    expect(await vanishing.query(alive)).toEqual([{ one: 1 }]);
    const alone = await Promise.all([vanishing.query({ name: 'sleep', text: 'SELECT pg_sleep(5)' }), vanish()]).catch(
      (e: unknown) => e,
    );
    expect(postgresFailure(alone)).toBe('outage');
    expect(await vanishing.query(alive)).toEqual([{ one: 1 }]);
    expect(await things()).toBe(2);
  });

  it('hears a connection from the very moment it is handed out: an error may come in the same packet', async () => {
    for (const fresh of [true, false]) {
      const single = fresh ? await test.connect({ poolSize: 1 }) : database;
      const listeners = await new Promise<number>((resolve) => {
        single.pool.connect((_, client, release) => {
          resolve(client!.listenerCount('error'));
          release();
        });
      });
      expect(listeners).toBeGreaterThan(0);
    }
  });

  it('says that a stale prepared statement is a conflict, and the next try does not meet it', async () => {
    const single = await test.connect({ poolSize: 1 });
    const all = { name: 'all-things', text: 'SELECT * FROM thing' };
    await single.query(all);
    await database.pool.query('ALTER TABLE thing ADD COLUMN colour text');
    const changed = await single.query(all).catch((e: unknown) => e);
    expect(changed).toMatchObject({ code: '0A000' });
    expect(postgresFailure(changed)).toBe('conflict');
    expect(await single.query(all)).toHaveLength(2);

    await single.query({ name: 'forget', text: 'DEALLOCATE ALL' });
    const forgotten = await single.query(all).catch((e: unknown) => e);
    expect(forgotten).toMatchObject({ code: '26000' });
    expect(postgresFailure(forgotten)).toBe('conflict');
    expect(await single.query(all)).toHaveLength(2);

    const unsupported = await single
      .query({ name: 'unsupported', text: 'SELECT DISTINCT id FROM thing FOR UPDATE' })
      .catch((e: unknown) => e);
    expect(unsupported).toMatchObject({ code: '0A000' });
    expect(postgresFailure(unsupported)).toBe('fault');
  });

  it('has the isolation and the dates that statements are written for, whatever the database is set to', async () => {
    await database.pool.query(`
      DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());
        EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''', current_database());
      END $$`);
    const fresh = await test.connect({ poolSize: 1 });
    const read = `SELECT current_setting('transaction_isolation') AS isolation, timestamptz '2026-11-22T10:00:00Z' AS at`;
    expect(await fresh.query({ name: 'settings', text: read })).toEqual([
      { isolation: 'read committed', at: new Date('2026-11-22T10:00:00Z') },
    ]);
  });

  it('ends a statement that takes too long', async () => {
    const impatient = await test.connect({ limits: { statementTimeoutMs: 50 } });
    const slow = await impatient.query({ name: 'sleep', text: 'SELECT pg_sleep(5)' }).catch((e: unknown) => e);
    expect(postgresFailure(slow)).toBe('conflict');
  });

  it('migrates once, however many migrate at once', async () => {
    const fresh = await testDatabase([]);
    try {
      const applied = await Promise.all([1, 2, 3].map(() => migrate({ url: fresh.url }, [CreateThing1700000000000])));
      expect(applied.flat()).toEqual(['CreateThing1700000000000']);
    } finally {
      await fresh.drop();
    }
  });
});
