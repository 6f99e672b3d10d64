import { randomUUID } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import type { Statement } from '@throughline/postgres';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import {
  defineRoutes,
  effect,
  job,
  state,
  type EffectContext,
  type Job,
  type Message,
  type Messaging,
} from '../index.js';

jest.setTimeout(60_000);

const note: Statement = { name: 'note', text: 'INSERT INTO noted (key) SELECT unnest($1::text[])' };
const noteStart: Statement = { name: 'note-start', text: 'INSERT INTO started (key) VALUES ($1)' };
// outbox_key counts what went into the outbox; its rows leave by themselves.
const tables = [
  'noted',
  'started',
  'dead_letter',
  'inbox',
  'outbox_key',
  'work',
  'work_key',
  'effect_call',
  'audit_log',
];

describe('preview: shows what a retry would do, and does none of it', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  let vendor: Server;
  let url: string;
  const asked: string[] = [];
  let repaired = false;

  beforeAll(async () => {
    vendor = createServer((incoming, answer) => {
      asked.push(`${incoming.method} ${incoming.url}`);
      answer.end(JSON.stringify({ id: 'cus_1' }));
    });
    await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`;
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled'], { partitions: 1 });
    await harness.rows('CREATE TABLE noted (id serial, key text); CREATE TABLE started (key text)');
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder', 'OrderCancelled'],
        routes: {
          CancelOrder: effect(cancel, { dependency: 'vendor', onDeadLetter: 'continue' }),
          OrderCancelled: state(
            async (messages: Message<'OrderCancelled'>[], tx) => {
              await tx.query(note, [messages.map(({ payload }) => payload.orderId)]);
              if (!repaired) refuse();
              tx.emit(messages.map(({ payload }) => cancelOrder(payload.orderId, 'followed')));
              tx.enqueue([{ type: 'Look', key: messages[0]!.payload.orderId, id: 'one', payload: { deep: true } }]);
              tx.onCommit(() => asked.push('committed'));
            },
            { onDeadLetter: 'continue' },
          ),
        },
        jobs: { Look: job(look, { dependency: 'vendor' }) },
      }),
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(async () => {
    await harness.close();
    vendor.close();
    vendor.closeAllConnections();
  });

  function refuse(): never {
    throw new ThroughlineError('not yet', { code: 'NOT_YET', retry: 'never' });
  }
  const post = async (path: string): Promise<unknown> => (await fetch(url + path, { method: 'POST' })).json();
  const get = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      request(url + path, (answer) => answer.resume().on('end', resolve))
        .on('error', reject)
        .end();
    });

  /** What a handler may do: own tables without a transaction, recorded calls, calls past the record, by fetch and by node:http. */
  async function cancel({ payload }: Message<'CancelOrder'>, context: EffectContext) {
    await harness.database.query(noteStart, [payload.orderId]);
    await context.once('customer', { name: 'Ada' }, () => post('/customers'));
    if (!repaired) refuse();
    if (payload.reason === 'reads by fetch') await fetch(`${url}/orders/1?email=ada@example.com`);
    if (payload.reason === 'reads by http') await get('/orders/2');
    if (payload.reason === 'swallows') await get('/orders/3').catch(() => undefined);
    if (payload.reason === 'calls') await context.once('refund', { amount: '12.5000' }, () => post('/refunds'));
    return {
      emit: [orderCancelled(payload.orderId)],
      apply: (tx: { query(statement: Statement, values: unknown[]): Promise<unknown> }) =>
        tx.query(note, [[payload.orderId]]).then(() => undefined),
    };
  }
  async function look({ payload }: Job<string>): Promise<void> {
    if (!repaired) refuse();
    await post(`/look/${payload}`);
  }

  /** Everything that could have changed: rows, what sequences count, the ends of the topics, what the vendor heard. */
  async function world(): Promise<unknown> {
    const rows = await Promise.all(tables.map((table) => harness.rows(`SELECT t::text FROM ${table} t ORDER BY 1`)));
    const records = await Promise.all([harness.topics.read('CancelOrder'), harness.topics.read('OrderCancelled')]);
    return { rows, records: records.map((all) => all.length), asked: [...asked] };
  }

  /** The letter of a message that failed with the code as it was, previewed with the code as it is now. */
  async function previewOf(send: () => Promise<void>) {
    repaired = false;
    const before = (await messaging.deadLetters.findLetters({ limit: 1 }))[0]?.id ?? '0';
    await send();
    const letter = await until('its letter', async () => {
      const [newest] = await messaging.deadLetters.findLetters({ limit: 1 });
      return newest && Number(newest.id) > Number(before) && newest;
    });
    repaired = true;
    const then = await world();
    const preview = await messaging.deadLetters.preview(letter.id);
    // What a handler began in vain may still run; a moment later the world must be what it was.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await world()).toEqual(then);
    return preview;
  }
  const command = (reason: string): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit([cancelOrder(randomUUID(), reason)]));

  it('of a state handler: what it would emit, enqueue and change', async () => {
    const key = randomUUID();
    const preview = await previewOf(() => messaging.transaction(async (tx) => tx.emit([orderCancelled(key)])));
    expect(preview).toMatchObject({
      outcome: 'handled',
      emits: [{ type: 'CancelOrder', key, payload: { reason: 'followed' } }],
      jobs: [{ type: 'Look', key, payload: { deep: true } }],
      changes: [{ table: 'noted', inserted: 1, updated: 0, deleted: 0 }],
      error: null,
    });
  });

  it('of an effect whose calls are all on record: it would go through without asking anybody', async () => {
    const preview = await previewOf(() => command('ends'));
    expect(preview).toMatchObject({
      outcome: 'handled',
      recordedCalls: [{ call: 'customer', request: { name: 'Ada' }, response: { id: 'cus_1' } }],
      nextCall: null,
      emits: [{ type: 'OrderCancelled' }],
      changes: [
        { table: 'noted', inserted: 1 },
        { table: 'started', inserted: 1 },
      ],
    });
  });

  it('of an effect: the first call that is not on record, with its request, and no further', async () => {
    const preview = await previewOf(() => command('calls'));
    expect(preview).toMatchObject({
      outcome: 'call',
      recordedCalls: [{ call: 'customer' }],
      nextCall: { kind: 'once', call: 'refund', request: { amount: '12.5000' }, mayHaveRun: false },
      emits: [],
      notes: [expect.stringContaining('depends on the answer')],
    });
  });

  it.each([
    ['reads by fetch', '/orders/1'],
    ['reads by http', '/orders/2'],
    ['swallows', '/orders/3'],
  ])(
    'of an effect that asks past the record (%s): what it would ask, without the query, and nothing is sent',
    async (how, path) => {
      const preview = await previewOf(() => command(how));
      expect(preview).toMatchObject({ outcome: 'call', nextCall: { kind: 'http', method: 'GET', url: url + path } });
    },
  );

  it('of a job', async () => {
    const enqueue = { type: 'Look', key: 'k', id: randomUUID(), payload: 'far' };
    const preview = await previewOf(() => messaging.transaction(async (tx) => tx.enqueue([enqueue])));
    expect(preview).toMatchObject({
      outcome: 'call',
      nextCall: { kind: 'http', method: 'POST', url: `${url}/look/far` },
    });
  });

  it('of what still fails: how', async () => {
    repaired = false;
    const [letter] = await messaging.deadLetters.findLetters({ type: 'OrderCancelled', limit: 1 });
    expect(await messaging.deadLetters.preview(letter!.id)).toMatchObject({
      outcome: 'fail',
      error: { code: 'NOT_YET', message: 'not yet', retry: 'never' },
    });
  });

  it('while others send as ever', async () => {
    repaired = true;
    const [letter] = await messaging.deadLetters.findLetters({ type: 'CancelOrder', limit: 1 });
    const heard = asked.length;
    const previews = Promise.all(Array.from({ length: 5 }, () => messaging.deadLetters.preview(letter!.id)));
    await Promise.all([post('/others'), get('/others')]);
    await previews;
    expect(asked.slice(heard).sort()).toEqual(['GET /others', 'POST /others']);
  });
});
