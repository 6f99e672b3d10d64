import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import {
  delivery,
  deliveryContracts,
  deliveryEvent,
  slowDelivery,
  slowEnd,
  VirtualClock,
  type Happening,
} from '../../fixtures/delivery.js';
import { compileDefinition, parseDefinition } from '../index.js';
import { findInstances, processMigrations, ProcessRunner, readHistory } from './index.js';

const keys = Array.from({ length: 20 }, (_, n) => `deal-${n}`);

describe('ninety days of twenty deals, every look by runners that have just started', () => {
  let test: TestDatabase;
  let database: Database;
  const sent: string[] = [];
  const opened: string[] = [];

  beforeAll(async () => {
    test = await testDatabase(processMigrations);
    database = await test.connect({ poolSize: 8 });
  });
  afterAll(() => test.drop());

  const newRunner = async (): Promise<ProcessRunner> => {
    const compile = (data: unknown) => compileDefinition(parseDefinition(data), deliveryContracts);
    const runner = new ProcessRunner([delivery], compile, {
      open: (_, tasks) => void opened.push(...tasks.map(({ key }) => key)),
      close: () => undefined,
      join: () => undefined,
    });
    await runner.storeDefinitions(database);
    return runner;
  };
  const emit = (commands: { type: string; correlationId: string }[]): void =>
    void sent.push(...commands.map(({ type, correlationId }) => `${correlationId} ${type}`));
  const idOf = async (key: string): Promise<string> => (await findInstances(database, { key, limit: 1 }))[0]!.id;

  async function nextTimerAt(): Promise<Date | null> {
    const statement = { name: 'spec-next-timer', text: 'SELECT min(due_at) AS at FROM process_timer' };
    return (await database.query<{ at: Date | null }>(statement))[0]!.at;
  }

  /** Three runners look at once, after one that dies in mid-transaction. */
  async function fireDue(now: Date): Promise<number> {
    const runners = await Promise.all([1, 2, 3, 4].map(newRunner));
    const dying = database.transaction(async (tx) => {
      await runners[3]!.runDueTimers(tx, now, 100, () => undefined);
      throw new Error('killed');
    });
    await expect(dying).rejects.toThrow('killed');
    const looks = runners
      .slice(0, 3)
      .map((runner) => database.transaction((tx) => runner.runDueTimers(tx, now, 7, emit)));
    return (await Promise.all(looks)).reduce((total, { looked }) => total + looked, 0);
  }

  async function passTo(to: Date): Promise<void> {
    for (let next = await nextTimerAt(); next && next < to; next = await nextTimerAt()) {
      expect(await fireDue(new Date(next.getTime() - 1))).toBe(0);
      expect(await fireDue(next)).toBeGreaterThan(0);
    }
  }

  async function take({ at, input }: Happening): Promise<void> {
    const runner = await newRunner();
    const now = new Date(at);
    if (input.kind === 'event') {
      const events = keys.map((key) => ({ ...input.event, ...deliveryEvent(input.event.type, {}, key) }));
      const ofKey = events.map((event) => ({
        ...event,
        messageId: `${event.messageId} ${at}`,
        payload: { ...input.event.payload, dealId: event.payload.dealId },
      }));
      await database.transaction((tx) => runner.runBatch(tx, ofKey, now, emit));
      return;
    }
    if (input.kind !== 'decision') throw new Error('nothing else happens here');
    for (const id of await Promise.all(keys.map(idOf)))
      await database.transaction((tx) => runner.decideStep(tx, id, input, now, emit));
  }

  it('are those of memory: nothing is fired early, twice or never', async () => {
    for (const happening of slowDelivery) {
      await passTo(new Date(happening.at));
      await take(happening);
    }
    await passTo(new Date(slowEnd));

    const expected = new VirtualClock().run(slowDelivery, slowEnd);
    for (const key of keys) {
      const history = await readHistory(database, [await idOf(key)]);
      expect(
        history.map(({ effect, step, recordedAt }) => [recordedAt.toISOString(), effect, step ?? undefined]),
      ).toEqual(expected.history.map(({ at, effect, step }) => [at, effect, step]));
    }
    expect(sent).toHaveLength(expected.sent.length * keys.length);
    expect(opened).toHaveLength(keys.length);
    expect(await findInstances(database, { statuses: ['completed'], limit: 100 })).toHaveLength(keys.length);
    expect(await nextTimerAt()).toBeNull();
  }, 60_000);
});
