import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { postgresFailure, type Database, type Statement, type Tx } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { sale, saleContracts, saleDefinition, saleEvent } from '../../fixtures/sale.js';
import { compileDefinition, parseDefinition, type ProcessEvent } from '../index.js';
import { initialState } from '../state.js';
import {
  findCorrelated,
  findInstances,
  findOccurrences,
  processMigrations,
  ProcessRunner,
  readHistory,
  readStatistics,
  type EmittedCommand,
} from './index.js';

const compile = (data: unknown) => compileDefinition(parseDefinition(data), saleContracts);
const forward = ['DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent'];
const noon = new Date('2026-11-22T12:00:00.000Z');

let test: TestDatabase;
let database: Database;
const newRunner = () => new ProcessRunner([sale], compile);
const runner = newRunner();

/** Takes a batch in a transaction of its own and returns the commands that left. */
async function take(events: ProcessEvent[], { by = runner, now = noon } = {}): Promise<EmittedCommand[]> {
  const sent: EmittedCommand[] = [];
  await database.transaction((tx) => by.runBatch(tx, events, now, (commands) => sent.push(...commands)));
  return sent;
}
const of = (key: string, ...types: string[]) => types.map((type) => saleEvent(type, `${key}/${type}`, key));
const find = async (key: string) => (await findInstances(database, { key, limit: 1 }))[0];

beforeAll(async () => {
  test = await testDatabase(processMigrations);
  database = await test.connect({ poolSize: 8 });
  await runner.storeDefinitions(database);
}, 60_000);
afterAll(() => test.drop());

