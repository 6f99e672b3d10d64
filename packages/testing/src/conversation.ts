import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineRoutes, type Messaging } from '@throughline/messaging';
import { startChild, type ChildProgram } from './child.js';
import { cancelOrder, messagingHarness, type MessagingHarness } from './messaging-harness.js';
import { testDatabase } from './database.js';
import { until } from './until.js';

/** Two services that talk to each other about orders, in processes that can be killed, and the records that judge them. */
export interface Conversation {
  harness: MessagingHarness;
  start(role: 'ops' | 'ledger', instance: string): ChildProgram;
  /** The writer's side, for a transaction of one's own. */
  writer: Messaging;
  /** Writes the commands `from`..n for each key, in order, `pauseMs` apart; each again until it is known to be written, and once. */
  write(keys: string[], n: number, pauseMs: number, from?: number): Promise<void>;
  /** Waits until every command had its event, and returns what the vendor and the ledger hold, per key in order. */
  outcome(
    keys: string[],
    n: number,
    timeoutMs: number,
  ): Promise<{ vendor: Map<string, number[]>; ledger: Map<string, number[]>; deadLetters: number }>;
  close(): Promise<void>;
}

/**
 * @param program the child, see packages/messaging/scripts/crash-child.mjs
 * @param options.vendorKeepsKeys the vendor makes one object per reference, also where two calls are on their way at once. Otherwise
 *   it is one that can only be asked whether it has an object already
 */
export async function conversation(
  program: URL,
  env: Record<string, string> = {},
  options: { vendorKeepsKeys?: boolean } = {},
): Promise<Conversation> {
  const harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
  const opsDatabase = await harness.otherDatabase();
  const vendor = await testDatabase([]);
  const vendorDatabase = await vendor.connect();
  await vendorDatabase.pool.query(
    'CREATE TABLE vendor_object (id serial PRIMARY KEY, reference text NOT NULL, key text NOT NULL, n int NOT NULL)',
  );
  if (options.vendorKeepsKeys) await vendorDatabase.pool.query('CREATE UNIQUE INDEX ON vendor_object (reference)');
  await harness.database.pool.query('CREATE TABLE written (key text, n int, PRIMARY KEY (key, n))');
  await harness.database.pool.query('CREATE TABLE ledger (id serial PRIMARY KEY, key text NOT NULL, n int NOT NULL)');
  // Writes into the ledger's outbox without relaying: whether its rows leave depends on the children alone.
  const writer: Messaging = await harness.service(
    defineRoutes({ group: harness.topics.group, emits: ['CancelOrder'] }),
    {
      service: 'ledger',
      start: false,
    },
  );
  const children: ChildProgram[] = [];
  const count = async (query: string): Promise<number> => (await harness.rows<{ n: number }>(query))[0]!.n;

  return {
    harness,
    writer,
    start(role, instance) {
      const child = startChild(program, {
        ...env,
        OTEL_SERVICE_NAME: role,
        ROLE: role,
        INSTANCE: instance,
        GROUP: `${harness.topics.group}-${role}`,
        DATABASE_URL: role === 'ops' ? opsDatabase.options.url : harness.database.options.url,
        VENDOR_URL: vendor.url,
        KAFKA: JSON.stringify(harness.topics.kafka),
      });
      children.push(child);
      return child;
    },
    async write(keys, n, pauseMs, from = 1) {
      for (let i = from; i <= n; i++) {
        for (const key of keys) while (!(await writeOnce(writer, key, i))) await sleep(100);
        await sleep(pauseMs);
      }
    },
    async outcome(keys, n, timeoutMs) {
      const expected = keys.length * n;
      await until(
        `${expected} events in the ledger`,
        async () => (await count('SELECT count(*)::int AS n FROM ledger')) >= expected,
        { timeoutMs, everyMs: 100 },
      );
      const dead = 'SELECT count(*)::int AS n FROM dead_letter';
      const opsDead = (await opsDatabase.pool.query<{ n: number }>(dead)).rows[0]!.n;
      return {
        vendor: group((await vendorDatabase.pool.query<Row>('SELECT key, n FROM vendor_object ORDER BY id')).rows),
        ledger: group(await harness.rows<Row>('SELECT key, n FROM ledger ORDER BY id')),
        deadLetters: opsDead + (await count(dead)),
      };
    },
    async close() {
      await Promise.all(children.map((child) => child.kill()));
      await harness.close();
      await vendor.drop();
    },
  };
}

const remember = {
  name: 'remember',
  text: 'INSERT INTO written VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING n',
};

/** Whether the command is known to be written: what stands in the table was committed together with it. */
async function writeOnce(writer: Messaging, key: string, n: number): Promise<boolean> {
  try {
    await writer.transaction(async (tx) => {
      const fresh = await tx.query(remember, [key, n]);
      if (fresh.length > 0) tx.emit([cancelOrder(key, String(n))]);
    });
    return true;
  } catch {
    return false;
  }
}

interface Row {
  key: string;
  n: number;
}

/** Keys of a conversation. */
export function newKeys(n: number): string[] {
  return Array.from({ length: n }, () => randomUUID());
}

function group(rows: Row[]): Map<string, number[]> {
  const grouped = new Map<string, number[]>();
  for (const { key, n } of rows) grouped.set(key, [...(grouped.get(key) ?? []), n]);
  return grouped;
}
