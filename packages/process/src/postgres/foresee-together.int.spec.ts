import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresFailure, type Database, type Statement, type Tx } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { sale, saleContracts, saleEvent } from '../../fixtures/sale.js';
import { compileDefinition, decide, initialState, parseDefinition, type ProcessEvent, type State } from '../index.js';
import { processMigrations, ProcessRunner, type BatchResult, type Emit } from './index.js';

const compile = (data: unknown) => compileDefinition(parseDefinition(data), saleContracts);
const noon = new Date('2026-11-22T12:00:00.000Z');
/** At once; there are others every dozen rounds. */
const KEYS = 5;
const ROUNDS = 150;
const types = ['DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'PaymentSeen', 'PaymentSeen', 'PaymentSeen', 'DealLost', 'InvoiceVoided', 'PackingRejected']; // prettier-ignore

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await testDatabase(processMigrations);
  database = await test.connect({ poolSize: 12 });
  await new ProcessRunner([sale], compile).storeDefinitions(database);
}, 60_000);
afterAll(() => test.drop());

/** It guesses again and again, whatever comes of it. */
function bold(): ProcessRunner {
  const runner = new ProcessRunner([sale], compile);
  return Object.assign(runner, { trust: { guess: () => true, proved: () => undefined } });
}

const below = (n: number): number => Math.floor(Math.random() * n);
const any = <T>(of: readonly T[]): T => of[below(of.length)]!;
const aMoment = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * ms));

describe('several runners that foresee the same instances at once', () => {
  it('lose nothing, take nothing twice, and leave what their history leads to', async () => {
    const events = new Map<string, ProcessEvent>();
    const sent: string[] = [];
    const stats = { foreseen: 0, failed: 0, read: 0 };
    let over = false;
    const take = async (by: ProcessRunner, batch: ProcessEvent[]): Promise<void> => {
      for (let foresee = Math.random() < 0.9; ; foresee = false) {
        const out: string[] = [];
        let result: BatchResult | undefined;
        let isRead = false;
        try {
          await database.transaction(async (tx) => {
            const watched: Tx = {
              query: (statement: Statement, values?: unknown[]) => {
                isRead ||= statement.name === 'process-lock-instances';
                return tx.query(statement, values);
              },
            };
            const emit: Emit = (commands) =>
              void out.push(...commands.map((one) => `${one.correlationId} ${one.type} ${one.causationId}`));
            result = await by.runBatch(watched, batch, noon, emit, foresee);
            if (Math.random() < 0.05) throw new Error('undone');
          });
        } catch (error) {
          if ((error as Error).message !== 'undone') expect(postgresFailure(error)).toBe('conflict');
          if (!isRead) stats.failed++;
          continue;
        }
        result!.committed();
        sent.push(...out);
        stats[isRead ? 'read' : 'foreseen']++;
        return;
      }
    };
    let n = 0;
    const work = async (by: ProcessRunner): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        const batch = Array.from({ length: 1 + below(3) }, () => {
          const key = `k-${Math.floor(round / 12)}-${below(KEYS)}`;
          const event = saleEvent(any(types), `m-${++n}`, key);
          events.set(event.messageId, event);
          return event;
        });
        await take(by, batch);
        if (Math.random() < 0.5) await aMoment(8);
      }
    };
    const lockers = [
      'SELECT FROM process_instance WHERE key = $1 FOR UPDATE',
      'SELECT FROM process_instance WHERE key = $1 FOR KEY SHARE',
      'SELECT FROM process_instance WHERE key = $1 FOR SHARE',
    ];
    /** Rows that are locked and not written, and versions that are frozen, are as they were. */
    const disturb = async (): Promise<void> => {
      while (!over) {
        const client = await database.pool.connect();
        await client.query('BEGIN');
        await client.query('SAVEPOINT a');
        await client.query(any(lockers), [`k-${below(3)}-${below(KEYS)}`]);
        if (Math.random() < 0.3) await client.query('ROLLBACK TO SAVEPOINT a');
        await aMoment(5);
        await client.query(any(['COMMIT', 'ROLLBACK']));
        client.release();
        await aMoment(10);
        if (Math.random() < 0.1) await database.pool.query('VACUUM (FREEZE) process_instance');
      }
    };
    const disturbing = [disturb(), disturb()];
    await Promise.all([0, 1, 2].map(() => work(bold())));
    over = true;
    await Promise.all(disturbing);
    const { rows } = await database.pool.query<{ id: string; key: string; occurrence: number; state: State }>(
      'SELECT id, key, occurrence, state FROM process_instance',
    );
    const said: string[] = [];
    let taken = 0;
    for (const { id, key, state } of rows) {
      const { rows: history } = await database.pool.query<{ message_id: string }>(
        'SELECT message_id FROM process_event WHERE instance_id = $1 ORDER BY position',
        [id],
      );
      let expected = initialState({ key, occurrence: 1, correlationId: `correlation-of-${key}` });
      for (const { message_id } of history) {
        taken++;
        const decision = decide(sale, expected, { kind: 'event', event: events.get(message_id)! }, noon.toISOString());
        expected = decision.state;
        said.push(...decision.commands.map(({ type }) => `${expected.correlationId} ${type} ${message_id}`));
      }
      expect(state).toEqual(JSON.parse(JSON.stringify(expected)));
    }
    expect(taken).toBe(events.size);
    expect(sent.toSorted()).toEqual(said.toSorted());
    expect(stats.foreseen).toBeGreaterThan(10);
    expect(stats.failed).toBeGreaterThan(0);
  }, 120_000);
});
