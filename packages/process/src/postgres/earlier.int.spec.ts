import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database, Statement, Tx } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { sale, saleContracts, saleDefinition, saleEvent } from '../../fixtures/sale.js';
import { compileDefinition, parseDefinition, replayHistory, type Action, type ProcessEvent } from '../index.js';
import { findOccurrences, processMigrations, ProcessRunner, readHistory } from './index.js';

const noon = new Date('2026-11-22T12:00:00.000Z');
const forward = ['DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent'];
const undone = ['InvoiceVoided', 'OrderUnpacked', 'OrderCancelled'];

let test: TestDatabase;
let database: Database;
const compile = (data: unknown) => compileDefinition(parseDefinition(data), saleContracts);
const { packing } = saleDefinition.steps;
const shippedFirst = compile({
  ...saleDefinition,
  process: 'shipment',
  steps: {
    ...saleDefinition.steps,
    packing: { ...packing, compensation: { ...packing.compensation, first: 'What has left cannot be unpacked.' } },
  },
});
const runner = new ProcessRunner([sale], compile);
const shipments = new ProcessRunner([shippedFirst], compile);
/** Names of the statements of the last batch. */
let statements: string[] = [];

beforeAll(async () => {
  test = await testDatabase(processMigrations);
  database = await test.connect();
  await runner.storeDefinitions(database);
  await shipments.storeDefinitions(database);
}, 60_000);
afterAll(() => test.drop());

/** Events of one occurrence of a deal. */
const of = (key: string, occurrence: number, ...types: string[]): ProcessEvent[] =>
  types.map((type) => {
    const event = saleEvent(type, `${key}/${occurrence}/${type}`, key);
    const correlationId = `${key}/${occurrence}`;
    return { ...event, correlationId, payload: { ...event.payload, occurrence } };
  });

/** Takes a batch in a transaction of its own and returns the commands that left, each with its occurrence. */
const take = (...events: ProcessEvent[]): Promise<string[]> => takeBy(runner, ...events);
async function takeBy(running: ProcessRunner, ...events: ProcessEvent[]): Promise<string[]> {
  const sent: string[] = [];
  statements = [];
  await database.transaction((tx) => {
    const watched: Tx = {
      query: (statement: Statement, values?: unknown[]) => {
        statements.push(statement.name);
        return tx.query(statement, values);
      },
    };
    return running.runBatch(watched, events, noon, (commands) =>
      sent.push(...commands.map(({ type, correlationId }) => `${correlationId.split('/')[1]} ${type}`)),
    );
  });
  return sent;
}

async function act(id: string, action: Action, unit?: string): Promise<string[]> {
  const input = {
    kind: 'control' as const,
    id: `${id}/${action}`,
    action,
    by: 'ada',
    reason: 'r',
    ...(unit && { unit }),
  };
  const sent: string[] = [];
  await database.transaction((tx) =>
    runner.control(
      tx,
      [id],
      () => input,
      noon,
      (commands) => sent.push(...commands.map(({ type }) => type)),
    ),
  );
  return sent;
}

const occurrences = (key: string) => findOccurrences(database, { process: 'sale', id: key, externalType: 'none' });
const statuses = async (key: string) => (await occurrences(key)).map(({ status }) => status);

describe('a later occurrence, where the one before', () => {
  it('came to its end and was never turned back: commands nothing until a person resumes it', async () => {
    await take(...of('stands', 1, ...forward));
    expect(await take(...of('stands', 2, 'DealWon'))).toEqual([]);
    const [, second] = await occurrences('stands');
    expect([await statuses('stands'), second!.state.attention]).toMatchObject([
      ['completed', 'paused'],
      [{ code: 'earlier-stands', message: expect.stringContaining('still stands as occurrence 1 (completed)') }],
    ]);
    expect(await act(second!.id, 'resume')).toEqual(['CreateOrder']);
  });

  it('stopped because it could not be undone, and then was kept: is held each time', async () => {
    await take(...of('stopped', 1, ...forward, 'DealLost', 'InvoiceVoidRejected'));
    expect(await take(...of('stopped', 2, 'DealWon'))).toEqual([]);
    expect(await statuses('stopped')).toEqual(['stopped', 'paused']);
    await act((await occurrences('stopped'))[0]!.id, 'keep');
    await act((await occurrences('stopped'))[1]!.id, 'cancel');
    // The second one is over, and the first stands still.
    expect(await take(...of('stopped', 3, 'DealWon'))).toEqual([]);
    expect(await statuses('stopped')).toEqual(['completed', 'compensated', 'paused']);
  });

  it('is undone, or being undone: starts', async () => {
    await take(...of('undone', 1, ...forward, 'DealLost', ...undone));
    expect(await take(...of('undone', 2, 'DealWon'))).toEqual(['2 CreateOrder']);
    await take(...of('undone', 2, 'DealLost'));
    expect(await take(...of('undone', 3, 'DealWon'))).toEqual(['3 CreateOrder']);
    expect(await statuses('undone')).toEqual(['compensated', 'compensating', 'running']);
  });

  it('is being undone, and could still be refused that: is held until it is not any more', async () => {
    const key = 'released';
    expect(await takeBy(shipments, ...of(key, 1, ...forward, 'DealLost'))).toContain('1 UnpackOrder');
    expect(await takeBy(shipments, ...of(key, 2, 'DealWon'))).toEqual([]);
    const [, second] = await findOccurrences(database, { process: 'shipment', id: key, externalType: 'none' });
    expect(second!.state.paused?.reason).toContain('occurrence 1 (compensating, packing not undone), and');
    await takeBy(shipments, ...of(key, 2, 'DealLost'));
    expect(await takeBy(shipments, ...of(key, 1, 'OrderUnpacked'), ...of(key, 3, 'DealWon'))).toEqual([
      '1 VoidInvoice',
      '3 CreateOrder',
    ]);
  });

  it('could not start: starts', async () => {
    await take(...of('rejected', 1, 'DealRejected'));
    expect(await take(...of('rejected', 2, 'DealWon'))).toEqual(['2 CreateOrder']);
  });
});

