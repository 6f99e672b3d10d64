import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalId, sumMoney } from '@throughline/contracts';
import type { Database } from '@throughline/postgres';
import { ProcessRunner } from '@throughline/process/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { loadRules } from '../load-rules.js';
import { migrations } from '../migrations.js';
import { dealPayload } from '../spec/deal-payload.js';
import { TasksHarness } from '../spec/tasks-harness.js';
import { storePolicies } from '../store-policies.js';
import { FileDirectory } from '../tasks/file-directory.js';
import { readCandidate, runBacktest, whyNotStarted } from './backtest.js';
import { summarise, type Summary } from './summarise.js';

const DEALS = 450;
const SINCE = new Date('2026-11-01T00:00:00.000Z');
const rules = loadRules();
const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Amounts up to some 90,000, all of them within every limit in force. */
const amountOf = (n: number): string => `${((n * 7919) % 90_000) + 1}.${String(n % 100).padStart(2, '0')}00`;

describe('a backtest', () => {
  let test: TestDatabase;
  let database: Database;
  const tasks = { open: () => {}, close: () => {}, join: () => {} };
  const runner = new ProcessRunner(rules.processes, rules.compile, tasks);

  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect();
    await runner.storeDefinitions(database);
    await storePolicies(database, rules.policies);
    const deals = Array.from({ length: DEALS }, (_, n) => n);
    // One in three has gone no further than its order; the others have it confirmed.
    await take(deals, 'OpportunityClosedWon', 0);
    await take(
      deals.filter((n) => n % 3 > 0),
      'OrderCreated',
      1,
    );
  });
  afterAll(() => test.drop());

  async function take(deals: number[], type: string, minute: number, amount?: string): Promise<void> {
    const time = new Date(SINCE.getTime() + minute * 60_000);
    const events = deals.map((n) => ({
      messageId: canonicalId(type, String(n)),
      type,
      payload: payloadOf(n, amount),
      source: 'spec',
      time: time.toISOString(),
      correlationId: canonicalId('closing', String(n)),
    }));
    await database.transaction((tx) => runner.runBatch(tx, events, time, () => {}));
  }

  /** Sums of every table, and where its sequences stand. */
  async function fingerprint(): Promise<unknown> {
    const tables = await database.query<{ name: string }>({
      name: 'spec-tables',
      text: `SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace ORDER BY 1`,
    });
    const rows = [];
    for (const { name } of tables)
      rows.push([name, await database.query({ name: `spec-${name}`, text: `SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) AS sum FROM (SELECT * FROM "${name}") AS t` })]); // prettier-ignore
    return rows;
  }

  async function run(
    candidate: string,
    limit = 10_000,
  ): Promise<{ summary: Summary; isCutShort: boolean; ids: string[] }> {
    const { comparisons, next } = await runBacktest({ database, runner }, readCandidate(parse(candidate), rules), {
      since: SINCE,
      after: '0',
      limit,
      now: new Date(SINCE.getTime() + 120_000),
    });
    const ids = comparisons.filter(({ differs }) => differs.length > 0).map(({ key }) => key);
    return { summary: summarise(comparisons), isCutShort: next !== null, ids };
  }

  it('by the policies in force finds no difference', async () => {
    const { summary } = await run(file('policies/credit-approval.yaml'));
    expect(summary).toMatchObject({ instances: DEALS + 300, unchanged: DEALS + 300, blocked: 0 });
    expect((await run(file('processes/lead-to-cash.yaml'))).summary).toMatchObject({
      instances: DEALS,
      unchanged: DEALS,
    });
  });

  it('tells exactly the deals that a stricter policy would put before a person, and their money, and changes nothing', async () => {
    const strict = file('policies/credit-approval.yaml').replaceAll('100 000 EUR', '50 000 EUR');
    const before = await fingerprint();
    const { summary, ids, isCutShort } = await run(strict);
    expect(await fingerprint()).toEqual(before);

    // Counted by hand, without the engine or the policy language.
    const asked = Array.from({ length: DEALS }, (_, n) => n).filter((n) => Number(amountOf(n)) > 50_000);
    expect(asked.length).toBeGreaterThan(100);
    expect(ids.toSorted()).toEqual(asked.map(keyOf).toSorted());
    const money = { EUR: sumMoney(asked.map(amountOf)) };
    expect(summary.approvals).toEqual({
      'credit-approval': { more: { instances: asked.length, amounts: money }, fewer: { instances: 0, amounts: {} } },
    });
    expect([summary.commands, isCutShort, summary.blocked]).toEqual([{}, false, 0]);
  });

  it('tells whom another policy would ask, and how many of them, where somebody is asked either way', async () => {
    const large = [DEALS];
    await take(large, 'OpportunityClosedWon', 1, '200000.0000');
    const stricter = file('policies/credit-approval.yaml').replace(
      'fourEyesAbove: [250 000 EUR',
      'fourEyesAbove: [150 000 EUR',
    );
    const { summary, ids } = await run(stricter);
    expect(ids).toEqual(large.map(keyOf));
    expect(summary).toMatchObject({
      approvals: {},
      terms: { 'credit-approval': { instances: 1, amounts: { EUR: '200000.0000' } } },
      byKind: { terms: 1, approvals: 0 },
    });
  });

  it('tells which commands another version of a process would send', async () => {
    const early = file('processes/lead-to-cash.yaml')
      .replace('version: 3', 'version: 4')
      .replace('  billing:\n    after: order\n', '  billing:\n    after: provisioning\n');
    const { summary } = await run(early);
    expect(summary.commands).toEqual({ IssueInvoice: -300 });
    expect(summary.byKind).toMatchObject({ commands: 300, approvals: 0 });
  });

  it('goes on where the answer before ended, so that parts come to the whole', async () => {
    const candidate = readCandidate(parse(file('policies/credit-approval.yaml')), rules);
    const scope = { since: SINCE, limit: 300, now: new Date(SINCE.getTime() + 120_000) };
    const ids: string[] = [];
    for (let after: string | null = '0'; after !== null;) {
      const { comparisons, next } = await runBacktest({ database, runner }, candidate, { ...scope, after });
      ids.push(...comparisons.map(({ id }) => id));
      after = next;
    }
    const whole = await runBacktest({ database, runner }, candidate, { ...scope, after: '0', limit: 10_000 });
    expect(ids).toEqual(whole.comparisons.map(({ id }) => id));
    expect(ids.length).toBeGreaterThan(2 * 300);
  });

  it.each([
    ['policy', 'policies/credit-approval.yaml', '100 000 EUR', '50 000 EUR', 'POLICY_CHANGED'],
    ['process', 'processes/lead-to-cash.yaml', 'timeout: 1 day', 'timeout: 2 days', 'PROCESS_DEFINITION_CHANGED'],
  ])('says that a start would refuse a changed %s that has kept its version', async (_, path, from, to, code) => {
    const told = (text: string) => whyNotStarted({ database, runner }, readCandidate(parse(text), rules));
    const written = file(path);
    const changed = written.replace(from, to);
    expect(changed).not.toBe(written);
    const { version } = parse(written) as { version: number };
    expect(await told(written)).toBeUndefined();
    expect(await told(changed)).toMatch(new RegExp(`${code}.*give the change version ${version + 1}\\.`));
    expect(await told(changed.replace(`version: ${version}`, `version: ${version + 1}`))).toBeUndefined();
  });

  it('says when it has not looked at everything, and refuses what is no candidate', async () => {
    expect(await run(file('policies/credit-approval.yaml'), 250)).toMatchObject({
      isCutShort: true,
      summary: { instances: 250 },
    });
    expect(() => readCandidate(parse('name: nothing'), rules)).toThrow('neither a process nor a policy');
    expect(() => readCandidate(parse(file('policies/credit-approval.yaml').replace('totalAmount', 'totalAmont')), rules)).toThrow('totalAmont'); // prettier-ignore
  });
});