describe('a batch', () => {
  it('starts instances, and their commands carry the correlation and what caused them', async () => {
    const sent = await take([...of('batch-1', 'DealWon'), ...of('batch-2', 'DealWon')]);
    expect(sent).toEqual([
      expect.objectContaining({
        type: 'CreateOrder',
        correlationId: 'correlation-of-batch-1',
        causationId: 'batch-1/DealWon',
      }),
      expect.objectContaining({
        type: 'CreateOrder',
        correlationId: 'correlation-of-batch-2',
        causationId: 'batch-2/DealWon',
      }),
    ]);
  });

  it('leaves the whole story of an instance behind', async () => {
    for (const event of of('story', ...forward)) await take([event]);
    const instance = (await find('story'))!;
    expect(instance).toMatchObject({
      process: 'sale',
      version: 1,
      occurrence: 1,
      status: 'completed',
      traceId: '1'.repeat(32),
      startedAt: new Date('2026-11-22T10:00:00.000Z'),
      endedAt: noon,
    });
    const history = await readHistory(database, [instance.id]);
    expect(history.map(({ type, effect, commands }) => [type, effect, ...commands])).toEqual([
      ['DealWon', 'started', 'CreateOrder'],
      ['OrderCreated', 'step-done', 'PackOrder', 'IssueInvoice'],
      ['OrderPacked', 'step-done'],
      ['InvoiceIssued', 'step-done', 'SendNotice'],
      ['NoticeSent', 'step-done'],
    ]);
    expect(history[1]).toMatchObject({
      messageId: 'story/OrderCreated',
      source: 'a-service',
      payload: { orderNumber: 'O-1' },
    });
  });

  it('is written by the same few statements, however many instances it touches', async () => {
    const statements: string[] = [];
    const counted = (tx: Tx): Tx => ({
      query: (statement: Statement, values?: unknown[]) => {
        statements.push(statement.name);
        return tx.query(statement, values);
      },
    });
    const events = Array.from({ length: 300 }, (_, n) => of(`many-${n}`, 'DealWon', 'OrderCreated')).flat();
    const { transitions } = await database.transaction((tx) =>
      runner.runBatch(counted(tx), events, noon, () => undefined),
    );
    expect(transitions).toHaveLength(300);
    expect(transitions[0]).toEqual({ process: 'sale', from: 'expected', to: 'running' });
    expect(statements.length).toBeLessThanOrEqual(10);
    // What is new is written once, with all that the batch made of it.
    expect(statements).toContain('process-insert-instances');
    expect(statements).not.toContain('process-update-instances');
  });

  it('ignores messages taken before, in the same batch and in a later one', async () => {
    const [won] = of('duplicate', 'DealWon');
    expect(await take([won!, won!])).toHaveLength(1);
    expect(await take([won!])).toHaveLength(0);
    expect(await readHistory(database, [(await find('duplicate'))!.id])).toHaveLength(1);
  });

  it('keeps what comes before the start, and takes it when the start comes', async () => {
    expect(await take(of('early', 'PaymentSeen', 'OrderCreated'))).toEqual([]);
    expect(await find('early')).toMatchObject({ status: 'expected' });
    const sent = await take(of('early', 'DealWon'));
    expect(sent.map(({ type }) => type)).toEqual(['CreateOrder', 'PackOrder', 'IssueInvoice']);
    const history = await readHistory(database, [(await find('early'))!.id]);
    expect(history.map(({ effect }) => effect)).toEqual(['recorded', 'early', 'started']);
  });

  it('leaves nothing behind when its transaction fails', async () => {
    const failing = database.transaction(async (tx) => {
      await runner.runBatch(tx, of('failing', 'DealWon'), noon, () => undefined);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(await find('failing')).toBeUndefined();
  });

  it('refuses an event that names no instance, and says who must fill it', async () => {
    const event = { ...saleEvent('PaymentSeen', 'keyless'), payload: {} };
    await expect(take([event])).rejects.toMatchObject({ code: 'PROCESS_EVENT_WITHOUT_KEY', retry: 'never' });
  });
});

describe('several runners at once', () => {
  it('complete every instance, with each command sent once, whatever comes where and in which order', async () => {
    const keys = Array.from({ length: 20 }, (_, n) => `race-${n}`);
    // Early events and starts meet here on purpose, in opposite orders, each message delivered to two runners.
    const sent = (
      await Promise.all(
        forward.flatMap((type, index) => {
          const events = keys.flatMap((key) => of(key, type));
          const shuffled = index % 2 === 0 ? events : events.toReversed();
          return [take(shuffled, { by: newRunner() }), take(shuffled.toReversed(), { by: newRunner() })];
        }),
      )
    ).flat();
    const found = await Promise.all(keys.map(find));
    expect(found.map((instance) => instance?.status)).toEqual(keys.map(() => 'completed'));
    expect(sent).toHaveLength(keys.length * 4);
    expect(new Set(sent.map(({ type, correlationId }) => `${type}/${correlationId}`)).size).toBe(sent.length);
  });

  describe('of which one is about to create an instance', () => {
    const waiting = async (): Promise<boolean> => {
      const { rows } = await database.pool.query(`SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'advisory'`);
      return rows.length > 0;
    };
    /** What the second sends, where the first ends like this as soon as the second waits for it. */
    async function second(key: string, end: () => void): Promise<string[]> {
      const [aside, other] = [`${key}-aside`, `${key}-other`];
      await take(of(aside, 'DealWon'));
      let sent: Promise<EmittedCommand[]> | undefined;
      const first = database.transaction(async (tx) => {
        await runner.runBatch(tx, of(key, 'DealWon'), noon, () => undefined);
        sent = take([...of(other, 'DealWon'), ...of(aside, 'OrderCreated'), ...of(key, 'OrderCreated')]);
        sent.catch(() => undefined);
        while (!(await waiting())) await new Promise((resolve) => setImmediate(resolve));
        end();
      });
      await first.catch(() => undefined);
      return (await sent!).map(({ type, correlationId }) => `${correlationId.slice('correlation-of-'.length)} ${type}`);
    }

    it('the other waits, and goes on with what the first has made of it', async () => {
      const sent = await second('made', () => undefined);
      expect(sent.toSorted()).toEqual([
        'made IssueInvoice',
        'made PackOrder',
        'made-aside IssueInvoice',
        'made-aside PackOrder',
        'made-other CreateOrder',
      ]);
      expect(await findInstances(database, { key: 'made', limit: 2 })).toHaveLength(1);
    });

    it('the other waits, and creates it where the first did not', async () => {
      const sent = await second('unmade', () => {
        throw new Error('on purpose');
      });
      expect(sent.toSorted()).toEqual([
        'unmade-aside IssueInvoice',
        'unmade-aside PackOrder',
        'unmade-other CreateOrder',
      ]);
      expect(await find('unmade')).toMatchObject({ status: 'expected' });
      expect(await take(of('unmade', 'DealWon'))).toHaveLength(3);
    });
  });

  it('of a release that takes no claim: what it has created meanwhile is met by a conflict, and by the next try', async () => {
    const overtaking = () =>
      database.transaction((tx) => {
        const query: Tx['query'] = <R extends object>(statement: Statement, values?: unknown[]) => {
          const rows = tx.query<R>(statement, values);
          if (statement.name !== 'process-lock-instances') return rows;
          return rows.then((locked) => createAsBefore('overtaken').then(() => locked));
        };
        return runner.runBatch({ query }, of('overtaken', 'DealWon'), noon, () => undefined);
      });
    const failure: unknown = await overtaking().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'POSTGRES_OVERTAKEN', retry: 'later' });
    expect(postgresFailure(failure)).toBe('conflict');
    expect((await take(of('overtaken', 'DealWon'))).map(({ type }) => type)).toEqual(['CreateOrder']);
    expect(await findInstances(database, { key: 'overtaken', limit: 2 })).toHaveLength(1);
  });

  /** As that release does, in a transaction of its own. */
  const createAsBefore = (key: string) =>
    database.pool.query(
      `INSERT INTO process_instance (process, version, key, occurrence, correlation_id, status, state, created_at, updated_at)
       VALUES ('sale', 1, $1, 1, $2, 'expected', $3, $4, $4) ON CONFLICT (key, occurrence, process) DO NOTHING`,
      [
        key,
        `correlation-of-${key}`,
        initialState({ key, occurrence: 1, correlationId: `correlation-of-${key}` }),
        noon,
      ],
    );
});

