import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TasksHarness, type Json } from '../spec/tasks-harness.js';

jest.setTimeout(60_000);

const MAIN = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));

/** The command line as a person types it, against the API that it is a client of. */
describe('npx throughline tasks', () => {
  let harness: TasksHarness;
  const home = mkdtempSync(join(tmpdir(), 'throughline-cli-'));

  beforeAll(async () => {
    harness = await TasksHarness.start();
  });
  afterAll(async () => {
    await harness.stop();
    rmSync(home, { recursive: true, force: true });
  });

  function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const env = {
      PATH: process.env['PATH'],
      THROUGHLINE_HOME: home,
      THROUGHLINE_SERVICE_URLS: `orchestrator=${harness.url}`,
    };
    return new Promise((resolve) => {
      execFile(process.execPath, [MAIN, 'tasks', ...args], { env }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
    });
  }
  const json = async (...args: string[]): Promise<Json> => JSON.parse((await run(...args, '--json')).out);

  it('shows what waits, for whom, and what it is about', async () => {
    expect((await run('list')).out).toBe('No such tasks.\n');
    expect(await run('list', '--checkpoint', 'nope')).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no checkpoint "nope" to search by; known: credit-approval.'),
    });
    const form = [{ name: 'limit', label: 'Credit limit', type: 'money', required: true }];
    const { id } = await harness.close({ due: '4 hours', form }, { closedBy: 'sol' });
    const listed = await run('--as', 'carla', 'list', '--mine');
    expect(listed.code).toBe(0);
    expect(listed.out).toMatch(/open .+12,000\.00 EUR +credit-approval +Deal 1 .+credit-controller/);
    expect((await run('--as', 'sol', 'list', '--mine')).out).toBe('No such tasks.\n');
    const { out } = await run('--as', 'carla', 'show', id);
    for (const text of [
      'credit-approval version 3, over-limit',
      '--set limit=...  Credit limit (money, required)',
      'Total amount',
      'opened',
    ])
      expect(out).toContain(text);
    expect(out).toContain('you may: claim, assign, delegate, approve, reject, send-back');
    expect(out).not.toContain('\u001b[');
    expect(await json('--as', 'carla', 'show', id)).toMatchObject({ id, status: 'open', requestedBy: { id: 'sol' } });
  });

  it('claims, releases, assigns, asks back, and decides; a refusal says why, and is exit code 1', async () => {
    const form = [{ name: 'limit', label: 'Credit limit', type: 'money', required: true }];
    const { deal, id } = await harness.close({ form }, { closedBy: 'sol' });
    expect(await run('claim', id)).toMatchObject({ code: 1, err: expect.stringContaining('--as <person>') });
    expect((await run('--as', 'carla', 'claim', id)).out).toMatch(/claimed, held by Carla/);
    expect(await run('--as', 'carlo', 'claim', id)).toMatchObject({
      code: 1,
      err: expect.stringContaining('Carla holds task'),
    });
    expect((await run('--as', 'carla', 'release', id)).out).toContain('released');
    expect((await run('--as', 'carla', 'assign', id, '--to', 'carlo')).out).toMatch(/assigned, held by Carlo/);
    expect((await run('--as', 'carlo', 'send-back', id, '--reason', 'who signs?')).out).toContain('sent-back');
    expect((await run('--as', 'sol', 'show', id)).out).toMatch(/asked +who signs\?/);
    expect((await run('--as', 'sol', 'resubmit', id, '--reason', 'the board')).out).toMatch(
      /resubmitted, held by Carlo/,
    );
    expect(
      (await run('--as', 'carlo', 'attach', id, '--name', 'Report', '--uri', 'https://documents.example/1')).code,
    ).toBe(0);
    expect((await run('--as', 'carlo', 'follow-up', id, '--at', '2099-01-01T00:00:00Z')).out).toContain(
      'follow-up-set',
    );
    expect(await run('--as', 'carlo', 'approve', id)).toMatchObject({
      code: 1,
      err: expect.stringContaining('limit (Credit limit) must be filled in'),
    });
    expect(await run('--as', 'carlo', 'reject', id)).toMatchObject({ code: 1, err: expect.stringContaining('reason') });
    expect((await run('--as', 'carlo', 'approve', id, '--set', 'limit=15000 EUR')).out).toContain('approved');
    expect(await harness.commandsFor(deal)).toEqual(['CreateOrder']);
    expect(await run('--as', 'carla', 'approve', id)).toMatchObject({
      code: 1,
      err: expect.stringContaining('approved by Carlo'),
    });
    const told = await json('--as', 'sol', 'told');
    expect(told.events.map(({ kind }: Json) => kind)).toEqual(['sent-back', 'approved']);
  });

  it('decides on several at once, each by itself', async () => {
    const [one, two] = [await harness.close({ fourEyes: true }), await harness.close()];
    await run('--as', 'carlo', 'claim', two.id);
    const { code, out, err } = await run('--as', 'carla', 'reject', one.id, two.id, '--reason', 'no credit');
    expect([code, out.trim().split('\n').length]).toEqual([1, 1]);
    expect(err).toContain(`task ${two.id}`);
    const lines = (await run('--as', 'carla', 'approve', one.id, two.id, '--json')).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { id: one.id, refused: expect.stringContaining('rejected by Carla') },
      { id: two.id, refused: expect.stringContaining('Carlo holds task') },
    ]);
    await run('--as', 'carlo', 'reject', two.id, '--reason', 'no credit');
    const page = await run('list', '--status', 'rejected', '--limit', '1');
    expect([page.out, page.err]).toEqual([
      expect.stringContaining(two.id),
      expect.stringContaining(`--after ${two.id}`),
    ]);
    const { tasks } = await json('list', '--status', 'rejected', '--after', two.id);
    expect(tasks.map(({ id }: Json) => id)).toEqual([one.id]);
    const third = await harness.close({ fourEyes: true });
    expect((await run('--as', 'carla', 'approve', third.id)).out).toContain(
      'approved once: a second person has to approve, too',
    );
  });

  it('knows who acts for whom, and who is away', async () => {
    const until = '2099-01-01T00:00:00Z';
    expect((await run('--as', 'carla', 'delegations', 'add', '--to', 'dana', '--until', until)).out).toMatch(
      /Carla .+ Dana/,
    );
    const { id } = await harness.close();
    expect((await run('--as', 'dana', 'approve', id)).code).toBe(0);
    expect((await run('show', id)).out).toContain('Dana for Carla');
    const { delegations } = await json('delegations', 'list', '--person', 'dana');
    expect((await run('--as', 'carla', 'delegations', 'end', delegations[0].id)).out).toContain('ended by carla');
    const away = await json('--as', 'mia', 'absences', 'add', '--person', 'carla', '--until', until, '--reason', 'ill');
    expect((await run('absences', 'list')).out).toMatch(/Carla .+ill/);
    expect((await run('--as', 'mia', 'absences', 'end', away.id)).code).toBe(0);
    expect((await run('absences', 'list')).out).toBe('No absences.\n');
  });

  it('says by 3 that the orchestrator does not answer', async () => {
    const { code, err } = await run('--url', 'orchestrator=http://127.0.0.1:9', 'list');
    expect([code, err]).toEqual([3, expect.stringContaining('does not answer')]);
    expect((await run('--help')).out).toContain('Exit codes');
  });
});
