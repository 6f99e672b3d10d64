import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '@throughline/postgres';
import { logger } from '@throughline/telemetry';
import { testDatabase, until, type TestDatabase } from '@throughline/testing';
import { messagingMigrations } from '../index.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { Instances } from './instances.js';

describe('instances: whoever was killed gives back what it had leased, by the hand of another', () => {
  let test: TestDatabase;
  let database: Database;
  const running: Instances[] = [];
  beforeAll(async () => {
    test = await testDatabase(messagingMigrations);
    database = await test.connect();
  });
  afterEach(() => Promise.all(running.splice(0).map((instances) => instances.stop())));
  afterAll(() => test.drop());

  async function start(instanceId: string): Promise<Instances> {
    const limits = { ...DEFAULT_LIMITS, aliveEveryMs: 20, aliveForMs: 200 };
    const log = logger('spec', { level: 'silent' });
    const instances = new Instances({ database, instanceId, limits, log, released: () => undefined });
    running.push(instances);
    await instances.start();
    return instances;
  }

  it.each([
    ['a while ago', '- 1'],
    ['an hour ahead, since when the clock of PostgreSQL was set back', '+ 3600'],
  ])('its last sign of life was %s; those that live keep theirs', async (_, seconds) => {
    await start('living');
    const other = await start('other');
    await database.pool.query(
      `INSERT INTO instance (id, alive_until) VALUES ('killed', now() ${seconds} * interval '1 second')`,
    );
    await database.pool.query(
      `INSERT INTO work_key (queue, key, pending, available_at, lease, lease_owner)
       SELECT 'q', owner, 1, now() + interval '2 hours', 'lease', owner FROM unnest('{killed,living,other}'::text[]) AS t (owner)`,
    );
    const leased = async (): Promise<string[]> => {
      const { rows } = await database.pool.query<{ key: string }>(
        `SELECT key FROM work_key WHERE lease IS NOT NULL AND available_at > now() ORDER BY key`,
      );
      return rows.map(({ key }) => key);
    };
    await until('its lease is given back', async () => !(await leased()).includes('killed'), { timeoutMs: 5_000 });
    await until('both know of each other', () => running.every(({ alone }) => !alone), { timeoutMs: 5_000 });
    expect(await leased()).toEqual(['living', 'other']);
    await other.stop();
    await database.pool.query('TRUNCATE work_key, instance');
  });
});
