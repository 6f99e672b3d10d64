import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Database } from '@throughline/postgres';
import { messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, job, type Job, type Messaging } from '../index.js';
import { claimKeys } from './claim-work.js';
import { insertWork } from './insert-work.js';
import { advanceKeys, releaseLeases } from './settle-work.js';

jest.setTimeout(60_000);

interface Client {
  connection: { stream: Duplex };
  query(...args: unknown[]): unknown;
}

describe('lost-lease: what was leased in a COMMIT whose answer is lost does not wait for the lease to end', () => {
  let harness: MessagingHarness;
  let database: Database;
  let messaging: Messaging;
  let ran: string[];
  beforeEach(async () => {
    harness = await messagingHarness([]);
    ran = [];
    const ship = job(async ({ id }: Job) => void ran.push(id), { dependency: 'carrier', timeoutMs: 60_000 });
    const routes = defineRoutes({ group: harness.topics.group, jobs: { Ship: ship } });
    database = await harness.test.connect();
    messaging = await harness.service(routes, { database });
    await until('it works', () => messaging.health().ready);
    await store(messaging, ['first']);
    await until('it has nothing to do', async () => ran.length === 1 && (await waiting()) === 0);
    // Stored by somebody who does not work on it.
    idle = await harness.service(routes, { start: false });
  });
  afterEach(() => harness.close());

  let idle: Messaging;
  const waiting = async (): Promise<number> => (await harness.rows('SELECT 1 FROM work')).length;
  const store = (by: Messaging, ids: string[]): Promise<void> =>
    by.transaction(async (tx) => tx.enqueue(ids.map((id) => ({ type: 'Ship', key: 'parcel', id, payload: {} }))));

  /** Cuts the connection of the next transaction with this statement when its COMMIT is durable and its answer has not been read. */
  async function loseAnswer(name: string, durable: string): Promise<void> {
    const cut = Promise.withResolvers<void>();
    const patched = new WeakSet<Client>();
    let armed = true;
    database.pool.on('acquire', (of) => {
      const client = of as unknown as Client;
      if (patched.has(client)) return;
      patched.add(client);
      const { query, connection } = client;
      let asked: string[] = [];
      client.query = (...args): unknown => {
        const turn = (args[0] as { asked?: { statement: { name: string } }[]; ownTransaction?: boolean }) ?? {};
        asked = [...asked, ...(turn.asked ?? []).map(({ statement }) => statement.name)];
        const ends = turn.ownTransaction || asked.at(-1) === 'commit';
        if (armed && ends && asked.includes(name)) {
          armed = false;
          connection.stream.pause();
          void until('it is durable', async () => (await harness.rows(durable)).length > 0).finally(() => {
            connection.stream.destroy();
            cut.resolve();
          });
        }
        if (ends) asked = [];
        return query.apply(client, args);
      };
    });
    await cut.promise;
  }

  it.each([
    ['stored', insertWork.name, 'SELECT 1 FROM work'],
    ['claimed', claimKeys.name, 'SELECT 1 FROM work_key WHERE lease IS NOT NULL'],
    ['kept for the next row', advanceKeys.name, 'SELECT 1 FROM work_key WHERE pending = 1'],
  ])('where it was %s', async (_, statement, durable) => {
    const lost = loseAnswer(statement, durable);
    await store(statement === claimKeys.name ? idle : messaging, ['a', 'b']).catch(() => undefined);
    await lost;
    await until('both ran', () => ran.length >= 3, { timeoutMs: 10_000 });
    await until('nothing waits', async () => (await waiting()) === 0);
    expect(ran).toEqual(['first', 'a', 'b']);
  });

  it.each([
    ['a statement that is at fault', 'SELECT 1 / 0', '22012'],
    ['to write, because it only reads', 'SET TRANSACTION READ ONLY', '25006'],
  ])('nothing is lost where PostgreSQL has refused %s', async (_, text, code) => {
    const asked = jest.spyOn(database, 'query');
    const refused = messaging.transaction(async (tx) => {
      tx.enqueue([{ type: 'Ship', key: 'parcel', id: 'refused', payload: {} }]);
      void tx.query({ name: `refused-${code}`, text });
    });
    await expect(refused).rejects.toMatchObject({ code });
    await store(idle, ['a']);
    await until('it has looked, and ran what there is', () => ran.length === 2);
    expect(ran).toEqual(['first', 'a']);
    expect(asked.mock.calls.filter(([statement]) => statement === releaseLeases)).toEqual([]);
  });
});
