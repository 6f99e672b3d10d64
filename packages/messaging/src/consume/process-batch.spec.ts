import { describe, expect, it } from '@jest/globals';
import { ofConnection, type Statement } from '@throughline/postgres';
import { defineRoutes, state, type StateHandler } from '../routes.js';
import type { MessagingTransaction } from '../transaction.js';
import type { NewWork } from '../work/work-item.js';
import type { MessageIntake } from './plan-batch.js';
import { giveUp, processBatch, type BatchParts } from './process-batch.js';

const KNOWN = 'known';

/** An inbox that knows one id, and a database whose keys may be parked; what is asked, in its order, and what is committed. */
function scene(
  handle: (ids: string[], ask: (name: string) => Promise<unknown>) => Promise<void>,
  parked: string[] = [],
) {
  const asked: string[] = [];
  const committed: string[][] = [];
  const calls: string[][] = [];
  const aheads: (boolean | undefined)[] = [];
  const handler: StateHandler<'OrderCancelled'> = async (messages, tx) => {
    const ids = messages.map(({ envelope }) => envelope.id);
    calls.push(ids);
    aheads.push(tx.ahead);
    await handle(ids, (name) => tx.query({ name, text: '' }));
  };
  const parts = (ahead: boolean): BatchParts => ({
    routes: defineRoutes({ group: 'spec', routes: { OrderCancelled: state(handler, { ahead }) } }),
    transaction: async (fn) => {
      const work: string[] = [];
      const statements: Promise<unknown>[] = [];
      const answer = async ({ name }: Statement, values: unknown[] = []): Promise<object[]> => {
        asked.push(name);
        await new Promise((resolve) => setImmediate(resolve));
        asked.push(`${name} answered`);
        const ids = name.endsWith('inbox') ? (values[1] as string[]) : [];
        if (name === 'insert-new-inbox' && ids.includes(KNOWN)) throw new Error('duplicate key');
        if (name === 'assert-none-parked' && parked.length > 0) throw new Error('not as assumed');
        if (name === 'insert-inbox') return ids.filter((id) => id !== KNOWN).map((id) => ({ message_id: id }));
        return name === 'lock-parked-keys' ? parked.map((key) => ({ key })) : [];
      };
      const tx = {
        ahead: false,
        addDeadLetters: () => undefined,
        traceBy: () => undefined,
        addWork: (rows: NewWork[]) => void work.push(...rows.map(({ messageId }) => messageId)),
        query: (statement: Statement, values?: unknown[]) => {
          const rows = answer(statement, values);
          rows.catch(() => undefined);
          statements.push(rows);
          return rows;
        },
      };
      const result = await fn(tx as unknown as MessagingTransaction);
      asked.push('commit');
      await Promise.all(statements);
      committed.push([...calls.at(-1)!, ...work.map((id) => `parked ${id}`)]);
      return result;
    },
  });
  const run = (ahead: boolean, ids: string[], onlyNew = true): Promise<boolean> => {
    const of = parts(ahead);
    const intakes = ids.map((id): MessageIntake => {
      const envelope = { id, correlationId: 'c', traceparent: undefined };
      const message = { type: 'OrderCancelled', payload: {}, envelope } as unknown as MessageIntake['message'];
      const record = { topic: 't', partition: 0, offset: '0', key: Buffer.from(id), value: null };
      return { kind: 'message', record, key: `key of ${id}`, message, route: of.routes.routes.OrderCancelled! };
    });
    return processBatch(of, intakes, onlyNew);
  };
  return { run, asked, committed, calls, aheads };
}

