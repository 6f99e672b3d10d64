import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresFailure, type Database, type Statement, type Tx } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { sale, saleContracts, saleEvent } from '../../fixtures/sale.js';
import { compileDefinition, parseDefinition, type ProcessEvent } from '../index.js';
import { processMigrations, ProcessRunner, type BatchResult } from './index.js';

const compile = (data: unknown) => compileDefinition(parseDefinition(data), saleContracts);
const newRunner = () => new ProcessRunner([sale], compile);
const forward = ['DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent'];
const noon = new Date('2026-11-22T12:00:00.000Z');
const reading = ['process-lock-instances', 'process-claim-new-instances'];

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await testDatabase(processMigrations);
  database = await test.connect({ poolSize: 8 });
  await newRunner().storeDefinitions(database);
}, 60_000);
afterAll(() => test.drop());

const of = (key: string, ...types: string[]) => types.map((type) => saleEvent(type, `${key}/${type}`, key));

interface Taken {
  sent: string[];
  statements: string[];
}

/** As a service does: the batch is taken as foreseen, and once more without where that fails. */
async function take(by: ProcessRunner, events: ProcessEvent[], { now = noon, foresee = true } = {}): Promise<Taken> {
  const run = async (foresees: boolean): Promise<Taken> => {
    const taken: Taken = { sent: [], statements: [] };
    let batch: BatchResult | undefined;
    await database.transaction(async (tx) => {
      const watched: Tx = {
        query: (statement: Statement, values?: unknown[]) => {
          taken.statements.push(statement.name);
          return tx.query(statement, values);
        },
      };
      const emit = (commands: { type: string; correlationId: string }[]): void =>
        void taken.sent.push(...commands.map(({ type, correlationId }) => `${correlationId} ${type}`));
      batch = await by.runBatch(watched, events, now, emit, foresees);
    });
    batch!.committed();
    return taken;
  };
  if (!foresee) return run(false);
  return run(true).catch((error: unknown) => {
    expect(postgresFailure(error)).toBe('conflict');
    return run(false);
  });
}

const reads = ({ statements }: Taken): boolean => statements.some((name) => reading.includes(name));

/** A runner that has ids in reserve, so that it may create what starts. */
async function warm(key: string): Promise<ProcessRunner> {
  const runner = newRunner();
  await take(runner, of(`${key}-warm`, 'DealWon'));
  return runner;
}

