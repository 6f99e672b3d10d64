import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import type { Database, Queryable } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { messagingMigrations } from '../index.js';
import { performOnce } from './perform-once.js';

describe('performOnce', () => {
  let test: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    test = await testDatabase(messagingMigrations);
    database = await test.connect();
  });
  afterAll(() => test.drop());

  type Perform = (request: string, attempt: { mayHaveRun: boolean }) => Promise<string>;
  const once = (scope: string, request: string, perform: Perform, on: Queryable = database): Promise<string> =>
    performOnce(on, 'spec', {
      scope,
      call: 'customer',
      request,
      idempotencyKey: `${scope}:customer`,
      leaseMs: 60_000,
      perform: (pinned, _key, attempt) => perform(pinned, attempt),
    });
  const failing =
    (retry: 'never' | 'later'): Perform =>
    async () => {
      throw new ThroughlineError('no', { code: 'NO', retry });
    };
  /** The database, which fails the first `times` statements of this name. */
  const failingOn = (name: string, times: number): Queryable => ({
    query: async (statement, values) => {
      if (statement.name === name && times-- > 0) throw new Error('Connection terminated unexpectedly');
      return database.query(statement, values);
    },
  });

  it('pins the request over failures that may pass', async () => {
    const scope = randomUUID();
    await expect(once(scope, 'first', failing('later'))).rejects.toMatchObject({ code: 'NO' });
    const seen = await once(scope, 'second', async (request, { mayHaveRun }) => `${request} ${mayHaveRun}`);
    expect(seen).toBe('first true');
  });

  it('a request refused for good after a failure is not pinned any more, but what ran before is remembered', async () => {
    const scope = randomUUID();
    await expect(once(scope, 'wrong', failing('later'))).rejects.toMatchObject({ code: 'NO' });
    await expect(once(scope, 'ignored', failing('never'))).rejects.toMatchObject({ code: 'NO' });
    await expect(once(scope, 'right', failing('later'))).rejects.toMatchObject({ code: 'NO' });
    const seen = await once(scope, 'later', async (request, { mayHaveRun }) => `${request} ${mayHaveRun}`);
    expect(seen).toBe('right true');
  });

  it('records the response on the next try where a connection was lost', async () => {
    const scope = randomUUID();
    expect(await once(scope, 'a', async () => 'made', failingOn('finish-effect-call', 1))).toBe('made');
    expect(await once(scope, 'b', failing('never'))).toBe('made');
  });

  it('gives the call back where its response cannot be recorded, so that nobody waits for the lease', async () => {
    const scope = randomUUID();
    const unrecorded = once(scope, 'a', async () => 'made', failingOn('finish-effect-call', Infinity));
    await expect(unrecorded).rejects.toThrow('Connection terminated');
    const seen = await once(scope, 'b', async (request, { mayHaveRun }) => `${request} ${mayHaveRun}`);
    expect(seen).toBe('a true');
  });
});
