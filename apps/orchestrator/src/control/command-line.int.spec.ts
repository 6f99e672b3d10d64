import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ProcessRunner } from '@throughline/process/postgres';
import { compile, ControlHarness, deal, saleDefinition } from '../spec/control-harness.js';

jest.setTimeout(60_000);

const MAIN = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const { order, provisioning } = saleDefinition.steps;
const second = { ...saleDefinition, version: 2, steps: { order, shipping: provisioning } };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a script reads it
type Json = any;

/** The command line as a person types it, against the API that it is a client of. */
describe('npx throughline instances, and processes', () => {
  let on: ControlHarness;
  const home = mkdtempSync(join(tmpdir(), 'throughline-cli-'));

  beforeAll(async () => {
    on = await ControlHarness.start(compile(saleDefinition), compile(second));
    const one = new ProcessRunner([compile(saleDefinition)], compile);
    for (const key of ['Acme', 'Bolt', 'Cord'])
      await on.takeAll([on.event(key, 'OpportunityClosedWon', deal(key))], one);
    const refusal = { reason: 'no-such-product', field: null, message: 'Add the product.' };
    await on.take('Acme', ['OrderRejected', refusal]);
    await on.take('Bolt', ['OrderCreated', { orderNumber: '1', externalIds: [] }]);
  });
  afterAll(async () => {
    await on.stop();
    rmSync(home, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const env = {
      PATH: process.env['PATH'],
      THROUGHLINE_HOME: home,
      THROUGHLINE_SERVICE_URLS: `orchestrator=${await on.url()}`,
      THROUGHLINE_ACTOR: 'ada',
    };
    return new Promise((resolve) => {
      execFile(process.execPath, [MAIN, ...args], { env }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
    });
  }
  const json = async (...args: string[]): Promise<Json> => JSON.parse((await run(...args, '--json')).out);

  it('lists what meets every condition, and shows one with all that is known of it', async () => {
    const stopped = await run('instances', 'list', '--status', 'stopped,overdue');
    expect(stopped.out).toMatch(/sale 1 +Acme +100\.00 EUR +stopped +order +orders/);
    expect(stopped.out).not.toContain('Bolt');
    expect((await run('instances', 'list', '--owner', 'warehouse')).out).toMatch(/Bolt .+provisioning +warehouse/);
    expect((await run('instances', 'list', '--where', 'name=Nobody')).out).toBe('No such instances.\n');
    const { instances } = await json('instances', 'list', '--currency', 'EUR', '--amount-min', '100', '--limit', '2');
    expect(instances).toHaveLength(2);
    const shown = await run('instances', 'show', await on.idOf('Acme'));
    for (const text of [
      'version 1',
      'OrderRejected · no-such-product · Add the product.',
      'needs a person: order (orders)',
      'you may: pause, retry order, skip order, skip provisioning, cancel, repair',
      'at risk  100.00 EUR',
    ])
      // prettier-ignore
      expect(shown.out).toContain(text);
    expect(shown.out).not.toContain('\u001b[');
  });

  it('shows first, then does, with who and why; a refusal is exit code 1', async () => {
    const acme = await on.idOf('Acme');
    const preview = await run('instances', 'retry', acme, '--preview');
    expect(preview).toMatchObject({ code: 0, out: expect.stringContaining('would send  CreateOrder for order') });
    expect(preview.out).toContain('steps.order.status: "refused" -> "commanded"');
    expect(await run('instances', 'retry', acme, '999999', '--preview')).toMatchObject({
      code: 1,
      out: expect.stringContaining('999999  refused: there is no such instance'),
    });
    expect(await run('instances', 'retry', acme)).toMatchObject({ code: 1, err: expect.stringContaining('--reason') });
    expect(await run('instances', 'skip', acme, '--reason', 'x')).toMatchObject({
      code: 1,
      out: expect.stringContaining('--unit'),
    });
    const set = ['--set', 'start.totalAmount=120.0000', '--reason', 'typo'];
    expect(await run('instances', 'repair', acme, ...set)).toMatchObject({
      code: 0,
      out: expect.stringContaining('1 of 1'),
    });
    expect((await run('instances', 'retry', acme, '--reason', 'product added', '--id', 'retry-1')).code).toBe(0);
    expect((await run('instances', 'retry', acme, '--reason', 'product added', '--id', 'retry-1')).code).toBe(0);
    expect(await on.sentOf('Acme')).toEqual(['CreateOrder', 'CreateOrder']);
    const again = await run('instances', 'retry', acme, '--reason', 'again');
    expect(again).toMatchObject({ code: 1, out: expect.stringMatching(/refused: .*order is commanded|refused/) });
    const audit = await run('instances', 'audit', '--instance', acme);
    expect(audit.out).toMatch(/ada +retry .+ done +CreateOrder +product added/);
    expect((await run('instances', 'actions')).out).toMatch(/retry +retry-1 +done +1 +0/);
  });

  it('does the same to all that a search finds', async () => {
    const conditions = ['--step', 'order', '--process', 'sale'];
    const { total } = await json('instances', 'pause', ...conditions, '--preview');
    expect(total).toBe(2);
    expect(await json('instances', 'pause', ...conditions, '--reason', 'recall')).toMatchObject({
      done: 2,
      refused: 0,
    });
    expect((await json('instances', 'list', '--paused')).instances).toHaveLength(2);
    expect(await run('instances', 'list', '--where', 'nope=1')).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no field "nope" to search by; known: currency, name, totalAmount.'),
    });
    expect(await json('instances', 'resume', '--paused', '--reason', 'over')).toMatchObject({ done: 2 });
    for (const how of [['--preview'], ['--reason', 'x']])
      expect((await run('instances', 'cancel', '--status', 'refused', ...how)).code).toBe(1);
    for (const args of [
      ['instances', 'pause', '--reason', 'x'],
      ['instances', 'pause', '1', '--step', 'order', '--reason', 'x'],
    ])
      // prettier-ignore
      expect(await run(...args)).toMatchObject({ code: 1, err: expect.stringContaining('either numbers, or conditions') });
  });

  it('lists versions, shows what a migration would do, and migrates', async () => {
    expect((await run('processes', 'list')).out).toMatch(/sale +1 +3 running/);
    const plan = ['processes', 'migrate', '--process', 'sale', '--from', '1', '--to', '2'];
    const before = await on.everything();
    const dry = await run(...plan, '--dry-run');
    expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(/renamed +provisioning -> shipping/) });
    expect(dry.out).toContain('3 would go on with it, 0 would stay');
    expect(await on.everything()).toEqual(before);
    expect(await run(...plan, '--reason', 'renamed')).toMatchObject({
      code: 0,
      out: expect.stringContaining('3 of 3'),
    });
    expect((await run('processes', 'list')).out).toMatch(/sale +2 +active +3 running/);
    expect(
      await run('processes', 'migrate', '--process', 'sale', '--from', '1', '--to', '9', '--dry-run'),
    ).toMatchObject({
      code: 1,
      err: expect.stringContaining('no version 9'),
    });
    expect(
      await run('processes', 'migrate', '--process', 'nope', '--from', '1', '--to', '2', '--dry-run'),
    ).toMatchObject({ code: 1, err: expect.stringContaining('There is no process nope; known: sale.') });
  });

  it('acknowledges what came at the wrong moment, and looks for it no more', async () => {
    await on.take('Acme', ['OrderReleaseRejected', { reason: 'odd', field: null, message: 'Odd.' }]);
    expect((await json('instances', 'list', '--attention')).instances).toHaveLength(1);
    const id = await on.idOf('Acme');
    const preview = await run('instances', 'acknowledge', '--attention', '--preview');
    expect(preview.out).toContain('OrderReleaseRejected came although step shipping was not being undone');
    expect(preview.out).toContain(`npx throughline instances acknowledge ${id}:1 --reason`);
    expect((await run('instances', 'show', id)).out).toContain(`acknowledge ${id}:1 --reason`);
    const reason = ['--reason', 'checked with the warehouse'];
    for (const meant of ['--attention', id]) {
      const unsaid = await run('instances', 'acknowledge', meant, ...reason);
      expect([unsaid.code, unsaid.err]).toEqual([1, expect.stringContaining('Say what you have seen')]);
    }
    const twice = await run('instances', 'acknowledge', `${id}:1`, `${id}:3`, ...reason);
    expect([twice.code, twice.err]).toEqual([1, expect.stringContaining(`Instance ${id} is named twice`)]);
    const again = await run('instances', 'acknowledge', `${id}:1`, '4711', '--preview');
    expect([again.code, again.out]).toEqual([1, expect.stringContaining(`acknowledge ${id}:1 --reason`)]);
    expect(again.out).toMatch(/4711 .*there is no such instance/);
    expect(again.out).not.toContain('nobody has seen');
    expect((await run('instances', 'acknowledge', `${id}:1`, ...reason)).code).toBe(0);
    expect((await json('instances', 'list', '--attention')).instances).toEqual([]);
    const shown = await run('instances', 'show', id);
    expect(shown.out).toContain('(acknowledged by ada: checked with the warehouse)');
  });
});
