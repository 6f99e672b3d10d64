import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate, type Database } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { compileDefinition, parseDefinition, type ProcessEvent } from '../../index.js';
import { saleContracts, saleDefinition, saleEvent } from '../../../fixtures/sale.js';
import {
  findInstances,
  processMigrations,
  ProcessRunner,
  searchInstances,
  type InstanceFilter,
  type SearchOrder,
} from '../index.js';

const messages = {
  ...saleContracts.messages,
  DealWon: { kind: 'event' as const, fields: [...saleContracts.messages.DealWon.fields, 'totalAmount', 'currency'] },
};
const compile = (data: unknown) => compileDefinition(parseDefinition(data), { ...saleContracts, messages });
const sale = compile({ ...saleDefinition, attributes: ['title', 'totalAmount', 'currency'], amount: 'totalAmount' });

const hour = 3_600_000;
const noon = Date.parse('2026-11-22T12:00:00.000Z');
const at = (hours: number): Date => new Date(noon + hours * hour);

let test: TestDatabase;
let database: Database;
const runner = new ProcessRunner([sale], compile);

async function take(events: ProcessEvent[], now: Date): Promise<void> {
  await database.transaction((tx) => runner.runBatch(tx, events, now, () => undefined));
}
function won(key: string, title: string, totalAmount: string, currency: string, time: Date): ProcessEvent {
  const event = saleEvent('DealWon', `${key}/DealWon`, key);
  return { ...event, time: time.toISOString(), payload: { ...event.payload, title, totalAmount, currency } };
}
const of = (key: string, ...types: string[]) => types.map((type) => saleEvent(type, `${key}/${type}`, key));
const keysOf = async (filter: InstanceFilter, order?: SearchOrder): Promise<string[]> =>
  (await searchInstances(database, filter, { limit: 500, order })).instances.map(({ key }) => key);