describe('both in the same batch', () => {
  it('what the batch made of the first counts, and not what was stored: turned back', async () => {
    await take(...of('turned', 1, ...forward));
    const sent = await take(...of('turned', 1, 'DealLost'), ...of('turned', 2, 'DealWon'));
    expect(sent).toEqual(['1 VoidInvoice', '2 CreateOrder']);
  });

  it('what the batch made of the first counts, and not what was stored: begun, whichever row is older', async () => {
    await take(...of('reversed', 2, 'PaymentSeen'));
    expect(await take(...of('reversed', 2, 'DealWon'), ...of('reversed', 1, 'DealWon'))).toEqual(['1 CreateOrder']);
    expect(await statuses('reversed')).toEqual(['running', 'paused']);
  });
});

/**
 * An earlier occurrence is read, and not locked. A transaction that changes it decides nothing by the later one, so what comes of both at
 * once is what would have come of them had the start come first; a lock could only choose the other order, not exclude this one.
 */
describe('while another transaction changes the first: decides as if the start had come before that', () => {
  const inTurn = async (key: string, change: string, isStartFirst: boolean): Promise<unknown> => {
    const start = of(key, 2, 'DealWon');
    const sent = isStartFirst
      ? [...(await takeBy(shipments, ...start)), ...(await takeBy(shipments, ...of(key, 1, change)))]
      : [...(await takeBy(shipments, ...of(key, 1, change))), ...(await takeBy(shipments, ...start))];
    return outcome(key, sent);
  };
  const atOnce = async (key: string, change: string): Promise<unknown> => {
    const sent: string[] = [];
    await database.transaction(async (tx) => {
      await shipments.runBatch(tx, of(key, 1, change), noon, (commands) =>
        sent.push(...commands.map(({ type }) => `1 ${type}`)),
      );
      // Its rows are locked and not committed: whoever waited for them would wait for good.
      sent.push(...(await takeBy(shipments, ...of(key, 2, 'DealWon'))));
    });
    return outcome(key, sent);
  };
  const outcome = async (key: string, sent: string[]): Promise<unknown> => {
    const found = await findOccurrences(database, { process: 'shipment', id: key, externalType: 'none' });
    const shown = found.map(({ status, state }) => [status, state.paused !== undefined]);
    return { sent: sent.toSorted(), shown };
  };

  it.each([
    ['is released', [...forward, 'DealLost'], 'OrderUnpacked', 'another'],
    ['is refused its release', [...forward, 'DealLost'], 'UnpackingRejected', 'the same'],
    ['stops half undone', [...forward, 'DealLost', 'OrderUnpacked'], 'InvoiceVoidRejected', 'another'],
    ['is undone to its end', [...forward, 'DealLost', 'OrderUnpacked', 'InvoiceVoided'], 'OrderCancelled', 'the same'],
    ['turns back', forward, 'DealLost', 'the same'],
  ])('where the first %s', async (name, before, change, otherOrder) => {
    const keys = ['at once', 'start first', 'change first'].map((order) => `${name}, ${order}`);
    for (const key of keys) await takeBy(shipments, ...of(key, 1, ...before));
    const both = await atOnce(keys[0]!, change);
    const [startFirst, changeFirst] = [await inTurn(keys[1]!, change, true), await inTurn(keys[2]!, change, false)];
    expect(both).toEqual(startFirst);
    expect(isDeepStrictEqual(both, changeFirst) ? 'the same' : 'another').toBe(otherOrder);
  });
});

it('is one statement more for a batch with such a start, and none for any other', async () => {
  const isAsked = () => statements.filter((name) => name === 'process-select-earlier-occurrences').length;
  const keys = Array.from({ length: 20 }, (_, n) => `counted-${n}`);
  await take(...keys.flatMap((key) => of(key, 1, 'DealWon')));
  expect(isAsked()).toBe(0);
  await take(...keys.flatMap((key) => of(key, 2, 'DealWon')));
  expect(isAsked()).toBe(1);
  await take(...keys.flatMap((key) => of(key, 2, 'DealLost')));
  expect(isAsked()).toBe(0);
});

it('is replayed from its history as it was', async () => {
  await take(...of('replayed', 1, ...forward));
  await take(...of('replayed', 2, 'DealWon'));
  await act((await occurrences('replayed'))[1]!.id, 'cancel');
  const { id, correlationId, state } = (await occurrences('replayed'))[1]!;
  const history = (await readHistory(database, [id])).map(({ occurredAt, recordedAt, ...event }) => ({
    ...event,
    occurredAt: occurredAt.toISOString(),
    recordedAt: recordedAt.toISOString(),
  }));
  const replayed = replayHistory(sale, { key: 'replayed', occurrence: 2, correlationId }, history, { state });
  const { traceparent: _, ...known } = state;
  expect([replayed.state, replayed.commands]).toEqual([known, []]);
});