describe('processBatch: a handler that may be called ahead', () => {
  it('asks with the inbox, in one turn; another one asks after its answer', async () => {
    const own = async (_: string[], ask: (name: string) => Promise<unknown>): Promise<void> => void (await ask('own'));
    const ahead = scene(own);
    expect(await ahead.run(true, ['1', '2', '2'])).toBe(true);
    expect(ahead.asked.slice(0, 3)).toEqual(['insert-new-inbox', 'assert-none-parked', 'own']);
    expect(ahead.aheads).toEqual([true]);
    expect(ahead.committed).toEqual([['1', '2']]);
    for (const [may, onlyNew] of [
      [false, true],
      [true, false],
    ] as const) {
      const behind = scene(own);
      expect(await behind.run(may, ['1'], onlyNew)).toBe(true);
      expect(behind.asked.indexOf('own')).toBeGreaterThan(behind.asked.indexOf('insert-inbox answered'));
      expect(behind.aheads).toEqual([false]);
    }
  });

  it('that waits for no answer is committed without one', async () => {
    const quick = scene(async (_, ask) => void ask('own'));
    await quick.run(true, ['1']);
    expect(quick.asked.slice(0, 4)).toEqual(['insert-new-inbox', 'assert-none-parked', 'own', 'commit']);
  });

  it('is called again, not ahead, where a statement of its own fails: what it took for granted was not so', async () => {
    const once = scene(async (_, ask) => {
      if (once.aheads.at(-1)) await ask('own').then(() => Promise.reject(new Error('not as assumed')));
    });
    expect(await once.run(true, ['1'])).toBe(true);
    expect(once.aheads).toEqual([true, false]);
    expect(once.committed).toEqual([['1']]);
  });

  it.each([
    ['PostgreSQL is away', ofConnection(new Error('Connection terminated'))],
    ['somebody keeps a lock', Object.assign(new Error('lock timeout'), { code: '55P03' })],
    ['the inbox is rebuilt', Object.assign(new Error('rebuilding'), { code: 'TL001' })],
  ])('is not called again where %s: that is no guess', async (_, failure) => {
    const away = scene(() => Promise.reject(failure));
    await expect(away.run(true, ['1'])).rejects.toBe(failure);
    expect(away.calls).toEqual([['1']]);
  });

  it('is called again without a message that the inbox knows, whatever it made of it, and says so', async () => {
    const confused = scene(async (ids) => {
      if (ids.includes(KNOWN)) throw new Error('this has been cancelled already');
    });
    expect(await confused.run(true, ['1', KNOWN])).toBe(false);
    expect(confused.calls).toEqual([['1', KNOWN], ['1']]);
    expect(confused.committed).toEqual([['1']]);
  });

  it('is called again without a message whose key waits, which lines up', async () => {
    const waiting = scene(async () => undefined, ['key of 2']);
    expect(await waiting.run(true, ['1', '2'])).toBe(false);
    expect(waiting.committed).toEqual([['1', 'parked 2']]);
  });

  it('fails where it fails for a reason of its own', async () => {
    const broken = scene(() => Promise.reject(new Error('broken')));
    await expect(broken.run(true, ['1'])).rejects.toThrow('broken');
    expect(broken.aheads).toEqual([true, false]);
    expect(broken.committed).toEqual([]);
  });
});

describe('giveUp', () => {
  it.each([
    ['an error', new Error('no\0 price'), 'no\uFFFD price'],
    ['what has no text at all', Object.create(null), 'What was thrown is no error and has no text.'],
  ])('parks a message with what its attempt failed with: %s', async (_, error: unknown, lastError) => {
    const routes = defineRoutes({ group: 'spec', routes: { OrderCancelled: state(async () => undefined) } });
    const work: NewWork[] = [];
    const tx = {
      query: async ({ name }: Statement) => (name === 'insert-inbox' ? [{ message_id: '1' }] : []),
      addWork: (rows: NewWork[]) => void work.push(...rows),
    };
    const message = { type: 'OrderCancelled', envelope: { id: '1' } } as unknown as MessageIntake['message'];
    const record = { topic: 't', partition: 0, offset: '0', key: Buffer.from('k'), value: null };
    const intake: MessageIntake = { kind: 'message', record, key: 'k', message, route: routes.routes.OrderCancelled! };
    const parts: BatchParts = { routes, transaction: (fn) => fn(tx as unknown as MessagingTransaction) };
    await giveUp(parts, intake, error, { kind: 'parked', delayMs: 5 });
    expect(work).toMatchObject([{ attempts: 1, delayMs: 5, lastError }]);
  });
});
