import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, job, state, type Job, type Message, type Messaging } from './index.js';
import { letGo, putBack } from './work/put-back.js';

jest.setTimeout(60_000);

interface Letter {
  id: string;
  attempts: number;
  held: boolean;
  queue: string;
  work_key: string;
  error_code: string;
  error_message: string;
  handled: boolean;
}

describe('held-keys: what comes after a dead letter waits until a person has decided', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  /** What handlers did, as `key n`. */
  let done: string[] = [];
  /** Refused with this reason, for as long as it stands here. */
  let poison: Record<string, string> = {};

  function refuse(key: string, n: number | string): void {
    const reason = poison[`${key} ${n}`];
    if (reason) throw new ThroughlineError(reason, { code: 'POISON', retry: 'never' });
  }
  function handle(key: string, n: number | string): void {
    refuse(key, n);
    done.push(`${key} ${n}`);
  }

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder', 'OrderCancelled'],
        routes: {
          CancelOrder: effect(
            async ({ payload }: Message<'CancelOrder'>) => handle(payload.orderId, payload.reason ?? ''),
            { dependency: 'vendor' },
          ),
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
            for (const { payload } of messages) {
              refuse(payload.orderId, payload.occurrence);
              tx.onCommit(() => done.push(`${payload.orderId} ${payload.occurrence}`));
            }
          }),
        },
        jobs: { Look: job(async ({ key, payload }: Job<number>) => handle(key, payload), { dependency: 'vendor' }) },
      }),
      { limits: { heldRowsPerKey: 3, workBacklog: 4 } },
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());
  beforeEach(async () => {
    done = [];
    poison = {};
    await harness.rows('TRUNCATE dead_letter');
  });

  const command = (key: string, ...reasons: (number | string)[]): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit(reasons.map((reason) => cancelOrder(key, String(reason)))));
  const event = (key: string, ...ns: number[]): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit(ns.map((occurrence) => orderCancelled(key, { occurrence }))));
  const letters = (): Promise<Letter[]> =>
    harness.rows<Letter>('SELECT *, handled_at IS NOT NULL AS handled FROM dead_letter ORDER BY id');
  const dead = (n: number): Promise<Letter[]> =>
    until(`${n} dead letters`, async () => (await letters()).length === n && letters());
  const waiting = async (): Promise<number> => (await harness.rows('SELECT 1 FROM work')).length;
  const back = (...all: Letter[]): Promise<string[]> =>
    messaging.transaction((tx) =>
      putBack(
        tx,
        all.map(({ id }) => id),
      ),
    );

  describe.each([
    ['an effect', command, 'vendor'],
    ['state', event, 'state'],
  ] as const)('of %s', (_, send, queue) => {
    it('its key is held, other keys flow, newcomers line up, and health says so', async () => {
      const [key, other] = [randomUUID(), randomUUID()];
      poison = { [`${key} 2`]: 'bad' };
      await send(key, 1, 2, 3);
      await send(other, 1, 2);
      const [letter] = await dead(1);
      expect(letter).toMatchObject({ held: true, queue, work_key: key, attempts: 1, handled: false });
      await send(key, 4);
      await send(other, 3);
      await until('the other key is through', () => done.includes(`${other} 3`));
      await until('the newcomer lined up', async () => (await waiting()) === 2);
      await until('health says so', () => messaging.health().work[queue]!.heldRows === 2);
      expect(messaging.health().work[queue]).toMatchObject({ pending: 0, keys: 0, heldKeys: 1 });
      expect(done.filter((it) => it.startsWith(key))).toEqual([`${key} 1`]);

      poison = {};
      expect(await back(letter!)).toEqual([letter!.id]);
      await send(key, 5);
      await until('all are through', () => done.includes(`${key} 5`));
      expect(done.filter((it) => it.startsWith(key))).toEqual([1, 2, 3, 4, 5].map((n) => `${key} ${n}`));
      await until('nothing is left', async () => (await harness.rows('SELECT 1 FROM work_key')).length === 0);
      expect(await letters()).toMatchObject([{ held: false, handled: true }]);
    });

    it('put back and dead again, it is the same letter, and nothing overtook it', async () => {
      const key = randomUUID();
      poison = { [`${key} 1`]: 'bad' };
      await send(key, 1, 2);
      const [first] = await dead(1);
      await until('its successor lined up', async () => (await waiting()) === 1);
      poison = { [`${key} 1`]: 'still bad' };
      await back(first!);
      const [again] = await until('it is dead again', async () => {
        const all = await letters();
        return all[0]!.attempts === 2 && all;
      });
      expect(again).toMatchObject({ id: first!.id, held: true, error_message: 'still bad', handled: false });
      expect(await letters()).toHaveLength(1);
      expect(done).toEqual([]);
      poison = {};
      await back(again!);
      await until('both are through', () => done.length === 2);
      expect(done).toEqual([`${key} 1`, `${key} 2`]);
    });

    it('let go, its successors go on without it', async () => {
      const key = randomUUID();
      poison = { [`${key} 1`]: 'bad' };
      await send(key, 1, 2, 3);
      const [letter] = await dead(1);
      await until('its successors lined up', async () => (await waiting()) === 2);
      expect(await messaging.transaction((tx) => letGo(tx, [letter!.id]))).toEqual([letter!.id]);
      await until('they are through', () => done.length === 2);
      await send(key, 4);
      await until('and the key flows', () => done.length === 3);
      expect(done).toEqual([2, 3, 4].map((n) => `${key} ${n}`));
      expect(await letters()).toMatchObject([{ held: false, handled: false }]);
      await until('nothing is left', async () => (await harness.rows('SELECT 1 FROM work_key')).length === 0);
    });

    it('put back twice, or after it was handled, it is handled once', async () => {
      const key = randomUUID();
      poison = { [`${key} 1`]: 'bad' };
      await send(key, 1);
      const [letter] = await dead(1);
      poison = {};
      const backs = await Promise.all([back(letter!), back(letter!)]);
      expect(backs.flat()).toEqual([letter!.id]);
      await until('it is handled', async () => (await letters())[0]!.handled);
      expect(await back(letter!)).toEqual([]);
      expect(await harness.rows('SELECT 1 FROM work_key')).toEqual([]);
      expect(done).toEqual([`${key} 1`]);
    });
  });

  it.each([
    ['put back', putBack, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['let go', letGo, [2, 3, 4, 5, 6, 7, 8, 9]],
  ] as const)(
    'newcomers that find no room become letters, pause no partition, and follow in order once it is %s',
    async (_, act, expected) => {
      const [key, other] = [randomUUID(), randomUUID()];
      await until('keys of before count no more', () => messaging.health().work['vendor']!.heldRows === 0);
      poison = { [`${key} 1`]: 'bad' };
      await command(key, 1, 2, 3, 4);
      const [letter] = await dead(1);
      await until('its successors lined up', () => messaging.health().work['vendor']!.heldRows === 3);
      await command(key, 5, 6);
      await command(key, 7);
      const all = await dead(4);
      expect(all.map(({ error_code }) => error_code)).toEqual([
        'POISON',
        'MSG_KEY_HELD',
        'MSG_KEY_HELD',
        'MSG_KEY_HELD',
      ]);
      await command(other, 1);
      await until('other keys flow', () => done.includes(`${other} 1`));
      expect(messaging.health().partitions.filter(({ paused }) => paused)).toEqual([]);
      expect(messaging.health().waits).toContain('1 key of vendor is held by a dead letter');

      poison = {};
      await messaging.transaction((tx) => act(tx, [letter!.id]));
      await command(key, 8, 9);
      await until('all are through', () => done.includes(`${key} 9`));
      expect(done.filter((it) => it.startsWith(key))).toEqual(expected.map((n) => `${key} ${n}`));
      await until('nothing waits', async () => (await harness.rows('SELECT 1 FROM work_key')).length === 0);
      expect((await letters()).filter(({ held }) => held)).toEqual([]);
    },
  );

  it('a job is a hint: its successors go on, and it runs when it is put back', async () => {
    const key = randomUUID();
    poison = { [`${key} 1`]: 'bad' };
    await messaging.transaction(async (tx) =>
      tx.enqueue([1, 2].map((payload) => ({ type: 'Look', key, id: randomUUID(), payload }))),
    );
    await until('the second ran', () => done.includes(`${key} 2`));
    const [letter] = await dead(1);
    expect(letter).toMatchObject({ held: false, queue: 'vendor', work_key: key });
    poison = {};
    await back(letter!);
    await until('the first ran too', () => done.includes(`${key} 1`));
    await until('it is handled', async () => (await letters())[0]!.handled);
  });
});
