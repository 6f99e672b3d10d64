import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Database } from '@throughline/postgres';
import { cancelOrder, messagingHarness, startTcpProxy, until, type MessagingHarness } from '@throughline/testing';
import pg from 'pg';
import { defineRoutes, type Messaging } from './index.js';

jest.setTimeout(60_000);

const STUCK_AFTER_MS = 1_000;
const RELAY_LOCK = 0x7265_6c79;

describe('stuck-leader: a relay that stands still is seen, and loses the lead', () => {
  let harness: MessagingHarness;
  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder'], { partitions: 1 });
  });
  afterEach(() => harness.close());

  const start = (instanceId: string, database?: Database): Promise<Messaging> =>
    harness.service(defineRoutes({ group: harness.topics.group, emits: ['CancelOrder'] }), {
      instanceId,
      ...(database && { database }),
      limits: { stuckAfterMs: STUCK_AFTER_MS },
    });
  const emit = (messaging: Messaging, key: string, n: number): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit([cancelOrder(key, String(n))]));
  const outboxEmpty = async (): Promise<boolean> => (await harness.rows('SELECT 1 FROM outbox LIMIT 1')).length === 0;
  async function published(): Promise<number[]> {
    const records = await harness.topics.read('CancelOrder');
    return records.map(({ headers }) => Number(headers!['ce_sequence']!.toString()));
  }

  it('whose session with PostgreSQL hangs: it says so, another instance goes on, and it comes back by itself', async () => {
    const line = await startTcpProxy(harness.test.url);
    // The relay's session alone runs over the line that will hang.
    const overTheLine = Object.create(harness.database, {
      options: { value: { ...harness.database.options, url: line.url, limits: { statementTimeoutMs: 500 } } },
    }) as Database;
    try {
      const first = await start('first', overTheLine);
      await until('the first leads', () => first.health().relay.leading);
      const second = await start('second');
      const key = randomUUID();
      for (let n = 1; n <= 3; n++) await emit(first, key, n);
      line.freeze();
      await until(
        'it is seen',
        () => !first.health().live && first.health().reasons.join().includes('outbox poll is stuck'),
      );
      for (let n = 4; n <= 6; n++) await emit(n % 2 === 0 ? first : second, key, n);
      await until('the second leads', () => second.health().relay.leading);
      await until('all published', outboxEmpty);
      line.thaw();
      await until('the first is well again', () => first.health().live && !first.health().relay.leading);
      await emit(first, key, 7);
      await until('all published', outboxEmpty);
      expect([...new Set(await published())]).toEqual([1, 2, 3, 4, 5, 6, 7]);
    } finally {
      line.thaw();
      await line.stop();
    }
  });

  it('and that keeps the lead all the same: every instance says what it waits for, until it moves', async () => {
    const holder = new pg.Client({ connectionString: harness.test.url });
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock($1)', [RELAY_LOCK]);
    const messaging = await start('only');
    const waits = (): boolean => messaging.health().reasons.join().includes('which publishes nothing');
    await until('ready: nothing has to be published', () => messaging.health().ready);
    const began = performance.now();
    await emit(messaging, randomUUID(), 1);
    await until('it is seen', waits);
    expect(performance.now() - began).toBeGreaterThan(STUCK_AFTER_MS - 100);
    expect(messaging.health()).toMatchObject({ ready: false, live: true });
    await holder.end();
    await until('all published', outboxEmpty);
    await until('ready again', () => messaging.health().ready);
  });
});