it('a backtest takes nobody to have approved what was withdrawn unanswered, because an amendment made it needless', async () => {
  const harness = await TasksHarness.start({ rules, directory: new FileDirectory() });
  try {
    const payload = payloadOf(1, '200000.0000');
    const { deal } = await harness.close({}, payload);
    await harness.clock.read(harness.database);
    harness.clock.aheadByMs = 60_000;
    await harness.take('OpportunityAmended', deal, { ...payload, opportunityId: deal, totalAmount: '1000.0000' });
    const { state } = await harness.instanceOf(deal);
    expect(state.steps['credit-approval']).toMatchObject({ status: 'not-needed' });
    const scope = { since: new Date(0), after: '0', limit: 10, now: harness.clock.now() };
    const by = async (text: string) =>
      (await runBacktest(harness, readCandidate(parse(text), rules), scope)).comparisons.map((one) => ({
        assumed: one.assumed,
        differs: one.differs,
      }));
    const inForce = file('policies/credit-approval.yaml');
    expect(await by(inForce)).toEqual([{ assumed: [], differs: [] }]);
    // One that asks even of the amended deal is answered where nobody was asked: after the amendment.
    const strict = inForce.replaceAll('100 000 EUR', '500 EUR');
    expect(await by(strict)).toMatchObject([{ assumed: ['credit-approval'] }]);
  } finally {
    await harness.stop();
  }
}, 60_000);

const keyOf = (n: number): string => canonicalId('deal', String(n));

const payloadOf = (n: number, amount = amountOf(n)): Record<string, unknown> =>
  dealPayload({ name: String(n), key: keyOf(n), country: 'DE', domain: null, currency: 'EUR', amount }, SINCE);
