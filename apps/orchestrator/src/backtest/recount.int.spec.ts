import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalId } from '@throughline/contracts';
import type { Database } from '@throughline/postgres';
import { findInstances, ProcessRunner } from '@throughline/process/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { loadRules } from '../load-rules.js';
import { migrations } from '../migrations.js';
import { dealPayload } from '../spec/deal-payload.js';
import { readCandidate, runBacktest } from './backtest.js';
import { summarise, type Comparison, type Summary } from './summarise.js';

const DEALS = 600;
/** A Monday, 09:00 at the head office. */
const SINCE = new Date('2026-11-02T08:00:00.000Z');
const HOUR_MS = 3_600_000;
/** Long after every promise was kept or broken. */
const NOW = new Date('2026-12-14T08:00:00.000Z');
const rules = loadRules();
const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

type Currency = 'EUR' | 'USD' | 'JPY';
type Limits = Record<'high' | 'normal' | 'low' | 'minimal' | 'fourEyes' | 'board', Record<Currency, number>>;

/** The credit policy as a person of credit control would write it on a sheet of paper, and what somebody wants to change of it. */
const LIMITS: Limits = {
  high: { EUR: 500_000, USD: 540_000, JPY: 80_000_000 },
  normal: { EUR: 100_000, USD: 108_000, JPY: 16_000_000 },
  low: { EUR: 25_000, USD: 27_000, JPY: 4_000_000 },
  minimal: { EUR: 2_500, USD: 2_700, JPY: 400_000 },
  fourEyes: { EUR: 250_000, USD: 270_000, JPY: 40_000_000 },
  board: { EUR: 1_000_000, USD: 1_080_000, JPY: 160_000_000 },
};
const CHANGED: Limits = {
  ...LIMITS,
  normal: { EUR: 20_000, USD: 408_000, JPY: 16_000_000 },
  low: { ...LIMITS.low, USD: 200_000 },
  fourEyes: { EUR: 150_000, USD: 150_000, JPY: 25_000_000 },
};
const candidatePolicy = file('policies/credit-approval.yaml')
  .replace('normal: [100 000 EUR, 108 000 USD', 'normal: [20 000 EUR, 408 000 USD')
  .replace('low: [25 000 EUR, 27 000 USD', 'low: [25 000 EUR, 200 000 USD')
  .replace(/fourEyesAbove: .*/, 'fourEyesAbove: [150 000 EUR, 150 000 USD, 25 000 000 JPY]');

const CLASSES: Record<string, Record<string, 'high' | 'normal' | 'low' | 'minimal'>> = {
  'blue-chip.example': { DE: 'high', FR: 'high', JP: 'high', BR: 'normal' },
  'late-payer.example': { DE: 'low', FR: 'low', JP: 'minimal', BR: 'minimal' },
  'somebody.example': { DE: 'normal', FR: 'normal', JP: 'normal', BR: 'low' },
};

/** What a deal is, and what became of it; `after`: how far it got when it was free to go. */
interface Deal {
  key: string;
  name: string;
  country: string;
  domain: string;
  currency: Currency;
  /** In whole units. */
  units: number;
  verdict: 'approved' | 'rejected' | 'none';
  isDecidedLate: boolean;
  after: (typeof PROGRESS)[number];
}

/** What the other services had told by then, in this order. */
const PROGRESS = [
  [],
  ['OrderCreated'],
  ['OrderCreated', 'OrderProvisioned'],
  ['OrderCreated', 'InvoiceIssued'],
  ['OrderCreated', 'OrderProvisioned', 'InvoiceIssued'],
  ['OrderCreated', 'OrderProvisioned', 'InvoiceIssued', 'RevenueScheduleRecorded', 'OpportunityUpdated'],
] as const;