describe('a batch that is foreseen', () => {
  it('reads nothing and waits for no answer, from the start of an instance to its end', async () => {
    const runner = await warm('quick');
    let sends = 0;
    const turns: number[] = [];
    for (const event of of('quick', ...forward)) {
      database.pool.once('acquire', (client) => {
        const { query } = client;
        sends = 0;
        const counting = (turn: unknown): unknown => {
          sends++;
          return query.call(client, turn);
        };
        Object.assign(client, { query: counting });
        database.pool.once('release', () => Object.assign(client, { query }));
      });
      let batch: BatchResult | undefined;
      await database.transaction(async (tx) => {
        const unanswered: Tx = {
          query: <R extends object>(statement: Statement, values?: unknown[]): Promise<R[]> => {
            expect(reading).not.toContain(statement.name);
            return tx.query<R>(statement, values);
          },
        };
        batch = await runner.runBatch(unanswered, [event], noon, () => undefined, true);
        turns.push(sends);
      });
      batch!.committed();
      turns.push(sends);
    }
    // Nothing is sent before the transaction ends, and then all at once.
    expect(turns).toEqual(forward.flatMap(() => [0, 1]));
    expect(await stateOf('quick')).toMatchObject({ status: 'completed', phase: 'ended' });
  });

  it('is not, where an instance is not known: then all of them are read', async () => {
    const runner = await warm('unknown');
    await take(newRunner(), of('unknown', 'DealWon'));
    const mixed = await take(runner, [...of('unknown', 'OrderCreated'), ...of('unknown-warm', 'OrderCreated')]);
    expect(reads(mixed)).toBe(true);
    expect(mixed.sent).toHaveLength(4);
    expect(reads(await take(runner, of('unknown', 'OrderPacked')))).toBe(false);
  });

  it('fails where another runner has written an instance, as a conflict, and leaves nothing behind', async () => {
    const runner = await warm('stale');
    await take(runner, of('stale', 'DealWon'));
    await take(newRunner(), of('stale', 'OrderCreated'));
    const foreseeing = database.transaction((tx) =>
      runner.runBatch(
        tx,
        [...of('stale', 'OrderPacked'), ...of('stale-other', 'DealWon')],
        noon,
        () => undefined,
        true,
      ),
    );
    await expect(foreseeing).rejects.toMatchObject({
      code: 'TL002',
      message: expect.stringContaining('not as assumed'),
    });
    expect(await stateOf('stale-other')).toBeUndefined();
    const again = await take(runner, of('stale', 'OrderPacked'), { foresee: false });
    expect(again.sent).toEqual([]);
    expect((await stateOf('stale'))!.steps).toMatchObject({ order: { status: 'done' }, packing: { status: 'done' } });
  });

  it('fails where somebody has repaired an instance by hand', async () => {
    const runner = await warm('repaired');
    await take(runner, of('repaired', 'DealWon'));
    await database.pool.query(`UPDATE process_instance SET version = version WHERE key = 'repaired'`);
    const taken = await take(runner, of('repaired', 'OrderCreated'));
    expect(reads(taken)).toBe(true);
    expect(taken.sent).toHaveLength(2);
  });

  it('fails where something came before a start, which is then taken', async () => {
    const runner = await warm('early');
    await take(newRunner(), of('early', 'OrderCreated'));
    const taken = await take(runner, of('early', 'DealWon'));
    expect(reads(taken)).toBe(true);
    expect(taken.sent.map((sent) => sent.split(' ')[1])).toEqual(['CreateOrder', 'PackOrder', 'IssueInvoice']);
  });

  it('waits for whoever is about to write an instance, and then fails', async () => {
    const runner = await warm('both');
    await take(runner, of('both', 'DealWon', 'OrderCreated'));
    let late: Promise<unknown> | undefined;
    await database.transaction(async (tx) => {
      await newRunner().runBatch(tx, of('both', 'InvoiceIssued'), noon, () => undefined);
      await tx.query({ name: 'spec-written', text: 'SELECT 1' });
      late = database
        .transaction((other) => runner.runBatch(other, of('both', 'OrderPacked'), noon, () => undefined, true))
        .catch((error: unknown) => error);
      while (!(await isAnybodyWaiting())) await new Promise((resolve) => setImmediate(resolve));
    });
    expect(await late).toMatchObject({ code: 'TL002' });
    const { sent } = await take(runner, of('both', 'OrderPacked'), { foresee: false });
    expect(sent).toEqual(['correlation-of-both SendNotice']);
  });

  it('goes by what was committed, not by what was rolled back', async () => {
    const runner = await warm('undone');
    await take(runner, of('undone', 'DealWon'));
    const failing = database.transaction(async (tx) => {
      await runner.runBatch(tx, of('undone', 'OrderCreated'), noon, () => undefined, true);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    const { sent } = await take(runner, of('undone', 'OrderCreated'));
    expect(sent).toHaveLength(2);
  });

  it('takes nothing from memory by a number of a transaction that came again', async () => {
    for (const foresee of [true, false]) {
      const key = `again-${foresee}`;
      const runner = await warm(key);
      let first: BatchResult | undefined;
      // As after a standby has taken over that had not got the last transaction: its number is that of another one now.
      await database.transaction(async (tx) => {
        first = await runner.runBatch(tx, of(key, 'DealWon'), noon, () => undefined);
        const later = new Date(noon.getTime() + 1);
        await newRunner().runBatch(tx, of(key, 'OrderCreated'), later, () => undefined);
      });
      first!.committed();
      await take(runner, of(key, 'OrderPacked'), { foresee });
      expect((await stateOf(key))!.steps).toMatchObject({ order: { status: 'done' }, packing: { status: 'done' } });
    }
  });

  it('forgets what has ended, also where it was written twice in one transaction', async () => {
    const runner = await warm('twice');
    const all: BatchResult[] = [];
    await database.transaction(async (tx) => {
      for (const types of [['DealWon'], forward.slice(1)])
        all.push(await runner.runBatch(tx, of('twice', ...types), noon, () => undefined));
    });
    for (const { committed } of all) committed();
    const { sent } = await take(runner, of('twice', 'DealLost'));
    expect(sent).toEqual(['correlation-of-twice VoidInvoice']);
  });

  it('is tried ever more seldom while it turns out otherwise, and each time once it is right', async () => {
    const runner = await warm('seldom');
    await take(runner, of('seldom', 'DealWon'));
    const foresees = async (stale: boolean): Promise<boolean> => {
      if (stale) await touch('seldom');
      const names: string[] = [];
      const batch = database.transaction((tx) => {
        const watched: Tx = {
          query: (statement: Statement, values?: unknown[]) => {
            names.push(statement.name);
            return tx.query(statement, values);
          },
        };
        return runner.runBatch(watched, payment('seldom'), noon, () => undefined, true);
      });
      await batch.then(
        ({ committed }) => committed(),
        () => take(runner, payment('seldom'), { foresee: false }),
      );
      return !names.includes('process-lock-instances');
    };
    const tried: boolean[] = [];
    for (let n = 0; n < 14; n++) tried.push(await foresees(true));
    // After each that fails 1, 3 and 7 are left out.
    expect(tried).toEqual(tried.map((_, n) => [0, 2, 6].includes(n)));
    expect(await foresees(false)).toBe(true);
    expect(await foresees(false)).toBe(true);
  });
});

describe('whatever happens meanwhile', () => {
  const types = ['DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent', 'PaymentSeen', 'DealLost', 'OrderCancelled', 'InvoiceVoided', 'OrderUnpacked', 'PackingRejected']; // prettier-ignore
  const event = fc.record({
    kind: fc.constant('event' as const),
    types: fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom(...types)), {
      minLength: 1,
      maxLength: 4,
    }),
  });
  const happening = fc.oneof(
    { weight: 8, arbitrary: event },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('elsewhere' as const), types: event.map(({ types }) => types) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('timers' as const), hours: fc.integer({ min: 0, max: 30 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('touched' as const), key: fc.integer({ min: 0, max: 2 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('undone' as const), types: event.map(({ types }) => types) }),
    },
  );

  it('comes to what it comes to without', async () => {
    let run = 0;
    let foreseen = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 25 }), async (happenings) => {
        run++;
        await database.pool.query('DELETE FROM process_timer');
        const worlds = [true, false].map((foresees) => ({
          foresees,
          name: `${foresees ? 'foreseen' : 'plainly'}-${run}`,
          runner: newRunner(),
          sent: [] as string[],
          now: noon.getTime(),
        }));
        for (const world of worlds) {
          const { name, foresees, sent } = world;
          if (foresees) await take(world.runner, of(`warm-${name}`, 'DealWon'));
          for (const [index, what] of happenings.entries()) {
            const keyOf = (key: number): string => `${name}-${key}`;
            const now = new Date(world.now);
            const events = ('types' in what ? what.types : []).map(([key, type], n) =>
              saleEvent(type, `${name}/${index}/${n}`, keyOf(key)),
            );
            if (what.kind === 'event') {
              const taken = await take(world.runner, events, { now, foresee: foresees });
              sent.push(...taken.sent);
              if (foresees && !reads(taken)) foreseen++;
            }
            if (what.kind === 'elsewhere')
              sent.push(...(await take(newRunner(), events, { now, foresee: false })).sent);
            if (what.kind === 'touched') await touch(keyOf(what.key));
            if (what.kind === 'undone') {
              const undone = database.transaction(async (tx) => {
                await world.runner.runBatch(tx, events, now, () => undefined, foresees);
                throw new Error('on purpose');
              });
              await undone.catch(() => undefined);
            }
            if (what.kind === 'timers') {
              world.now += what.hours * 3_600_000;
              await database.transaction((tx) =>
                world.runner.runDueTimers(tx, new Date(world.now), 100, (commands) =>
                  sent.push(...commands.map(({ type, correlationId }) => `${correlationId} ${type}`)),
                ),
              );
            }
          }
          await database.pool.query('DELETE FROM process_timer');
        }
        const [one, other] = await Promise.all(worlds.map(({ name }) => everything(name)));
        const [a, b] = worlds.map(({ name, sent }) => sent.toSorted().map((it) => it.replaceAll(name, 'world')));
        expect(one).toEqual(other);
        expect(a).toEqual(b);
      }),
      { numRuns: 60 },
    );
    expect(foreseen).toBeGreaterThan(30);
  }, 120_000);
});

