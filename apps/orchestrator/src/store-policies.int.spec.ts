import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { catalog } from '@throughline/contracts';
import { compilePolicies } from '@throughline/policy';
import type { Database } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { loadPolicies } from './load-policies.js';
import { migrations } from './migrations.js';
import { storePolicies } from './store-policies.js';

const shipped = loadPolicies();
const credit = shipped.all.get('credit-approval')!.file.source as Record<string, unknown>;
const edited = (change: object) => compilePolicies([{ ...credit, ...change }], { catalog });

describe('the policies in force', () => {
  let test: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect();
    await storePolicies(database, shipped);
  }, 60_000);
  afterAll(() => test.drop());

  it('are kept as they were written, every version of them', async () => {
    await storePolicies(database, shipped);
    await storePolicies(database, edited({ version: 2, reason: 'We were wrong.' }));
    const kept = await database.query<{ version: number; definition: Record<string, unknown> }>({
      name: 'select-kept',
      text: `SELECT version, definition FROM policy_version WHERE policy = 'credit-approval' ORDER BY version`,
    });
    expect(kept.map(({ version, definition }) => [version, definition['reason']])).toEqual([
      [1, credit['reason']],
      [2, 'We were wrong.'],
    ]);
    expect(kept[0]!.definition).toEqual(credit);
  });

  it('are not edited without a new version, examples apart', async () => {
    await expect(storePolicies(database, edited({ reason: 'Nobody will notice.' }))).rejects.toMatchObject({
      code: 'POLICY_CHANGED',
      message: expect.stringMatching(/credit-approval version 1 .* give the change version 2/),
    });
    await storePolicies(database, edited({ examples: [(credit['examples'] as unknown[])[0]] }));
  });
});
