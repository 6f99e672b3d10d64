import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
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
  type Routes,
} from '../index.js';
import { putBack } from '../work/put-back.js';

jest.setTimeout(60_000);

const note = { name: 'note', text: 'INSERT INTO noted (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };
const by = { actor: 'ada', reason: 'the price list is complete again' };

describe('dead letters: a work queue for people', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  let vendor: Server;
  let vendorUrl: string;
  /** Requests that reached the vendor. */
  let asked: string[] = [];
  /** What the code under repair does wrong at the moment. */
  let bug: 'none' | 'refuses' | 'fails after its call' = 'none';
  const ended: string[] = [];
  /** Keys that the running spec has used: a letter of an earlier one says nothing about it. */
  const own = new Set<string>();

  beforeAll(async () => {
    vendor = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ id: `object_${asked.length}` }));
    });
    await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve));
    vendorUrl = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`;
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled'], { partitions: 1 });
    await harness.rows('CREATE TABLE noted (id serial, key text, n int)');
    messaging = await harness.service(routesOf());
    await until('ready', () => messaging.health().ready);
  });
  const routesOf = (before: () => Promise<unknown> = async () => undefined): Routes =>
    defineRoutes({
      group: harness.topics.group,
      emits: ['CancelOrder', 'OrderCancelled'],
      routes: {
        CancelOrder: effect(cancel, { dependency: 'vendor', onDeadLetter: 'hold' }),
        OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
          await before();
          await tx.query(note, [messages.map((m) => m.payload.orderId), messages.map((m) => m.payload.occurrence)]);
          if (bug === 'refuses') refuse(`order ${messages[0]!.payload.orderId} has no ledger`);
          const followed = messages.filter(({ payload }) => payload.occurrence === 7);
          tx.emit(followed.map(({ payload }) => cancelOrder(payload.orderId, 'follows')));
        }),
      },
      jobs: { Look: job(look, { dependency: 'vendor' }) },
    });
  afterAll(async () => {
    await harness.close();
    vendor.close();
    vendor.closeAllConnections();
  });
  afterEach(async () => {
    bug = 'none';
    asked = [];
    ended.length = 0;
    own.clear();
    await until('quiet', async () => (await harness.rows('SELECT 1 FROM work')).length === 0);
    await harness.rows(
      'TRUNCATE noted, dead_letter, dead_letter_group, dead_letter_release_letter, dead_letter_edit, work, work_key',
    );
  });

  function refuse(message: string): never {
    throw new ThroughlineError(message, { code: 'LEDGER_MISSING', retry: 'never' });
  }
  async function call(path: string): Promise<{ id: string }> {
    return (await (await fetch(`${vendorUrl}${path}`, { method: 'POST' })).json()) as { id: string };
  }
  async function cancel({ payload }: Message<'CancelOrder'>, context: EffectContext) {
    if (bug === 'refuses') refuse(`order ${payload.orderId} has no ledger`);
    const made = await context.once('cancel', { order: payload.orderId, reason: payload.reason }, () =>
      call('/cancel'),
    );
    if (bug === 'fails after its call')
      throw Object.assign(new TypeError(`cannot read ${made.id}`), { retry: 'never' });
    ended.push(payload.reason ?? '');
    return payload.reason === 'answered' ? { emit: [orderCancelled(payload.orderId, { occurrence: 99 })] } : {};
  }
  async function look({ key, payload }: Job<{ n: number }>): Promise<void> {
    if (bug === 'refuses') refuse(`nothing at ${key}`);
    ended.push(`look ${payload.n}`);
  }

  /** Letters of this spec. */
  const letters = async () =>
    (await messaging.deadLetters.findLetters({ limit: 500 })).filter(({ key }) => own.has(key!.toString()));
  const withStatus = (status: string, n: number) =>
    until(`${n} letters ${status}`, async () => {
      const all = (await letters()).filter((letter) => letter.status === status);
      return all.length === n && all;
    });
  const dead = (n: number) => withStatus('new', n);
  const handled = (n: number) => withStatus('handled', n);
  const newKey = (): string => {
    const key = randomUUID();
    own.add(key);
    return key;
  };
  const command = (key: string, reason: string): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit([cancelOrder(key, reason)]));
  const event = (...keys: string[]): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit(keys.map((key) => orderCancelled(key))));

  it('keeps where it came from, what it carried, how it failed and in which build; letters of one defect are one group', async () => {
    bug = 'refuses';
    const keys = [newKey(), newKey()];
    await command(keys[0]!, 'first');
    await command(keys[1]!, 'second');
    await event(newKey());
    // An effect dies when it has run, so the event may be first.
    const [first, second, third] = (await dead(3)).sort(
      (a, b) => a.kind.localeCompare(b.kind) || Number(a.id) - Number(b.id),
    );
    expect(first!.fingerprint).toBe(second!.fingerprint);
    expect(new Set([first, second, third].map((letter) => letter!.kind))).toEqual(new Set(['effect', 'state']));
    const groups = await messaging.deadLetters.findGroups({ limit: 10 });
    expect(groups.map(({ counts }) => counts.new).sort()).toEqual([1, 2]);
    const letter = await messaging.deadLetters.readLetter(
      [first, second, third].find((one) => one!.key!.toString() === keys[0])!.id,
    );
    expect(letter).toMatchObject({
      topic: harness.topics.nameOf('CancelOrder'),
      partition: 0,
      type: 'CancelOrder',
      errorCode: 'LEDGER_MISSING',
      errorMessage: `order ${keys[0]} has no ledger`,
      attempts: 1,
      status: 'new',
      held: true,
      serviceVersion: '1.2.3',
      original: null,
      decoded: { payload: { orderId: keys[0], reason: 'first' } },
    });
    expect(letter.errorStack).toContain('refuse');
    expect(letter.headers!['ce_id']).toBe(letter.messageId);
  });

  it('retries one, a selection, or a group, under the old id and at the old place', async () => {
    bug = 'refuses';
    const key = newKey();
    for (const n of [1, 2, 3])
      await messaging.transaction(async (tx) => tx.enqueue([{ type: 'Look', key, id: randomUUID(), payload: { n } }]));
    await command(key, 'answered');
    const all = await dead(4);
    const jobs = all.filter(({ kind }) => kind === 'job');
    bug = 'none';
    const message = all.find(({ kind }) => kind === 'effect')!;
    expect(await messaging.deadLetters.retry({ ids: [message.id] }, by)).toEqual({ done: [message.id], refused: [] });
    await handled(1);
    expect(ended).toEqual(['answered']);
    await until('the answer came', async () => (await harness.rows('SELECT 1 FROM noted WHERE n = 99')).length === 1);
    expect(
      (await harness.topics.read('CancelOrder')).filter((r) => r.headers!['ce_id']!.toString() === message.messageId),
    ).toHaveLength(1);
    await messaging.deadLetters.retry({ group: jobs[0]!.fingerprint }, by);
    await handled(4);
    expect(ended.filter((name) => name.startsWith('look'))).toEqual(['look 1', 'look 2', 'look 3']);
    await expect(messaging.deadLetters.retry({ ids: [message.id] }, by)).rejects.toMatchObject({
      code: 'MSG_DEAD_LETTER_CONFLICT',
      message: expect.stringContaining('was handled'),
    });
    await expect(messaging.deadLetters.retry({ ids: ['999999'] }, by)).rejects.toMatchObject({
      code: 'MSG_DEAD_LETTER_UNKNOWN',
    });
  });

  it('does not repeat what had happened before it died', async () => {
    bug = 'fails after its call';
    await command(newKey(), 'paid');
    const [letter] = await dead(1);
    expect(asked).toEqual(['POST /cancel']);
    bug = 'none';
    await messaging.deadLetters.retry({ ids: [letter!.id] }, by);
    await handled(1);
    expect(ended).toEqual(['paid']);
    expect(asked).toEqual(['POST /cancel']);
  });

  it('is the same letter when it dies again, with its attempts summed and in the group of its new defect', async () => {
    bug = 'refuses';
    await command(newKey(), 'again');
    const [first] = await dead(1);
    bug = 'fails after its call';
    await messaging.deadLetters.retry({ ids: [first!.id] }, by);
    const again = await until('it died again', async () => {
      const [letter] = await letters();
      return letter!.attempts === 2 && letter;
    });
    expect(again).toMatchObject({ id: first!.id, status: 'new', errorCode: 'UNCLASSIFIED', held: true });
    expect(again.fingerprint).not.toBe(first!.fingerprint);
    expect(again.failedAt.getTime()).toBeGreaterThan(first!.failedAt.getTime());
    expect(again.firstFailedAt).toEqual(first!.firstFailedAt);
  });

  it('reads a record again that nobody could read, after an edit that is checked first; the original is kept', async () => {
    const key = newKey();
    const id = randomUUID();
    await event(newKey());
    const [good] = await until('a good record', async () => {
      const records = await harness.topics.read('OrderCancelled');
      return records.length > 0 && records;
    });
    const headers = { ...(good!.headers as Record<string, Buffer>), ce_id: id };
    const bytes = Buffer.from([1, 2, 0, 255]);
    await harness.topics.produce('OrderCancelled', [{ key, value: bytes, headers }]);
    const [letter] = await dead(1);
    await expect(messaging.deadLetters.readLetter(letter!.id)).resolves.toMatchObject({
      kind: 'record',
      value: bytes,
      decoded: { problem: expect.stringContaining('wire format') },
    });
    expect((await messaging.deadLetters.preview(letter!.id)).outcome).toBe('fail');
    await messaging.deadLetters.retry({ ids: [letter!.id] }, by);
    const [still] = await dead(1);
    expect(still).toMatchObject({ id: letter!.id, attempts: 2 });

    const { payload } = orderCancelled(key, { occurrence: 7 });
    const edit = (given: object) => messaging.deadLetters.edit(letter!.id, given, by);
    await expect(edit({})).rejects.toMatchObject({ code: 'MSG_EDIT_INVALID' });
    await expect(edit({ payload: { ...payload, occurrence: 'many' } })).rejects.toMatchObject({
      code: 'MSG_EDIT_INVALID',
      field: 'payload',
      message: expect.stringContaining('occurrence'),
    });
    await expect(edit({ payload, headers: { ce_id: randomUUID() } })).rejects.toMatchObject({ field: 'headers.ce_id' });
    await expect(edit({ payload, headers: { ce_time: null } })).rejects.toMatchObject({ code: 'MSG_EDIT_INVALID' });
    expect((await messaging.deadLetters.preview(letter!.id, { payload })).emits).toMatchObject([
      { type: 'CancelOrder', key, payload: { reason: 'follows' } },
    ]);
    expect((await messaging.deadLetters.readLetter(letter!.id)).value).toEqual(bytes);

    const edited = await edit({ payload });
    expect(edited).toMatchObject({
      decoded: { payload },
      original: { value: bytes },
      edits: [{ actor: 'ada', reason: by.reason }],
    });
    await messaging.deadLetters.retry({ ids: [letter!.id] }, by);
    await handled(1);
    expect(await harness.rows('SELECT n FROM noted WHERE key = $1', [key])).toEqual([{ n: 7 }]);
    await until('and what it caused', () => ended.includes('follows'));
    // Its place in the inbox is taken: whoever delivers it once more changes nothing.
    await harness.topics.produce('OrderCancelled', [{ key, value: good!.value, headers }]);
    const last = newKey();
    await event(last);
    await until(
      'what came after it',
      async () => (await harness.rows('SELECT 1 FROM noted WHERE key = $1', [last])).length === 1,
    );
    expect(await harness.rows('SELECT n FROM noted WHERE key = $1', [key])).toHaveLength(1);
  });

  it('an edited message is handled as edited; its id and its key stay', async () => {
    bug = 'refuses';
    const key = newKey();
    await command(key, 'wrnog');
    const [letter] = await dead(1);
    const payload = { ...cancelOrder(key, 'wrong').payload };
    await expect(messaging.deadLetters.edit(letter!.id, { key: 'other' }, by)).rejects.toMatchObject({ field: 'key' });
    const other = { ...payload, orderId: randomUUID() };
    await expect(messaging.deadLetters.edit(letter!.id, { payload: other }, by)).rejects.toMatchObject({
      field: 'payload.orderId',
    });
    await messaging.deadLetters.edit(letter!.id, { payload }, by);
    bug = 'none';
    await messaging.deadLetters.retry({ ids: [letter!.id] }, by);
    await handled(1);
    expect(ended).toEqual(['wrong']);
    await expect(messaging.deadLetters.edit(letter!.id, { payload }, by)).rejects.toMatchObject({
      code: 'MSG_DEAD_LETTER_CONFLICT',
    });
    const [entry] = await messaging.deadLetters
      .findAudit({ targetType: 'letter', targetId: letter!.id, limit: 10 })
      .then((entries) => entries.filter(({ action }) => action === 'edited'));
    expect(entry).toMatchObject({
      actor: 'ada',
      reason: by.reason,
      before: { payload: { reason: 'wrnog' } },
      after: { payload: { reason: 'wrong' } },
    });
  });

  it('what was put back, or edited, while somebody edited it is not edited: that one is told', async () => {
    bug = 'refuses';
    const key = newKey();
    await command(key, 'as sent');
    const [letter] = await dead(1);
    const edit = (reason: string) => {
      const { payload } = cancelOrder(key, reason);
      return messaging.deadLetters.edit(letter!.id, { payload }, by).then(
        () => 'edited',
        (error: Error & { code?: string }) => error.code,
      );
    };
    const both = await Promise.all([edit('by ada'), edit('by bob')]);
    expect(both.toSorted()).toEqual(['MSG_DEAD_LETTER_CONFLICT', 'edited']);
    const kept = (await messaging.deadLetters.readLetter(letter!.id)).decoded;

    let late: ReturnType<typeof edit> | undefined;
    await harness.database.transaction(async (tx) => {
      await putBack(tx, [letter!.id]);
      late = edit('too late');
      await until('the edit waits for the letter', async () => {
        const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        return (await harness.rows(waiting)).length > 0;
      });
      bug = 'none';
    });
    expect(await late).toBe('MSG_DEAD_LETTER_CONFLICT');
    await handled(1);
    expect((await messaging.deadLetters.readLetter(letter!.id)).decoded).toEqual(kept);
    expect(kept).toEqual({ payload: expect.objectContaining({ reason: ended[0] }) });
  });

  it('who edits a letter that somebody has changed since is told who it was, and nothing is stored', async () => {
    bug = 'refuses';
    const key = newKey();
    await command(key, 'as sent');
    const { id } = (await dead(1))[0]!;
    const edit = (reason: string, actor: string, seen?: string) =>
      messaging.deadLetters.edit(id, { payload: cancelOrder(key, reason).payload }, { ...by, actor }, seen);
    const read = () => messaging.deadLetters.readLetter(id);
    const { version } = await read();
    const { version: ofJoe } = await edit('by joe', 'joe', version);
    await expect(edit('by ada', 'ada', version)).rejects.toMatchObject({
      code: 'MSG_DEAD_LETTER_CONFLICT',
      message: expect.stringMatching(/edited by joe at 20.*look at it again/),
    });
    expect(await read()).toMatchObject({ decoded: { payload: { reason: 'by joe' } }, edits: [{ actor: 'joe' }] });

    await messaging.deadLetters.archive({ ids: [id] }, { ...by, actor: 'eve' });
    await messaging.deadLetters.restore({ ids: [id] }, { ...by, actor: 'eve' });
    await expect(edit('by ada', 'ada', ofJoe)).rejects.toThrow('restored by eve');
    const restored = await read();
    await messaging.deadLetters.retry({ ids: [id] }, { ...by, actor: 'dan' });
    await until('it died again', async () => (await read()).attempts === 2);
    await expect(edit('by ada', 'ada', restored.version)).rejects.toThrow('retried by dan');
    await expect(edit('by ada', 'ada', 'no such version')).rejects.toMatchObject({ code: 'MSG_DEAD_LETTER_CONFLICT' });
    await edit('by ada', 'ada', (await read()).version);
    await edit('whatever it is', 'ada');
    expect((await read()).decoded).toMatchObject({ payload: { reason: 'whatever it is' } });
  });

  it('what no text of PostgreSQL can hold dies as anything else does, and is edited out, on record', async () => {
    bug = 'refuses';
    const key = newKey();
    const said = 'a\0b \ud800';
    await messaging.transaction(async (tx) =>
      tx.enqueue([{ type: 'Look', key, id: randomUUID(), payload: { n: 1, said } }]),
    );
    const [job] = await dead(1);
    expect((await messaging.deadLetters.readLetter(job!.id)).decoded).toEqual({ payload: { n: 1, said } });
    await messaging.deadLetters.edit(job!.id, { payload: { n: 2 } }, by);
    const order = newKey();
    await command(order, 'a\0b');
    const message = (await dead(2)).find(({ kind }) => kind === 'effect')!;
    for (const odd of ['a\0b', '\ud800']) {
      await expect(messaging.deadLetters.edit(message.id, { headers: { note: odd } }, by)).rejects.toMatchObject({
        code: 'MSG_EDIT_INVALID',
        field: 'headers.note',
      });
    }
    await messaging.deadLetters.edit(message.id, { payload: cancelOrder(order, 'ab').payload }, by);
    const edits = await messaging.deadLetters.findAudit({ targetType: 'letter', limit: 2 });
    expect(edits.map(({ before }) => before)).toMatchObject([{ payload: { reason: 'a\0b' } }, { payload: { said } }]);
    bug = 'none';
    await messaging.deadLetters.retry({ ids: [job!.id, message.id] }, by);
    await handled(2);
    expect(ended.toSorted()).toEqual(['ab', 'look 2']);
  });

  it('many records that are read again take their time, and each says who did it', async () => {
    await event(newKey());
    const [good] = await until('a good record', async () => {
      const records = await harness.topics.read('OrderCancelled');
      return records.length > 0 && records;
    });
    const keys = Array.from({ length: 6 }, newKey);
    const headers = keys.map(() => ({ ...(good!.headers as Record<string, Buffer>), ce_id: randomUUID() }));
    const bytes = Buffer.from([1, 2]);
    await harness.topics.produce(
      'OrderCancelled',
      keys.map((key, n) => ({ key, value: bytes, headers: headers[n]! })),
    );
    const ids = (await dead(keys.length)).map(({ id }) => id);
    for (const { id, key } of await letters()) {
      if (ids.includes(id))
        await messaging.deadLetters.edit(id, { payload: orderCancelled(key!.toString()).payload }, by);
    }
    const impatient = await harness.test.connect({ limits: { idleInTransactionTimeoutMs: 250 } });
    const other = await harness.service(
      routesOf(() => sleep(100)),
      { database: impatient, start: false },
    );
    await other.deadLetters.retry({ ids }, { actor: 'bob', reason: 'all of them' });
    expect(await handled(keys.length)).toHaveLength(keys.length);
    const told = await messaging.deadLetters.findAudit({ actor: 'bob', limit: 10 });
    expect(told.map(({ action, target }) => `${action} ${target.id}`).toSorted()).toEqual(
      ids.map((id) => `retried ${id}`).toSorted(),
    );
  });

  it('archives what is not to be retried: its key goes on; restored, it can be retried', async () => {
    bug = 'refuses';
    const key = newKey();
    await command(key, 'poison');
    const [letter] = await dead(1);
    bug = 'none';
    await command(key, 'successor');
    await until('it waits', async () => (await harness.rows('SELECT 1 FROM work')).length === 1);
    await messaging.deadLetters.archive({ ids: [letter!.id] }, by);
    await until('the key goes on', () => ended.includes('successor'));
    await expect(messaging.deadLetters.retry({ ids: [letter!.id] }, by)).rejects.toMatchObject({
      message: expect.stringContaining('restore it first'),
    });
    await messaging.deadLetters.restore({ ids: [letter!.id] }, by);
    await messaging.deadLetters.retry({ ids: [letter!.id] }, by);
    await handled(1);
    expect(ended).toEqual(['successor', 'poison']);
  });

  it('a group that was fixed or archived opens again, visibly, when the defect strikes again', async () => {
    bug = 'refuses';
    await command(newKey(), 'x');
    const { fingerprint } = (await dead(1))[0]!;
    const set = (change: object) => messaging.deadLetters.changeGroup(fingerprint, change, by);
    expect(await set({ status: 'investigating', owner: 'ada', notes: 'the ledger of 2026' })).toMatchObject({
      status: 'investigating',
      owner: 'ada',
    });
    await messaging.deadLetters.archive({ group: fingerprint }, by);
    expect(await messaging.deadLetters.readGroup(fingerprint)).toMatchObject({
      status: 'archived',
      owner: 'ada',
      counts: { new: 0, archived: 1 },
      reopenedAt: null,
    });
    const [archived] = await messaging.deadLetters.findLetters({ group: fingerprint, limit: 1 });
    await messaging.deadLetters.restore({ ids: [archived!.id] }, by);
    expect(await messaging.deadLetters.readGroup(fingerprint)).toMatchObject({ status: 'new', counts: { new: 1 } });
    await messaging.deadLetters.archive({ group: fingerprint }, by);
    await command(newKey(), 'y');
    await dead(1);
    const reopened = await messaging.deadLetters.readGroup(fingerprint);
    expect(reopened).toMatchObject({ status: 'new', owner: 'ada', notes: 'the ledger of 2026', counts: { new: 1 } });
    expect(reopened.reopenedAt).toBeInstanceOf(Date);
    const [entry] = await messaging.deadLetters.findAudit({ targetType: 'group', targetId: fingerprint, limit: 1 });
    expect(entry).toMatchObject({ actor: 'system', action: 'group-reopened', before: { status: 'archived' } });
    expect((await set({ status: 'investigating' })).reopenedAt).toBeNull();
    await expect(messaging.deadLetters.changeGroup('fp000000000000', { owner: 'x' }, by)).rejects.toMatchObject({
      code: 'MSG_DEAD_LETTER_GROUP_UNKNOWN',
    });
  });

  it('finds by group, status, type, key, code and time, page by page', async () => {
    bug = 'refuses';
    const keys = Array.from({ length: 5 }, newKey);
    const from = new Date();
    for (const key of keys) await command(key, 'x');
    const all = await dead(5);
    const find = (filter: object) => messaging.deadLetters.findLetters({ limit: 10, ...filter });
    expect(
      await find({ group: all[0]!.fingerprint, type: 'CancelOrder', code: 'LEDGER_MISSING', since: from }),
    ).toHaveLength(5);
    expect(await find({ key: keys[3]! })).toHaveLength(1);
    expect(await find({ until: from })).toEqual([]);
    expect(await find({ status: 'handled' })).toEqual([]);
    const page = await find({ limit: 3 });
    expect(await find({ before: page.at(-1)!.id })).toHaveLength(2);
    expect(page.map(({ id }) => Number(id))).toEqual([...page.map(({ id }) => Number(id))].sort((a, b) => b - a));
  });

  it('the log of actions cannot be changed', async () => {
    await expect(harness.rows(`UPDATE audit_log SET actor = 'nobody'`)).rejects.toThrow('append-only');
    await expect(harness.rows('DELETE FROM audit_log')).rejects.toThrow('append-only');
  });
});