let payments = 0;
const payment = (key: string): ProcessEvent[] => [saleEvent('PaymentSeen', `${key}/payment-${++payments}`, key)];

const touch = (key: string) =>
  database.pool.query(`UPDATE process_instance SET version = version WHERE key = $1`, [key]);

async function isAnybodyWaiting(): Promise<boolean> {
  const { rows } = await database.pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

async function stateOf(key: string): Promise<Record<string, unknown> | undefined> {
  const { rows } = await database.pool.query<{ state: Record<string, unknown> }>(
    'SELECT state FROM process_instance WHERE key = $1',
    [key],
  );
  return rows[0]?.state;
}

/** All that is stored of the instances of a world, without ids and the world's name. */
async function everything(world: string): Promise<unknown> {
  const { rows } = await database.pool.query<{ all: object }>(
    `SELECT json_build_object(
        'instance', (SELECT json_agg(to_jsonb(i) - 'id' ORDER BY i.key) FROM process_instance i WHERE i.key LIKE $1),
        'history', (SELECT json_agg(to_jsonb(e) - 'instance_id' - 'position' ORDER BY i.key, e.position)
          FROM process_event e JOIN process_instance i ON i.id = e.instance_id WHERE i.key LIKE $1),
        'steps', (SELECT json_agg(to_jsonb(s) - 'instance_id' ORDER BY i.key, s.step, s.direction)
          FROM process_step s JOIN process_instance i ON i.id = s.instance_id WHERE i.key LIKE $1),
        'waits', (SELECT json_agg(to_jsonb(w) - 'instance_id' ORDER BY i.key, w.step)
          FROM process_wait w JOIN process_instance i ON i.id = w.instance_id WHERE i.key LIKE $1),
        'search', (SELECT json_agg(to_jsonb(s) - 'instance_id' ORDER BY i.key)
          FROM process_search s JOIN process_instance i ON i.id = s.instance_id WHERE i.key LIKE $1),
        'attributes', (SELECT json_agg(to_jsonb(a) - 'instance_id' ORDER BY i.key, a.field)
          FROM process_attribute a JOIN process_instance i ON i.id = a.instance_id WHERE i.key LIKE $1),
        'external', (SELECT json_agg(to_jsonb(x) - 'instance_id' ORDER BY i.key, x.id)
          FROM process_external_id x JOIN process_instance i ON i.id = x.instance_id WHERE i.key LIKE $1)) AS all`,
    [`${world}-%`],
  );
  return JSON.parse(JSON.stringify(rows[0]!.all).replaceAll(world, 'world'));
}