describe('timers', () => {
  beforeEach(async () => {
    await database.pool.query('DELETE FROM process_timer');
  });

  it('fire when they are due, and make the instance visible', async () => {
    await take(of('timer', 'DealWon'));
    const fire = (at: string) =>
      database
        .transaction((tx) => runner.runDueTimers(tx, new Date(at), 100, () => undefined))
        .then(({ fired }) => fired);
    expect(await fire('2026-11-22T12:14:59.999Z')).toBe(0);
    expect(await fire('2026-11-22T12:15:00.000Z')).toBe(1);
    expect(await fire('2026-11-22T13:00:00.000Z')).toBe(0);
    const instance = (await find('timer'))!;
    expect(instance.status).toBe('overdue');
    expect((await readHistory(database, [instance.id])).at(-1)).toMatchObject({
      type: 'timeout',
      effect: 'overdue',
      step: 'order',
    });
    await take(of('timer', 'OrderCreated'));
    expect((await find('timer'))?.status).toBe('running');
  });

  it('that what happens moves back are looked at once too early, fire nothing then, and fire in time', async () => {
    for (const event of of('moved', 'DealWon', 'OrderCreated')) await take([event]);
    const look = async (at: string): Promise<[looked: number, fired: number]> => {
      const { looked, fired } = await database.transaction((tx) =>
        runner.runDueTimers(tx, new Date(at), 100, () => undefined),
      );
      return [looked, fired];
    };
    // The order was awaited for 15 minutes, the invoice is for an hour.
    expect(await look('2026-11-22T12:15:00.000Z')).toEqual([1, 0]);
    expect(await look('2026-11-22T12:59:59.999Z')).toEqual([0, 0]);
    expect(await look('2026-11-22T13:00:00.000Z')).toEqual([1, 1]);
    expect((await find('moved'))?.status).toBe('overdue');
    await take(of('moved', 'InvoiceIssued'));

    for (const event of of('over', ...forward)) await take([event]);
    expect(await look('2026-11-22T13:00:00.000Z')).toEqual([1, 0]);
    expect(
      (
        await database.pool.query(
          `SELECT FROM process_timer JOIN process_instance ON id = instance_id WHERE key = 'over'`,
        )
      ).rowCount,
    ).toBe(0);
  });

  it('that come forward are looked at in time', async () => {
    const dueAt = async (): Promise<Date | undefined> => {
      const text = `SELECT min(due_at) AS due_at FROM process_timer JOIN process_instance ON id = instance_id WHERE key = 'forward'`;
      return (await database.pool.query<{ due_at: Date }>(text)).rows[0]?.due_at;
    };
    await take(of('forward', 'DealWon', 'OrderCreated'));
    await database.transaction((tx) =>
      runner.runDueTimers(tx, new Date('2026-11-22T12:15:00.000Z'), 100, () => undefined),
    );
    expect(await dueAt()).toEqual(new Date('2026-11-22T13:00:00.000Z'));
    await take(of('forward', 'PackingRejected', 'InvoiceIssued', 'InvoiceVoided'));
    // The order is being cancelled, and that is awaited for five minutes.
    expect(await dueAt()).toEqual(new Date('2026-11-22T12:05:00.000Z'));
  });

  it('are shared by runners without one firing twice or one waiting for another', async () => {
    await take(Array.from({ length: 50 }, (_, n) => of(`shared-${n}`, 'DealWon')).flat());
    const later = new Date('2026-11-22T12:15:00.000Z');
    const claim = () =>
      database.transaction((tx) => newRunner().runDueTimers(tx, later, 20, () => undefined)).then(({ fired }) => fired);
    const fired = await Promise.all([claim(), claim(), claim(), claim()]);
    expect(fired.reduce((a, b) => a + b)).toBe(50);
    const overdue = await findInstances(database, { statuses: ['overdue'], limit: 100 });
    expect(overdue).toHaveLength(50);
  });

  it('of versions that this release cannot read wait for one that can, and hold up no others', async () => {
    const waiting = ['ahead-1', 'ahead-2'];
    await take([...waiting, 'behind'].flatMap((key) => of(key, 'DealWon')));
    await database.pool.query(
      `WITH ahead AS (UPDATE process_instance SET version = 99 WHERE key = ANY($1) RETURNING id)
       UPDATE process_timer SET due_at = due_at - interval '1 minute' WHERE instance_id IN (SELECT id FROM ahead)`,
      [waiting],
    );
    const timers = newRunner();
    const look = () =>
      database.transaction((tx) => timers.runDueTimers(tx, new Date('2026-11-22T12:15:00.000Z'), 2, () => undefined));
    // As many as it takes at once are in the way; the next look goes past them.
    const { fired, skipped } = await look();
    expect(fired).toBe(0);
    expect(skipped.map(({ instance, error }) => [instance.key, instance.version, error.code]).toSorted()).toEqual(
      waiting.map((key) => [key, 99, 'PROCESS_VERSION_UNKNOWN']),
    );
    expect((await look()).fired).toBe(1);
    expect((await find('behind'))?.status).toBe('overdue');
    // The one that can comes.
    await database.pool.query('UPDATE process_instance SET version = 1 WHERE key = ANY($1)', [waiting]);
    expect(await look()).toMatchObject({ fired: 2, skipped: [] });
  });
});

