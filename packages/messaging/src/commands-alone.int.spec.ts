import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Database } from '@throughline/postgres';
import { cancelOrder, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, type Messaging } from './index.js';

jest.setTimeout(60_000);

/** Where pg keeps the socket of a connection. */
interface Connected {
  connection: { stream: Duplex };
}

const BIND = 'B'.charCodeAt(0);
const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;

describe('commands-alone: what only has to be stored is one statement, and one message to PostgreSQL', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  const turns: string[][] = [];
  const ran: string[] = [];

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder'], { partitions: 1 });
    hear(harness.database, turns);
    const cancel = effect<'CancelOrder'>(async ({ payload }) => void ran.push(payload.reason), {
      dependency: 'vendor',
    });
    messaging = await harness.service(
      defineRoutes({ group: harness.topics.group, emits: ['CancelOrder'], routes: { CancelOrder: cancel } }),
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());

  it('it has no BEGIN before it and no COMMIT behind it, be it of one command or of many', async () => {
    for (const [round, commands] of [1, 20, 1].entries()) {
      const reasons = Array.from({ length: commands }, (_, n) => `${round} ${n}`);
      await messaging.transaction(async (tx) => tx.emit(reasons.map((reason) => cancelOrder(randomUUID(), reason))));
      await until('they ran', () => reasons.every((reason) => ran.includes(reason)));
    }
    const intakes = turns.filter((names) => names.includes('insert-work'));
    expect(intakes.length).toBeGreaterThanOrEqual(3);
    expect(new Set(intakes.flat())).toEqual(new Set(['insert-work']));
    expect(intakes.every((names) => names.length === 1)).toBe(true);
  });
});

/** Notes the names of the statements that are sent over the connections of a pool, by the write that they share. */
function hear(database: Database, turns: string[][]): void {
  const heard = new WeakSet<Duplex>();
  database.pool.on('acquire', (client) => {
    const { stream } = (client as unknown as Connected).connection;
    if (heard.has(stream)) return;
    heard.add(stream);
    const write = stream.write.bind(stream) as (bytes: Buffer) => boolean;
    stream.write = ((bytes: Buffer) => {
      turns.push(boundIn(bytes));
      return write(bytes);
    }) as Duplex['write'];
  });
}

/** Of PostgreSQL's protocol: the names of the statements that these messages bind. */
function boundIn(bytes: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at < bytes.length; at += TYPE_BYTES + bytes.readInt32BE(at + TYPE_BYTES)) {
    if (bytes[at] !== BIND) continue;
    const portalEnd = bytes.indexOf(0, at + TYPE_BYTES + LENGTH_BYTES);
    names.push(bytes.toString('utf8', portalEnd + 1, bytes.indexOf(0, portalEnd + 1)));
  }
  return names;
}
