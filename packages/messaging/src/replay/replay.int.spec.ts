import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import {
  defineRoutes,
  effect,
  job,
  state,
  type Message,
  type Messaging,
  type MessagingTx,
  type Replay,
  type Routes,
} from '../index.js';
import { Wake } from '../wake.js';
import { REPLAY_LOCK } from './replay-lock.js';

jest.setTimeout(90_000);

const by = { actor: 'ada', reason: 'the spec says so' };
const note = { name: 'note', text: 'INSERT INTO noted (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };

describe('replay', () => {
  let harness: MessagingHarness;
  let admin: Admin;
  let writer: Messaging;

  beforeEach(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled'], { partitions: 2 });
    await harness.rows('CREATE TABLE noted (id serial PRIMARY KEY, key text NOT NULL, n int NOT NULL)');
    await harness.rows('CREATE TABLE total (key text PRIMARY KEY, n int NOT NULL, sum int NOT NULL)');
    admin = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    writer = await harness.service(
      defineRoutes({ group: `${harness.topics.group}-writer`, emits: ['CancelOrder', 'OrderCancelled'] }),
      { service: 'writer', database: await harness.otherDatabase() },
    );
  });
  afterEach(async () => {
    await admin.disconnect();
    await harness.close();
  });

  /** Writes the events `from`..`to` of each key, in order. */
  const write = async (keys: string[], from: number, to: number): Promise<void> => {
    for (let n = from; n <= to; n++) {
      await writer.transaction(async (tx) => tx.emit(keys.map((key) => orderCancelled(key, { occurrence: n }))));
    }
  };
  const noted = async (): Promise<Map<string, number[]>> => {
    const rows = await harness.rows<{ key: string; n: number }>('SELECT key, n FROM noted ORDER BY id');
    const byKey = new Map<string, number[]>();
    for (const { key, n } of rows) byKey.set(key, [...(byKey.get(key) ?? []), n]);
    return byKey;
  };
  const count = async (): Promise<number> => [...(await noted()).values()].flat().length;
  const published = async (n: number): Promise<void> => {
    const name = harness.topics.nameOf('OrderCancelled');
    await until(`${n} are published`, async () => {
      const ends = await admin.fetchTopicOffsets(name);
      return ends.reduce((sum, { high }) => sum + Number(high), 0) === n;
    });
  };
  const groupId = (): string => `${harness.topics.kafka.topicPrefix}${harness.topics.group}`;
  /** Where the group is, over all partitions. */
  const committed = async (): Promise<number> => {
    const [entry] = await admin.fetchOffsets({
      groupId: groupId(),
      topics: [harness.topics.nameOf('OrderCancelled')],
    });
    return entry!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  };
  /** As if somebody had moved the group past what it had not read. */
  const skipToTheEnd = async (): Promise<void> => {
    const topic = harness.topics.nameOf('OrderCancelled');
    const ends = await admin.fetchTopicOffsets(topic);
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
    await until('the group is empty', () =>
      admin.setOffsets({ groupId: groupId(), topic, partitions }).then(
        () => true,
        () => false,
      ),
    );
  };
  const over = (messaging: Messaging, { id }: Replay): Promise<Replay> =>
    until(
      `replay ${id} is over`,
      async () => {
        const replay = await messaging.replays.find(id);
        return replay.status !== 'running' && replay;
      },
      { timeoutMs: 50_000 },
    );
  const ready = (messaging: Messaging): Promise<unknown> => until('ready', () => messaging.health().ready);
  const groups = async (): Promise<string[]> =>
    (await admin.listGroups()).groups
      .map(({ groupId }) => groupId)
      .filter((id) => id.startsWith(`${groupId()}.replay`));

  const notes = (): Routes =>
    defineRoutes({
      group: harness.topics.group,
      routes: {
        OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
          const keys = messages.map(({ payload }) => payload.orderId);
          await tx.query(note, [keys, messages.map(({ payload }) => payload.occurrence)]);
        }),
      },
    });

  describe('of what was missed', () => {
    it('goes on as soon as it is known that whoever ran it is gone', async () => {
      const PATIENCE_MS = 59_000;
      const waits = jest.spyOn(Wake.prototype, 'sleep');
      const messaging = await harness.service(notes(), { limits: { aliveForMs: PATIENCE_MS } });
      await ready(messaging);
      const gone = await harness.database.pool.connect();
      try {
        await gone.query('SELECT pg_advisory_lock($1)', [REPLAY_LOCK]);
        const replay = await messaging.replays.start({ mode: 'missed' }, by);
        await until('it waits', () => waits.mock.calls.some(([ms]) => ms === PATIENCE_MS));
        await gone.query('SELECT pg_advisory_unlock($1)', [REPLAY_LOCK]);
        messaging.replays.resume();
        expect(await over(messaging, replay)).toMatchObject({ status: 'done' });
      } finally {
        gone.release();
        waits.mockRestore();
      }
    });

    /** Four keys with 1..3 taken in, 4..6 skipped, 7..8 taken in. */
    const withGap = async (routes: Routes): Promise<{ messaging: Messaging; keys: string[] }> => {
      const keys = Array.from({ length: 4 }, () => randomUUID());
      const first = await harness.service(routes);
      await write(keys, 1, 3);
      await until('the first are noted', async () => (await count()) === 12);
      await first.stop(20_000);
      await write(keys, 4, 6);
      await published(24);
      await skipToTheEnd();
      const messaging = await harness.service(routes);
      await ready(messaging);
      await write(keys, 7, 8);
      await until('the last are noted', async () => (await count()) === 20);
      await until('and their offsets committed', async () => (await committed()) === 32);
      return { messaging, keys };
    };

    it('fills the gap once and in order, and nothing known happens again', async () => {
      const { messaging, keys } = await withGap(notes());
      const dryRun = await messaging.replays.startDryRun({ mode: 'missed' }, by);
      const said = await over(messaging, dryRun);
      expect(said).toMatchObject({ status: 'done', counts: { types: { OrderCancelled: { new: 12, known: 20 } } } });
      expect(await count()).toBe(20);

      const replay = await over(messaging, await messaging.replays.start({ mode: 'missed' }, by));
      expect(replay).toMatchObject({ status: 'done', by, counts: said.counts });
      for (const key of keys) expect((await noted()).get(key)).toEqual([1, 2, 3, 7, 8, 4, 5, 6]);

      const again = await over(messaging, await messaging.replays.start({ mode: 'missed' }, by));
      expect(again.counts.types).toEqual({ OrderCancelled: { new: 0, known: 32 } });
      expect(await count()).toBe(32);
      await until('its own groups are gone', async () => (await groups()).length === 0);
    });

    it('only of the key, the offsets and the type that are asked for', async () => {
      const { messaging, keys } = await withGap(notes());
      const run = async (request: object): Promise<Replay> =>
        over(messaging, await messaging.replays.start({ mode: 'missed', ...request }, by));
      const topic = harness.topics.nameOf('OrderCancelled');
      expect((await run({ topic, type: 'OrderCreated' })).counts.types).toEqual({});
      expect((await run({ topic, to: '0' })).counts.read).toBe(0);
      expect((await run({ topic, from: new Date().toISOString() })).counts.types['OrderCancelled']?.new ?? 0).toBe(0);
      const [one] = keys as [string];
      const { counts } = await run({ topic, key: one });
      expect(counts.types).toEqual({ OrderCancelled: { new: 3, known: 5 } });
      expect((await noted()).get(one)).toEqual([1, 2, 3, 7, 8, 4, 5, 6]);
      expect(await count()).toBe(23);
    });

    it('a dry run touches nothing', async () => {
      const { messaging } = await withGap(notes());
      const everything = async (): Promise<unknown> => {
        const tables = await harness.rows<{ name: string }>(
          `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('instance') ORDER BY 1`,
        );
        return Promise.all(
          tables.map(async ({ name }) => [
            name,
            await harness.rows(`SELECT t::text, xmin::text FROM ${name} t ORDER BY 1`),
          ]),
        );
      };
      const offsets = (): Promise<unknown> => admin.fetchOffsets({ groupId: groupId() });
      await messaging.stop(20_000); // so that nothing else writes either
      const [before, offsetsBefore] = [await everything(), await offsets()];
      const idle = await harness.service(notes(), { start: false });
      const dryRun = await over(idle, await idle.replays.startDryRun({ mode: 'missed' }, by));
      expect(dryRun.counts.types).toEqual({ OrderCancelled: { new: 12, known: 20 } });
      expect(await everything()).toEqual(before);
      expect(await offsets()).toEqual(offsetsBefore);
      await until('its own group is gone', async () => (await groups()).length === 0);
    });

    it('by the same rules: what fails waits or is a dead letter, what cannot be read is one once', async () => {
      const routes = defineRoutes({
        group: harness.topics.group,
        routes: {
          OrderCancelled: state(
            async (messages: Message<'OrderCancelled'>[], tx) => {
              for (const { payload } of messages) if (payload.occurrence === 5) throw new TypeError('a bug');
              await tx.query(note, [
                messages.map(({ payload }) => payload.orderId),
                messages.map(({ payload }) => payload.occurrence),
              ]);
            },
            { onDeadLetter: 'hold' },
          ),
        },
      });
      await harness.topics.produce('OrderCancelled', [{ key: 'k', value: Buffer.from('nonsense') }]);
      const keys = [randomUUID()];
      const first = await harness.service(routes);
      await ready(first);
      await first.stop(20_000);
      await write(keys, 4, 6);
      await published(4);
      await harness.rows('DELETE FROM dead_letter');
      await skipToTheEnd();
      const messaging = await harness.service(routes);
      await ready(messaging);
      const replay = await over(messaging, await messaging.replays.start({ mode: 'missed' }, by));
      expect(replay.counts.types).toEqual({
        OrderCancelled: { new: 3, known: 0 },
        '(unreadable)': { new: 1, known: 0 },
      });
      expect((await noted()).get(keys[0]!)).toEqual([4]);
      expect(await harness.rows('SELECT kind, held FROM dead_letter ORDER BY kind')).toEqual([
        { kind: 'record', held: false },
        { kind: 'state', held: true },
      ]);
      const again = await over(messaging, await messaging.replays.start({ mode: 'missed' }, by));
      expect(again.counts.types).toEqual({
        OrderCancelled: { new: 0, known: 3 },
        '(unreadable)': { new: 0, known: 1 },
      });
      expect(await harness.rows('SELECT 1 FROM dead_letter')).toHaveLength(2);
    });

    it('commands that were missed have their effects, once', async () => {
      const done: string[] = [];
      const routes = defineRoutes({
        group: harness.topics.group,
        routes: {
          CancelOrder: effect(async ({ payload }: Message<'CancelOrder'>) => void done.push(payload.reason), {
            dependency: 'x',
          }),
        },
      });
      const first = await harness.service(routes);
      await ready(first);
      const key = randomUUID();
      await writer.transaction(async (tx) => tx.emit([cancelOrder(key, '1')]));
      await until('the first is done', () => done.length === 1);
      await first.stop(20_000);
      await writer.transaction(async (tx) => tx.emit([cancelOrder(key, '2'), cancelOrder(key, '3')]));
      const topic = harness.topics.nameOf('CancelOrder');
      await until('published', async () => (await harness.topics.read('CancelOrder')).length === 3);
      const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
        partition,
        offset: high,
      }));
      await admin.setOffsets({ groupId: groupId(), topic, partitions });
      const messaging = await harness.service(routes);
      await ready(messaging);
      const replay = await over(messaging, await messaging.replays.start({ mode: 'missed' }, by));
      expect(replay.counts.types).toEqual({ CancelOrder: { new: 2, known: 1 } });
      await until('the missed ones are done', () => done.length === 3);
      expect(done).toEqual(['1', '2', '3']);
    });

    it('one at a time; a cancelled one stops where it is, and another one finishes the job', async () => {
      const keys = [randomUUID()];
      const first = await harness.service(notes());
      await ready(first);
      await first.stop(20_000);
      await write(keys, 1, 60);
      await published(60);
      await skipToTheEnd();
      let slow = true;
      const routes = notes();
      const { handle } = routes.routes.OrderCancelled as { handle: (messages: never, tx: never) => Promise<void> };
      const slowly = defineRoutes({
        group: harness.topics.group,
        routes: {
          OrderCancelled: state(async (messages, tx) => {
            if (slow) await new Promise((resolve) => setTimeout(resolve, 100));
            await handle(messages as never, tx as never);
          }),
        },
      });
      const messaging = await harness.service(slowly, { limits: { batchMessages: 5 } });
      await ready(messaging);
      const replay = await messaging.replays.start({ mode: 'missed' }, by);
      await expect(messaging.replays.start({ mode: 'missed' }, by)).rejects.toMatchObject({
        code: 'MSG_REPLAY_RUNNING',
      });
      await until('some are in', async () => (await count()) >= 5);
      await messaging.replays.cancel(replay.id, { actor: 'bob', reason: 'too slow' });
      const cancelled = await over(messaging, replay);
      expect(cancelled).toMatchObject({ status: 'cancelled', cancelled: { actor: 'bob', reason: 'too slow' } });
      expect(await harness.rows('SELECT actor, action, reason FROM audit_log ORDER BY id')).toEqual([
        { actor: 'ada', action: 'replay-started', reason: by.reason },
        { actor: 'bob', action: 'replay-cancelled', reason: 'too slow' },
      ]);
      const sofar = await count();
      expect(sofar).toBeLessThan(60);
      slow = false;
      const rest = await over(messaging, await messaging.replays.start({ mode: 'missed' }, by));
      expect(rest.counts.types).toEqual({ OrderCancelled: { new: 60 - sofar, known: sofar } });
      expect((await noted()).get(keys[0]!)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    });
  });

  describe('a rebuild', () => {
    const add = {
      name: 'add',
      text: `INSERT INTO total (key, n, sum) SELECT key, count(*), sum(n) FROM unnest($1::text[], $2::int[]) AS t (key, n) GROUP BY key
             ON CONFLICT (key) DO UPDATE SET n = total.n + excluded.n, sum = total.sum + excluded.sum`,
    };
    /** Adds up: run twice, it would count everything twice. */
    const totals = (before?: (messages: Message<'OrderCancelled'>[], tx: MessagingTx) => Promise<void>): Routes =>
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled'],
        routes: {
          OrderCancelled: state(
            async (messages: Message<'OrderCancelled'>[], tx) => {
              const keys = messages.map(({ payload }) => payload.orderId);
              const numbers = messages.map(({ payload }) => payload.occurrence);
              await tx.query(add, [keys, numbers]);
              await tx.query(note, [keys, numbers]);
              await before?.(messages, tx);
            },
            {
              replayable: {
                reset: (tx) => tx.query({ name: 'empty', text: 'TRUNCATE total, noted' }),
              },
            },
          ),
        },
      });
    const readTotals = (): Promise<object[]> => harness.rows('SELECT * FROM total ORDER BY key');
    const inbox = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (
          await harness.rows<{ consumer: string; n: number }>(
            'SELECT consumer, count(*)::int AS n FROM inbox GROUP BY 1',
          )
        ).map(({ consumer, n }) => [consumer.replace(harness.topics.group, 'g'), n]),
      );

    it('of a projection equals the original, while messages keep coming and another instance consumes as well', async () => {
      const keys = Array.from({ length: 5 }, () => randomUUID());
      const [one, two] = [await harness.service(totals()), await harness.service(totals())];
      await ready(one);
      await ready(two);
      await write(keys, 1, 20);
      await until('the projection is there', async () => (await count()) === 100);
      const original = await readTotals();
      await harness.rows('UPDATE total SET sum = 0'); // somebody, or a bug, has spoilt it
      const dryRun = await over(one, await one.replays.startDryRun({ mode: 'rebuild' }, by));
      expect(dryRun.counts.types).toEqual({ OrderCancelled: { new: 100, known: 0 } });
      const replay = await over(one, await one.replays.start({ mode: 'rebuild' }, by));
      expect(replay).toMatchObject({ status: 'done', counts: { types: { OrderCancelled: { new: 100, known: 0 } } } });
      expect(await readTotals()).toEqual(original);
      await until('the earlier generation is gone', async () => Object.keys(await inbox()).join() === 'g#2');
      expect(await inbox()).toEqual({ 'g#2': 100 });

      const writing = write(keys, 21, 60);
      const second = await over(two, await two.replays.start({ mode: 'rebuild' }, by));
      expect(second.status).toBe('done');
      await writing;
      await until('all is there', async () => (await count()) >= 300);
      const once = Array.from({ length: 60 }, (_, i) => i + 1);
      for (const key of keys) expect((await noted()).get(key)).toEqual(once);
      expect(await readTotals()).toEqual(keys.toSorted().map((key) => ({ key, n: 60, sum: (60 * 61) / 2 })));
      await until('earlier generations are gone', async () => Object.keys(await inbox()).join() === 'g#3');
    });

    it('has the consumer to itself: nothing is taken in beside it, and what was on its way is waited for', async () => {
      const keys = [randomUUID()];
      let rebuilding = false;
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => (open = resolve));
      const routes = totals(async (messages) => {
        if (rebuilding && messages.some(({ payload }) => payload.occurrence === 1)) await gate;
      });
      const one = await harness.service(routes, { limits: { batchMessages: 1 } });
      await ready(one);
      await write(keys, 1, 5);
      await until('all is there', async () => (await count()) === 5);
      rebuilding = true;
      const replay = await one.replays.start({ mode: 'rebuild' }, by);
      await until('it has begun', async () => (await count()) === 0);
      await write(keys, 6, 8);
      await until('the newcomers wait', () => one.health().partitions.some(({ lagMessages }) => lagMessages > 0));
      expect(await count()).toBe(0);
      expect(one.health()).toMatchObject({ ready: true, live: true });
      open();
      expect(await over(one, replay)).toMatchObject({ status: 'done' });
      await until('the newcomers are in', async () => (await count()) === 8);
      expect((await noted()).get(keys[0]!)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('is gone on with by another instance when the one that ran it is gone', async () => {
      const keys = [randomUUID()];
      let slow = false;
      const routes = totals(async () => {
        if (slow) await new Promise((resolve) => setTimeout(resolve, 50));
      });
      const limits = { batchMessages: 1 };
      const one = await harness.service(routes, { limits });
      await ready(one);
      await write(keys, 1, 30);
      await until('all is there', async () => (await count()) === 30);
      slow = true;
      const replay = await one.replays.start({ mode: 'rebuild' }, by);
      await until('some is there again', async () => (await count()) > 3 && (await count()) < 20);
      await one.stop(0);
      expect(await one.replays.find(replay.id)).toMatchObject({ status: 'running' });
      slow = false;
      const two = await harness.service(routes, { limits });
      expect(await over(two, replay)).toMatchObject({ status: 'done' });
      expect((await noted()).get(keys[0]!)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
      expect(await readTotals()).toEqual([{ key: keys[0], n: 30, sum: 465 }]);
    });

    it('that is cancelled leaves the consumer standing until one has completed', async () => {
      const keys = [randomUUID()];
      let slow = false;
      const routes = totals(async () => {
        if (slow) await new Promise((resolve) => setTimeout(resolve, 50));
      });
      const one = await harness.service(routes, { limits: { batchMessages: 1 } });
      await ready(one);
      await write(keys, 1, 20);
      await until('all is there', async () => (await count()) === 20);
      slow = true;
      const replay = await one.replays.start({ mode: 'rebuild' }, by);
      await until('some is there again', async () => (await count()) > 2 && (await count()) < 15);
      await one.replays.cancel(replay.id, by);
      expect(await over(one, replay)).toMatchObject({ status: 'cancelled' });
      const half = await count();
      await write(keys, 21, 22);
      await until('newcomers wait', () => one.health().partitions.some(({ lagMessages }) => lagMessages > 0));
      await expect(one.replays.start({ mode: 'missed' }, by)).rejects.toMatchObject({
        code: 'MSG_REBUILD_UNFINISHED',
      });
      expect(await count()).toBe(half);
      slow = false;
      await over(one, await one.replays.start({ mode: 'rebuild' }, by));
      await until('all is there', async () => (await count()) >= 22);
      expect((await noted()).get(keys[0]!)).toEqual(Array.from({ length: 22 }, (_, i) => i + 1));
    });

    it('refuses effects: routes that have them, and handlers that turn out to', async () => {
      const asking = async (routes: Routes): Promise<unknown> => {
        const messaging = await harness.service(routes, { start: false });
        return messaging.replays.start({ mode: 'rebuild' }, by).catch((error: unknown) => error);
      };
      const { group } = harness.topics;
      const handle = async (): Promise<void> => undefined;
      const replayable = state(handle, { replayable: true });
      for (const [routes, why] of [
        [{ routes: { CancelOrder: effect(handle, { dependency: 'x' }) } }, 'CancelOrder'],
        [{ routes: { OrderCancelled: replayable }, jobs: { ReadDeal: job(handle, { dependency: 'x' }) } }, 'ReadDeal'],
        [{ routes: { OrderCancelled: state(handle) } }, 'OrderCancelled are not declared replayable'],
      ] as const) {
        const error = await asking(defineRoutes({ group, ...routes }));
        expect(error).toMatchObject({ code: 'MSG_NOT_REPLAYABLE', message: expect.stringContaining(why) });
      }

      const keys = [randomUUID()];
      const emitting = totals(async (messages, tx) => {
        if (messages.some(({ payload }) => payload.occurrence === 3))
          tx.emit([orderCancelled(randomUUID(), { occurrence: 99 })]);
      });
      const one = await harness.service(emitting);
      await ready(one);
      await write(keys, 1, 5);
      await until('all is there', async () => (await count()) === 6);
      const replay = await over(one, await one.replays.start({ mode: 'rebuild' }, by));
      expect(replay).toMatchObject({ status: 'failed', error: { code: 'MSG_REBUILD_HAS_EFFECTS' } });
      expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
      expect(await harness.rows('SELECT 1 FROM outbox')).toEqual([]);
    });

    it('is of everything, and not while something of it still waits', async () => {
      const one = await harness.service(totals());
      await ready(one);
      for (const field of ['from', 'key', 'partition'] as const) {
        const request = { mode: 'rebuild', [field]: field === 'partition' ? 0 : '1' } as const;
        await expect(one.replays.start(request, by)).rejects.toMatchObject({
          code: 'MSG_REBUILD_IS_WHOLE',
          field,
        });
      }
      await one.transaction(async (tx) =>
        tx.query(
          {
            name: 'letter',
            text: `INSERT INTO dead_letter (consumer, kind, error_code, error_message, fingerprint, attempts, first_failed_at)
                 VALUES ($1, 'state', 'X', 'x', 'f', 1, now())`,
          },
          [harness.topics.group],
        ),
      );
      await expect(one.replays.start({ mode: 'rebuild' }, by)).rejects.toMatchObject({
        code: 'MSG_REBUILD_BLOCKED',
      });
    });
  });
});