describe('versions', () => {
  const second = { ...saleDefinition, version: 2, 'cancelled-by': ['DealLost'], records: [] };

  it('an instance stays on the version it started on, and new ones start on the newest', async () => {
    await take(of('pinned', 'DealWon'));
    const upgraded = new ProcessRunner([compile(second)], compile);
    await upgraded.storeDefinitions(database);
    await take([...of('pinned', 'OrderCreated', 'PaymentSeen'), ...of('modern', 'DealWon')], { by: upgraded });
    expect(await find('pinned')).toMatchObject({ version: 1, status: 'running' });
    expect(await find('modern')).toMatchObject({ version: 2 });
    // What only the older version records is not lost on a runner that ships the newer one.
    const history = await readHistory(database, [(await find('pinned'))!.id]);
    expect(history.map(({ effect }) => effect)).toContain('recorded');
    // A runner of the older release meets an instance of the newer one during a rolling upgrade.
    await take(of('modern', 'OrderCreated'));
    expect(await find('modern')).toMatchObject({ version: 2, status: 'running' });
  });

  it('a version that this release cannot read waits for one that can', async () => {
    await take(of('unreadable', 'DealWon'));
    await database.pool.query(`UPDATE process_instance SET version = 99 WHERE key = 'unreadable'`);
    await expect(take(of('unreadable', 'OrderCreated'))).rejects.toMatchObject({
      code: 'PROCESS_VERSION_UNKNOWN',
      retry: 'later',
    });
  });

  it('a definition that was edited without a new version is refused', async () => {
    const edited = new ProcessRunner([compile({ ...saleDefinition, owner: 'somebody-else' })], compile);
    const storing = edited.storeDefinitions(database);
    await expect(storing).rejects.toMatchObject({ code: 'PROCESS_DEFINITION_CHANGED' });
    await expect(storing).rejects.toThrow('give the change version 2');
  });
});

