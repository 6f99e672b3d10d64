import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, state, type Message, type Messaging } from './index.js';

jest.setTimeout(60_000);

interface Letter {
  kind: string;
  error_code: string;
  error_message: string;
  attempts: number;
  message_id: string | null;
  type: string | null;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, unknown>;
}

const note = { name: 'note', text: 'INSERT INTO noted (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };
const divide = { name: 'divide', text: 'SELECT 1 / ($1::int - 13)' };

describe('poison: it is dead-lettered alone and at once, with its bytes', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  const effects: string[] = [];
  const ids: string[] = [];
  let transientFailures = 0;

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled'], { partitions: 1 });
    await harness.rows('CREATE TABLE noted (id serial, key text, n int)');
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder', 'OrderCancelled'],
        routes: {
          CancelOrder: effect(
            async ({ payload, envelope }: Message<'CancelOrder'>, { attempt }) => {
              if (payload.reason === 'twice') ids.push(envelope.id);
              if (payload.reason === 'twice' && attempt === 1)
                throw new ThroughlineError('busy', { code: 'VENDOR_BUSY', retry: 'later' });
              if (payload.reason === 'never')
                throw new ThroughlineError('refused', { code: 'VENDOR_REFUSED', retry: 'never' });
              if (payload.reason === 'later')
                throw new ThroughlineError('busy', { code: 'VENDOR_BUSY', retry: 'later' });
              if (payload.reason === 'a little later')
                throw new ThroughlineError('busy', { code: 'VENDOR_BUSY', retry: 'later', retryAfterMs: 25.4 });
              if (payload.reason === 'misfit')
                return { emit: [orderCancelled(payload.orderId, { occurrence: 'many' as never })] };
              effects.push(payload.reason);
            },
            { dependency: 'vendor', retry: { maxAttempts: 3, backoffMs: [10, 20] }, onDeadLetter: 'continue' },
          ),
          OrderCancelled: state(
            async (messages: Message<'OrderCancelled'>[], tx) => {
              await tx.query(note, [
                messages.map(({ payload }) => payload.orderId),
                messages.map(({ payload }) => payload.occurrence),
              ]);
              for (const { payload } of messages) {
                if (payload.occurrence === 13) await tx.query(divide, [13]);
                if (payload.occurrence === 14) throw new TypeError('a bug');
                if (payload.occurrence === 27) await tx.query(divide, []);
                if (payload.occurrence === 28)
                  throw Object.assign(new Error(), { message: ['no', 'text'], code: 'ODD\0' });
                if (payload.occurrence === 29 && transientFailures++ < 1)
                  throw new ThroughlineError('not now', { code: 'NOT_NOW', retry: 'later', retryAfterMs: 0.5 });
                if (payload.occurrence === 15 && transientFailures++ < 2) {
                  throw new ThroughlineError('not now', { code: 'NOT_NOW', retry: 'later' });
                }
              }
            },
            { retry: { maxAttempts: 5, backoffMs: [300, 600] } },
          ),
        },
      }),
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());

  const letters = (): Promise<Letter[]> => harness.rows<Letter>('SELECT * FROM dead_letter ORDER BY id');
  const noted = (): Promise<{ key: string; n: number }[]> => harness.rows('SELECT key, n FROM noted ORDER BY id');

  it('unreadable records of every kind', async () => {
    const good = randomUUID();
    await messaging.transaction(async (tx) => tx.emit([orderCancelled(good)]));
    await until('the good one came', async () => (await noted()).length === 1);
    const [record] = await harness.topics.read('OrderCancelled');
    const headers = record!.headers as Record<string, Buffer>;
    const id = (): Record<string, string> => ({ ce_id: randomUUID() });
    const bytes = Buffer.from([1, 2, 0, 255]);
    const unknownSchema = Buffer.from(record!.value!);
    unknownSchema.writeUInt32BE(77, 1);
    await harness.topics.produce('OrderCancelled', [
      { key: good, value: bytes, headers: { ...headers, ...id() } },
      { key: good, value: unknownSchema, headers: { ...headers, ...id() } },
      {
        key: good,
        value: record!.value,
        headers: { ...headers, ...id(), ce_type: 'throughline.operations.v9.Unheard' },
      },
      { key: good, value: record!.value, headers: {} },
      { key: good, value: record!.value, headers: { ...headers, ce_id: 'seven', strange: bytes } },
      { key: Buffer.from('a\0b'), value: record!.value, headers: { ...headers, ...id() } },
      { key: good, value: null, headers: { ...headers, ...id() } },
    ]);
    await messaging.transaction(async (tx) => tx.emit([orderCancelled(good, { occurrence: 2 })]));
    await until('the next good one came', async () => (await noted()).length === 2);
    const found = await until('seven dead letters', async () => {
      const all = await letters();
      return all.length >= 7 && all;
    });
    expect(found.map(({ error_code }) => error_code)).toEqual([
      'CONTRACT_BODY_INVALID',
      'CONTRACT_SCHEMA_UNKNOWN',
      'CONTRACT_TYPE_UNKNOWN',
      'CONTRACT_HEADER_MISSING',
      'MSG_ID_INVALID',
      'MSG_KEY_INVALID',
      'CONTRACT_BODY_INVALID',
    ]);
    expect(found[0]!.value).toEqual(bytes);
    expect(found[4]!.headers['strange']).toEqual({ base64: bytes.toString('base64') });
    expect(found[5]!.key).toEqual(Buffer.from('a\0b'));
    expect(found.every(({ kind }) => kind === 'record')).toBe(true);
    await harness.rows('DELETE FROM dead_letter');
    await harness.rows('DELETE FROM noted');
  });

  it('a message whose handler, or whose SQL, fails for good, in the middle of a batch', async () => {
    const keys = Array.from({ length: 60 }, () => randomUUID());
    const poison = new Map([
      [20, 13],
      [41, 14],
      [45, 27],
      [52, 28],
    ]);
    await messaging.transaction(async (tx) =>
      tx.emit(keys.map((key, i) => orderCancelled(key, { occurrence: poison.get(i) ?? 1 }))),
    );
    await until('the others are through', async () => (await noted()).length === 56);
    const found = await until('four dead letters', async () => (await letters()).length === 4 && letters());
    expect(found.map(({ error_code, error_message }) => [error_code, error_message])).toEqual([
      ['22012', 'division by zero'],
      ['UNCLASSIFIED', 'a bug'],
      ['08P01', expect.stringContaining('requires 1')],
      ['ODD\uFFFD', 'no,text'],
    ]);
    const kept = new Set((await noted()).map(({ key }) => key));
    expect(keys.filter((key) => !kept.has(key))).toEqual([...poison.keys()].map((i) => keys[i]));
    await harness.rows('DELETE FROM dead_letter');
    await harness.rows('DELETE FROM noted');
  });

  it('a header that is no trace context, or a wait that is no whole number, is no poison', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    transientFailures = 0;
    await messaging.transaction(async (tx) =>
      tx.emit([orderCancelled(first, { occurrence: 29 }), cancelOrder(first, 'traced')]),
    );
    await until('both came', async () => (await noted()).length === 1 && effects.includes('traced'));
    for (const type of ['OrderCancelled', 'CancelOrder'] as const) {
      const record = (await harness.topics.read(type)).at(-1)!;
      const headers = { ...(record.headers as Record<string, Buffer>), ce_id: randomUUID(), traceparent: 'a\0b' };
      await harness.topics.produce(type, [{ key: record.key!, value: record.value, headers }]);
    }
    await messaging.transaction(async (tx) => tx.emit([orderCancelled(second), cancelOrder(second, 'next')]));
    await until('they came, and the next ones', async () => (await noted()).length === 3 && effects.includes('next'));
    expect(effects.filter((reason) => reason === 'traced')).toHaveLength(2);
    expect(await letters()).toEqual([]);
    effects.length = 0;
    transientFailures = 0;
    await harness.rows('DELETE FROM noted');
  });

  it('an id in capitals is the same id, at each attempt', async () => {
    const key = randomUUID();
    await messaging.transaction(async (tx) => tx.emit([cancelOrder(key, 'twice')]));
    await until('it ran', () => effects.includes('twice'));
    const record = (await harness.topics.read('CancelOrder')).at(-1)!;
    const id = randomUUID();
    const headers = { ...(record.headers as Record<string, Buffer>), ce_id: id.toUpperCase() };
    ids.length = effects.length = 0;
    await harness.topics.produce('CancelOrder', [{ key, value: record.value, headers }]);
    await until('that one ran', () => effects.includes('twice'));
    expect(ids).toEqual([id, id]);
    effects.length = 0;
  });

  it('while a transient failure parks its key alone, and nobody of that key overtakes it', async () => {
    const parked = randomUUID();
    const other = randomUUID();
    const emit = (key: string, n: number): Promise<void> =>
      messaging.transaction(async (tx) => tx.emit([orderCancelled(key, { occurrence: n })]));
    await emit(parked, 15);
    await until('it is parked', async () => (await harness.rows('SELECT 1 FROM work')).length === 1);
    await emit(parked, 16);
    await emit(other, 1);
    await emit(parked, 17);
    await until('the other key flows', async () => (await noted()).some(({ key }) => key === other));
    expect((await noted()).some(({ key }) => key === parked)).toBe(false);
    await until('the parked ones are released', async () => (await noted()).length === 4);
    await emit(parked, 18);
    await until('and the key flows again', async () => (await noted()).length === 5);
    expect((await noted()).filter(({ key }) => key === parked).map(({ n }) => n)).toEqual([15, 16, 17, 18]);
    expect(await letters()).toEqual([]);
    expect(await harness.rows('SELECT 1 FROM work_key WHERE NOT held')).toEqual([]);
    await harness.rows('DELETE FROM noted');
  });

  it('an effect that is refused, or fails too often, or has a result that fits no schema; where the route says so, its successors go on', async () => {
    const reasons = ['never', 'later', 'a little later', 'misfit'];
    await messaging.transaction(async (tx) =>
      tx.emit(
        reasons.flatMap((reason) => {
          const key = randomUUID();
          return [cancelOrder(key, reason), cancelOrder(key, `after ${reason}`)];
        }),
      ),
    );
    await until('all successors ran', () => effects.length === 4);
    const found = await until('four dead letters', async () => (await letters()).length === 4 && letters());
    const summary = found.map(({ error_code, attempts, kind }) => `${kind} ${error_code} ${attempts}`).sort();
    expect(summary).toEqual([
      'effect CONTRACT_PAYLOAD_INVALID 1',
      'effect VENDOR_BUSY 3',
      'effect VENDOR_BUSY 3',
      'effect VENDOR_REFUSED 1',
    ]);
    await until('nothing waits', async () => (await harness.rows('SELECT 1 FROM work')).length === 0);
  });
});