beforeAll(async () => {
  test = await testDatabase(processMigrations);
  database = await test.connect({ poolSize: 4 });
  await runner.storeDefinitions(database);
  await take([won('acme', 'Acme', '900.0000', 'EUR', at(-48))], at(-48));
  await take([won('bolt', 'Bolt', '12000.5000', 'EUR', at(-5)), ...of('bolt', 'OrderCreated')], at(-4));
  await take(
    [won('cord', 'Cord', '12000.4999', 'USD', at(-3)), ...of('cord', 'OrderCreated', 'InvoiceIssued')],
    at(-3),
  );
  await take([won('dome', 'Acme', '100.0000', 'EUR', at(-2)), ...of('dome', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent')], at(-2)); // prettier-ignore
  await take(of('early', 'OrderCreated'), at(-1));
}, 60_000);
afterAll(() => test.drop());

describe('a search', () => {
  it('finds by business fields: equal, and within a range of exact numbers', async () => {
    expect(await keysOf({ attributes: [{ field: 'title', value: 'Acme' }] })).toEqual(['dome', 'acme']);
    expect(await keysOf({ attributes: [{ field: 'title', value: 'Acme' }, { field: 'totalAmount', value: '900.0000' }] })).toEqual(['acme']); // prettier-ignore
    expect(await keysOf({ ranges: [{ field: 'totalAmount', min: '12000.5' }] })).toEqual(['bolt']);
    expect(await keysOf({ ranges: [{ field: 'totalAmount', max: '12000.4999', min: '900' }] })).toEqual([
      'cord',
      'acme',
    ]);
    expect(await keysOf({ attributes: [{ field: 'title', value: 'nothing' }] })).toEqual([]);
  });

  it.each<[InstanceFilter, string]>([
    [
      { attributes: [{ field: 'titles', value: 'Acme' }] },
      'field "titles" to search by; did you mean "title"?; known: currency, title, totalAmount.',
    ],
    [{ ranges: [{ field: 'nothing', min: '1' }] }, 'field "nothing" to search by; known: currency, '],
    [{ process: 'sales' }, 'process "sales" to search by; did you mean "sale"?; known: sale.'],
    [{ steps: ['nothing'] }, 'step "nothing" to search by; known: '],
  ])('says of %j what it does not know', async (filter, message) => {
    await expect(keysOf(filter)).rejects.toMatchObject({
      code: 'PROCESS_SEARCH_INVALID',
      message: expect.stringContaining(`There is no ${message}`),
    });
  });

  it('finds by what it waits for and who answers for that', async () => {
    expect(await keysOf({ steps: ['order'] })).toEqual(['acme']);
    expect(await keysOf({ steps: ['packing'] })).toEqual(['cord', 'bolt']);
    expect(await keysOf({ steps: runner.stepsOf('billing'), owner: 'billing' })).toEqual(['bolt']);
    expect(await keysOf({ steps: runner.stepsOf('sales'), owner: 'sales' })).toEqual(['early']);
    expect(await keysOf({ steps: runner.stepsOf('nobody'), owner: 'nobody' })).toEqual([]);
  });

  it('finds by amount at risk in one currency, the most first, exactly', async () => {
    expect(await keysOf({ currency: 'EUR', amountMin: '100.0001' })).toEqual(['bolt', 'acme']);
    expect(await keysOf({ currency: 'USD', amountMin: '12000.4999', amountMax: '12000.4999' })).toEqual(['cord']);
    expect(await keysOf({ currency: 'EUR' }, 'amount')).toEqual(['bolt', 'acme', 'dome']);
    await expect(keysOf({ amountMin: '1' })).rejects.toMatchObject({ code: 'PROCESS_SEARCH_INVALID' });
  });

  it('finds by age: since the start, and in the status', async () => {
    expect(await keysOf({ startedBefore: at(-4.5) })).toEqual(['bolt', 'acme']);
    expect(await keysOf({ inStatusBefore: at(-1.5) })).toEqual(['acme', 'bolt', 'cord']);
    expect(await keysOf({ inStatusBefore: at(-3.5), statuses: ['running'], steps: ['packing'] })).toEqual(['bolt']);
    expect(await keysOf({}, 'age')).toEqual(['acme', 'bolt', 'cord', 'early']);
  });

  it('finds what needs a look, and forgets what is over', async () => {
    await take([won('odd', 'Odd', '1.0000', 'EUR', at(0))], at(0));
    const again = { ...won('odd', 'Odd', '1.0000', 'EUR', at(0)), messageId: 'odd/again' };
    await take([again], at(0));
    expect(await keysOf({ attention: true })).toEqual(['odd']);
    await database.transaction((tx) => runner.runDueTimers(tx, at(1), 100, () => undefined));
    expect(await keysOf({ statuses: ['overdue'], steps: ['order'] })).toEqual(['odd', 'acme']);
    await take(of('odd', 'OrderRejected'), at(2));
    expect(await keysOf({ attributes: [{ field: 'title', value: 'Odd' }], statuses: ['refused'] })).toEqual(['odd']);
    expect(await keysOf({ steps: ['order'] })).toEqual(['acme']);
  });
});

describe('pages', () => {
  const many = 12_000;

  beforeAll(async () => {
    // As wide a table as a page may not read: two kinds that seldom meet.
    await database.query({
      name: 'spec-many-instances',
      text: `
        WITH made AS (
          INSERT INTO process_instance (process, version, key, occurrence, correlation_id, status, state, created_at, updated_at)
          SELECT 'sale', 1, 'many-' || n, 1, 'c', 'running', '{"steps":{},"attributes":{},"attention":[]}', now(), now()
          FROM generate_series(1, ${many}) AS n RETURNING id, substr(key, 6)::int AS n
        ), rows AS (
          INSERT INTO process_search (instance_id, process, version, status, status_since, started_at, amount, currency, paused, attention)
          SELECT id, CASE WHEN n IN (3, 8000) THEN 'rare' ELSE 'sale' END, 1, 'running', '2026-11-22T13:00:00.123456Z', now(), n % 7, 'SEK',
            false, false FROM made
        )
        INSERT INTO process_wait (step, instance_id, owner) SELECT 'packing', id, 'warehouse' FROM made`,
    });
  });

  async function pages(
    filter: InstanceFilter,
    order: SearchOrder,
    limit: number,
  ): Promise<{ found: string[]; pages: number }> {
    const found: string[] = [];
    for (let before: string | undefined, count = 1; ; count += 1) {
      const { instances, next } = await searchInstances(database, filter, { limit, order, before });
      found.push(...instances.map(({ key }) => key));
      if (next === null) return { found, pages: count };
      before = next;
    }
  }

  it('give every instance once, in each order, also where many are equal', async () => {
    for (const order of ['newest', 'oldest', 'age'] as const) {
      const { found } = await pages({ statuses: ['running'], steps: ['packing'] }, order, 499);
      expect([order, found.length, new Set(found).size]).toEqual([order, many + 1, many + 1]);
    }
    const { found } = await pages({ currency: 'SEK', amountMin: '2' }, 'amount', 499);
    expect(new Set(found).size).toBe(found.length);
    expect(found.map((key) => Number(key.slice(5)) % 7)).toEqual(
      found.map((key) => Number(key.slice(5)) % 7).toSorted((a, b) => b - a),
    );
    expect(found).toHaveLength(Array.from({ length: many }, (_, n) => n + 1).filter((n) => n % 7 >= 2).length);
  });

  it('look at a bounded number of rows, say so by going on, and find the rare one in the end', async () => {
    const first = await searchInstances(database, { process: 'rare', statuses: ['running'] }, { limit: 50 });
    expect(first.instances.map(({ key }) => key)).toEqual(['many-8000']);
    expect(first.next).not.toBeNull();
    expect(await pages({ process: 'rare', statuses: ['running'] }, 'newest', 50)).toEqual({
      found: ['many-8000', 'many-3'],
      pages: 3,
    });
  });

  it('refuse a place of another order', async () => {
    const search = searchInstances(database, {}, { limit: 1, order: 'age', before: '12' });
    await expect(search).rejects.toMatchObject({ code: 'PROCESS_SEARCH_INVALID' });
  });

  it('of no condition begin with the newest', async () => {
    expect((await findInstances(database, { limit: 1 }))[0]?.key).toBe(`many-${many}`);
  });
});

it('what was there before the search is found, too', async () => {
  const old = await testDatabase(processMigrations.slice(0, 2));
  const before = await old.connect();
  const [instance] = await database.query<{ state: object }>({
    name: 'spec-take-one',
    text: `SELECT * FROM process_instance WHERE key = 'bolt'`,
  });
  await before.query({ name: 'spec-definition', text: `INSERT INTO process_definition VALUES ('sale', 1, $1)` }, [
    sale.source,
  ]);
  await before.query(
    {
      name: 'spec-instance',
      text: `INSERT INTO process_instance (process, version, key, occurrence, correlation_id, status, state, created_at, updated_at)
        VALUES ('sale', 1, 'bolt', 1, 'c', 'running', $1, now(), now())`,
    },
    [JSON.stringify(instance!.state)],
  );
  await migrate(before, processMigrations);
  const found = await searchInstances(
    before,
    { statuses: ['running'], steps: ['packing', 'billing'], owner: 'warehouse', attributes: [{ field: 'title', value: 'Bolt' }], ranges: [{ field: 'totalAmount', min: '12000' }] }, // prettier-ignore
    { limit: 5 },
  );
  expect(found.instances.map(({ key }) => key)).toEqual(['bolt']);
  await old.drop();
});