describe('questions', () => {
  it('find an instance by key, by what other systems call it, and by status', async () => {
    await take(of('asked', 'DealWon', 'OrderCreated'));
    await take(of('asked-too', 'DealRejected'));
    const keys = async (filter: Partial<Parameters<typeof findInstances>[1]>) =>
      (await findInstances(database, { limit: 500, ...filter })).map(({ key }) => key);
    expect(await keys({ key: 'asked' })).toEqual(['asked']);
    expect(await keys({ externalId: 'o_1' })).toContain('asked');
    expect(await keys({ externalId: 'o_1', key: 'asked', statuses: ['running'] })).toEqual(['asked']);
    expect(await keys({ statuses: ['rejected'] })).toEqual(['asked-too']);
    expect(await keys({ externalId: 'nothing' })).toEqual([]);
  });

  it('find all occurrences of a key', async () => {
    const again = { ...saleEvent('DealWon', 'asked/again', 'asked'), correlationId: 'second' };
    again.payload = { ...again.payload, occurrence: 2 };
    await take([again]);
    const byKey = await findOccurrences(database, { process: 'sale', id: 'asked', externalType: 'order' });
    expect(byKey.map(({ occurrence }) => occurrence)).toEqual([1, 2]);
  });

  it('find what shares a correlation id, by its index', async () => {
    await take([...of('shared', 'DealWon'), ...of('unshared', 'DealWon')]);
    const found = await findCorrelated(database, ['correlation-of-shared', 'correlation-of-nobody'], 5);
    expect(found.map(({ key }) => key)).toEqual(['shared']);
    await database.pool.query('ANALYZE process_instance');
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT id FROM process_instance WHERE correlation_id = ANY('{a,b}') ORDER BY id LIMIT 5`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join()).toContain('process_instance_correlation');
  });

  it('count by status, and measure what completed and each step', async () => {
    expect(await readStatistics(database, new Date(0), 'another')).toMatchObject({ counts: {}, steps: [] });
    const { counts, completed, steps } = await readStatistics(database, new Date(0), 'sale');
    expect(counts.completed).toBe(22);
    expect(completed).toMatchObject({ count: 22, p50Ms: 7_200_000 });
    expect(steps.map(({ step }) => step)).toContain('billing');
  });
});

it('a step that a migration calls otherwise is measured once, under the name it had when it was answered', async () => {
  const { packing, notice, ...others } = saleDefinition.steps;
  const steps = { ...others, 'get-ready': packing, notice: { ...notice, after: ['get-ready', 'billing'] } };
  const renaming = new ProcessRunner([sale, compile({ ...saleDefinition, version: 9, steps })], compile);
  await renaming.storeDefinitions(database);
  await take(of('renamed', 'DealWon', 'OrderCreated', 'OrderPacked'));
  const { id } = (await find('renamed'))!;
  const plan = { process: 'sale', from: 1, to: 9, renames: {} };
  const by = { id: 'rename', by: 'ada', reason: 'r' };
  const { results } = await database.transaction((tx) => renaming.migrate(tx, [id], plan, by, noon, () => {}));
  expect(results).toMatchObject([{ after: { steps: { 'get-ready': { status: 'done' } } } }]);
  await take(of('renamed', 'InvoiceIssued'), { by: renaming });
  const measured = { name: 'spec-steps', text: 'SELECT step FROM process_step WHERE instance_id = $1 ORDER BY step' };
  expect(await database.query(measured, [id])).toEqual(['billing', 'order', 'packing'].map((step) => ({ step })));
});