const deals = randomDeals();
const ruleOf = (limits: Limits, { domain, country, currency, units }: Deal): 'within' | 'above' | 'large' | 'board' => {
  if (units <= limits[CLASSES[domain]![country]!][currency]) return 'within';
  if (units <= limits.fourEyes[currency]) return 'above';
  return units < limits.board[currency] ? 'large' : 'board';
};
const asked = (limits: Limits, deal: Deal): boolean => ruleOf(limits, deal) !== 'within';
const isFree = (deal: Deal): boolean => !asked(LIMITS, deal) || deal.verdict === 'approved';
const told = (deal: Deal, type: string): boolean => isFree(deal) && (deal.after as readonly string[]).includes(type);
const moneyOf = (some: Deal[]): Record<string, string> => {
  const sums = Object.fromEntries(
    [...Map.groupBy(some, ({ currency }) => currency)].map(([currency, same]) => [
      currency,
      `${same.reduce((sum, { units }) => sum + units, 0)}.0000`,
    ]),
  );
  return sums;
};
const shareOf = (some: Deal[]) => ({ instances: some.length, amounts: moneyOf(some) });
const keysOf = (some: Deal[]): string[] => some.map(({ key }) => key).toSorted();

describe('a backtest of random instances, counted again by hand', () => {
  let test: TestDatabase;
  let database: Database;
  const runner = new ProcessRunner(rules.processes, rules.compile, { open: () => {}, close: () => {}, join: () => {} });

  beforeAll(async () => {
    test = await testDatabase(migrations);
    database = await test.connect();
    await runner.storeDefinitions(database);
    await happen();
  }, 120_000);
  afterAll(() => test.drop());

  /** What was, in the order in which it was: those who were decided on late, when the two business days of a sale were over. */
  async function happen(): Promise<void> {
    await tell(deals, 'OpportunityClosedWon', 0);
    await goOn(
      deals.filter((deal) => !asked(LIMITS, deal)),
      0.1,
    );
    for (const isLate of [false, true]) {
      const hours = isLate ? 80 : 1;
      const decided = deals.filter(
        (deal) => asked(LIMITS, deal) && deal.verdict !== 'none' && deal.isDecidedLate === isLate,
      );
      await passTime(hours);
      await decide(decided, hours);
      await goOn(decided.filter(isFree), hours + 0.1);
    }
    await passTime((NOW.getTime() - SINCE.getTime()) / HOUR_MS);
  }

  async function goOn(some: Deal[], hours: number): Promise<void> {
    for (const [index, type] of ['OrderCreated', 'OrderProvisioned', 'InvoiceIssued', 'RevenueScheduleRecorded', 'OpportunityUpdated'].entries()) // prettier-ignore
      await tell(some.filter((deal) => told(deal, type)), type, hours + index / 100); // prettier-ignore
  }

  const at = (hours: number): Date => new Date(SINCE.getTime() + Math.round(hours * HOUR_MS));

  async function tell(some: Deal[], type: string, hours: number): Promise<void> {
    const time = at(hours);
    const events = some.map((deal) => ({
      messageId: canonicalId(type, deal.name),
      type,
      payload: dealPayload({ ...deal, amount: `${deal.units}.0000` }, SINCE),
      source: 'spec',
      time: time.toISOString(),
      correlationId: canonicalId('closing', deal.name),
    }));
    await database.transaction((tx) => runner.runBatch(tx, events, time, () => {}));
  }

  async function decide(some: Deal[], hours: number): Promise<void> {
    const found = await findInstances(database, { process: 'lead-to-cash', limit: DEALS });
    const ids = new Map(found.map(({ id, key }) => [key, id]));
    await database.transaction(async (tx) => {
      for (const { key, verdict } of some) {
        if (verdict === 'none') continue;
        const input = { kind: 'decision' as const, id: `decision-${key}`, unit: 'credit-approval', verdict, by: 'ada' };
        await runner.decideStep(tx, ids.get(key)!, input, at(hours), () => {});
      }
    });
  }

  async function passTime(hours: number): Promise<void> {
    for (let fired = 1; fired > 0;)
      fired = (await database.transaction((tx) => runner.runDueTimers(tx, at(hours), 500, () => {}))).fired;
  }

  async function run(candidate: string): Promise<{ summary: Summary; differing: Comparison[] }> {
    const scope = { since: SINCE, after: '0', limit: 10_000, now: NOW };
    const { comparisons } = await runBacktest({ database, runner }, readCandidate(parse(candidate), rules), scope);
    return { summary: summarise(comparisons), differing: comparisons.filter(({ differs }) => differs.length > 0) };
  }

  it('tells of a candidate policy whom it would ask, whom no longer, and by whom else; what is sent, and what is late', async () => {
    const { summary, differing } = await run(candidatePolicy);
    const more = deals.filter((deal) => !asked(LIMITS, deal) && asked(CHANGED, deal));
    const fewer = deals.filter((deal) => asked(LIMITS, deal) && !asked(CHANGED, deal));
    const other = deals.filter(
      (deal) => asked(LIMITS, deal) && asked(CHANGED, deal) && ruleOf(LIMITS, deal) !== ruleOf(CHANGED, deal),
    );
    for (const some of [more, fewer, other]) expect(some.length).toBeGreaterThan(5);
    // Nothing had been sent for those that nobody had agreed to.
    const released = fewer.filter((deal) => !isFree(deal));
    // Decided too late or not at all, and nothing else was late.
    const kept = fewer.filter(
      (deal) => (deal.verdict === 'none' || deal.isDecidedLate) && (!isFree(deal) || told(deal, 'OpportunityUpdated')),
    );
    for (const some of [released, kept]) expect(some.length).toBeGreaterThan(3);

    expect(differing.map(({ key }) => key).toSorted()).toEqual(keysOf([...more, ...fewer, ...other]));
    expect(summary).toMatchObject({
      blocked: 0,
      differing: shareOf([...more, ...fewer, ...other]),
      byKind: {
        approvals: more.length + fewer.length,
        terms: other.length,
        commands: released.length,
        sla: kept.length,
      },
      approvals: { 'credit-approval': { more: shareOf(more), fewer: shareOf(fewer) } },
      terms: { 'credit-approval': shareOf(other) },
      commands: { CreateOrder: released.length },
      sla: { more: 0, fewer: kept.length },
    });
  }, 120_000);

  it('tells of a candidate version of a process what it would send later, and what would not have been done', async () => {
    const candidate = file('processes/lead-to-cash.yaml')
      .replace(/^version: \d+$/m, 'version: 99')
      .replace('  billing:\n    after: order\n', '  billing:\n    after: provisioning\n');
    const { summary, differing } = await run(candidate);
    // Ordered and not ready: they would not have been billed yet.
    const waiting = deals.filter((deal) => told(deal, 'OrderCreated') && !told(deal, 'OrderProvisioned'));
    const billed = waiting.filter((deal) => told(deal, 'InvoiceIssued'));
    for (const some of [waiting, billed]) expect(some.length).toBeGreaterThan(20);

    expect(differing.map(({ key }) => key).toSorted()).toEqual(keysOf(waiting));
    expect(summary).toMatchObject({
      instances: DEALS,
      unchanged: DEALS - waiting.length,
      blocked: 0,
      differing: shareOf(waiting),
      byKind: { path: billed.length, approvals: 0, terms: 0, commands: waiting.length },
      approvals: {},
      commands: { IssueInvoice: -waiting.length },
      sla: { more: 0, fewer: 0 },
    });
  }, 120_000);
});

/** The same deals every time. */
function randomDeals(): Deal[] {
  let state = 20_261_102;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  return Array.from({ length: DEALS }, (_, n): Deal => {
    const currency = pick(['EUR', 'USD', 'JPY'] as const);
    return {
      key: canonicalId('deal', String(n)),
      name: String(n),
      country: pick(['DE', 'FR', 'JP', 'BR']),
      domain: pick(Object.keys(CLASSES)),
      currency,
      // From a thousand to a million and a half, as many small ones as large ones.
      units: Math.round(10 ** (3 + 3.2 * random()) * (currency === 'JPY' ? 160 : 1)),
      verdict: pick(['approved', 'approved', 'rejected', 'none']),
      isDecidedLate: random() < 0.5,
      after: pick(PROGRESS),
    };
  });
}
