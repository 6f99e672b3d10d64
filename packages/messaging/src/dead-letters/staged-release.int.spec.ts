import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, job, type Job, type Messaging } from '../index.js';

jest.setTimeout(60_000);

const by = { actor: 'ada', reason: 'repaired' };

describe('staged release: one, a tenth, all; it stops by itself, survives restarts, and can be cancelled', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  /** Numbers that fail for good, and those that wait until they are let through. */
  let poison: (n: number) => boolean = () => false;
  let gate: Promise<void> = Promise.resolve();
  const done: number[] = [];

  const start = (): Promise<Messaging> =>
    harness.service(
      defineRoutes({
        group: harness.topics.group,
        jobs: { Count: job(count, { dependency: 'vendor', onDeadLetter: 'hold' }) },
      }),
    );
  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder']);
    messaging = await start();
    await until('ready', () => messaging.health().ready);
  });
  afterAll(() => harness.close());
  afterEach(async () => {
    poison = () => false;
    gate = Promise.resolve();
    done.length = 0;
    await until('quiet', async () => (await harness.rows('SELECT 1 FROM work')).length === 0);
    await harness.rows('TRUNCATE dead_letter, dead_letter_release, dead_letter_release_letter, work_key');
  });

  async function count({ payload: n }: Job<number>): Promise<void> {
    if (poison(n)) throw new ThroughlineError(`number ${n}`, { code: 'POISON', retry: 'never' });
    await gate;
    done.push(n);
  }

  /** Dead letters 1 to n, each of a key of its own. @returns their group */
  async function die(n: number): Promise<string> {
    poison = () => true;
    const jobs = Array.from({ length: n }, (_, i) => ({
      type: 'Count',
      key: randomUUID(),
      id: randomUUID(),
      payload: i + 1,
    }));
    await messaging.transaction(async (tx) => tx.enqueue(jobs));
    const letters = await until(`${n} letters`, async () => {
      const all = await messaging.deadLetters.findLetters({ status: 'new', limit: 500 });
      return all.length === n && all;
    });
    poison = () => false;
    return letters[0]!.fingerprint;
  }
  const ended = (id: string) =>
    until('it ended', async () => {
      const release = await messaging.deadLetters.readRelease(id);
      return release.status !== 'running' && release;
    });

  it('goes on stage by stage while everything is handled', async () => {
    const group = await die(25);
    const asked = jest.spyOn(harness.database, 'query');
    const { id } = await messaging.deadLetters.release({ group }, by);
    // Of a hundred thousand letters nobody has room for what they carry.
    expect(asked.mock.calls.map(([{ name }]) => name)).not.toContain('read-dead-letters');
    asked.mockRestore();
    expect(await ended(id)).toMatchObject({
      status: 'done',
      fingerprint: group,
      actor: 'ada',
      progress: { total: 25, released: 25, handled: 25, waiting: 0, failed: 0, newcomers: 0 },
    });
    expect(done.length).toBe(25);
    expect(done[0]).toBe(1);
    const audit = await messaging.deadLetters.findAudit({ targetType: 'release', targetId: id, limit: 10 });
    expect(audit.reverse().map(({ action, after }) => [action, (after as { released?: number }).released])).toEqual([
      ['release-started', undefined],
      ['release-advanced', 1],
      ['release-advanced', 3],
      ['release-advanced', 25],
      ['release-done', 25],
    ]);
  });

  it('stops when one of its own dies again; the rest stays where it is', async () => {
    const group = await die(40);
    poison = (n) => n === 3;
    const { id } = await messaging.deadLetters.release({ group }, by);
    expect(await ended(id)).toMatchObject({
      status: 'stopped',
      why: '1 letter died again',
      progress: { total: 40, released: 4, failed: 1 },
    });
    await until('the others of its stage are handled', () => done.length === 3);
    expect((await messaging.deadLetters.readGroup(group)).counts).toMatchObject({ new: 37, handled: 3 });
    poison = () => false;
    await messaging.deadLetters.archive({ group }, by);
  });

  it('stops when the same defect strikes somewhere else', async () => {
    const group = await die(3);
    let open!: () => void;
    gate = new Promise((resolve) => (open = resolve));
    const { id } = await messaging.deadLetters.release({ group }, by);
    await until(
      'the first is on its way',
      async () => (await messaging.deadLetters.readRelease(id)).progress.waiting === 1,
    );
    poison = (n) => n === 77;
    await messaging.transaction(async (tx) =>
      tx.enqueue([{ type: 'Count', key: 'new', id: randomUUID(), payload: 77 }]),
    );
    expect(await ended(id)).toMatchObject({ status: 'stopped', why: '1 letter of the same defect came in' });
    open();
    await until('what was on its way is handled', () => done.length === 1);
  });

  it('is carried on by another instance, and by the next start', async () => {
    const group = await die(12);
    let open!: () => void;
    gate = new Promise((resolve) => (open = resolve));
    const { id } = await messaging.deadLetters.release({ group }, by);
    await until(
      'the first is on its way',
      async () => (await messaging.deadLetters.readRelease(id)).progress.waiting === 1,
    );
    const stopped = messaging.stop(100);
    messaging = await start();
    await stopped;
    open();
    expect(await ended(id)).toMatchObject({ status: 'done', progress: { handled: 12 } });
    expect([...done].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });

  it('is cancelled: what was put back goes on, nothing more is; no letter is in two releases at once', async () => {
    const group = await die(5);
    let open!: () => void;
    gate = new Promise((resolve) => (open = resolve));
    const { id } = await messaging.deadLetters.release({ group }, by);
    await expect(messaging.deadLetters.release({ group }, by)).rejects.toMatchObject({
      code: 'MSG_DEAD_LETTER_CONFLICT',
      message: expect.stringContaining(`Release ${id}`),
    });
    await until(
      'the first is on its way',
      async () => (await messaging.deadLetters.readRelease(id)).progress.waiting === 1,
    );
    expect(await messaging.deadLetters.cancelRelease(id, by)).toMatchObject({ status: 'cancelled' });
    open();
    await until('it is handled', () => done.length === 1);
    expect((await messaging.deadLetters.readGroup(group)).counts).toMatchObject({ new: 4, handled: 1 });
    await expect(messaging.deadLetters.cancelRelease(id, by)).rejects.toMatchObject({
      code: 'MSG_DEAD_LETTER_CONFLICT',
    });
    await expect(messaging.deadLetters.readRelease('999')).rejects.toMatchObject({ code: 'MSG_RELEASE_UNKNOWN' });
  });
});
