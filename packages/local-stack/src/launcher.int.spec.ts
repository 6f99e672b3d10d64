import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { removePostgresData } from './postgres.js';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.js';
import { startStack } from './stack.js';
import type { PidRecord } from './supervise.js';

const { PATH, HOME } = process.env;
const env = { PATH, HOME };
const built = new URL('../dist/index.js', import.meta.url).href;

describe('a launcher', () => {
  let directory: string;
  let launcher: ChildProcess | undefined;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'throughline-launcher-'));
  });
  afterEach(() => {
    launcher?.kill('SIGKILL');
    removePostgresData(directory);
    rmSync(directory, { recursive: true, force: true });
  });

  it('that is killed leaves no process behind, and the next one starts', async () => {
    const children = await launch();
    expect(children.length).toBe(1);
    launcher?.kill('SIGKILL');
    await allGone(children);
    const next = await startStack({ directory, env, parts: ['postgres'] });
    await next.stop();
  }, 60_000);

  it('that is killed while it starts leaves no process behind', async () => {
    launch().catch(() => undefined);
    await until(() => existsSync(join(directory, 'run', 'postgres.json')));
    const children = pidRecords();
    launcher?.kill('SIGKILL');
    await allGone(children);
  }, 60_000);

  it('ends on Ctrl-C at once and in order', async () => {
    const children = await launch();
    launcher?.kill('SIGINT');
    if (launcher) await once(launcher, 'exit');
    expect(children.filter(isAlive)).toEqual([]);
    expect(readdirSync(join(directory, 'run'))).toEqual([]);
  }, 60_000);

  it('ends what an earlier run left, and does not touch who has its pid now', async () => {
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    const leftover = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    const leftoverExit = once(leftover, 'exit');
    const record = (child: ChildProcess, changes: Partial<PidRecord>): string =>
      JSON.stringify({ ...identityOf(child.pid ?? 0), name: 'x', command: 'x', stopSignal: 'SIGTERM', ...changes });
    mkdirSync(join(directory, 'run'), { recursive: true });
    writeFileSync(join(directory, 'run', 'kafka.json'), record(bystander, { startTime: 'another' }));
    writeFileSync(join(directory, 'run', 'registry.json'), record(leftover, {}));
    const stack = await startStack({ directory, env, parts: ['postgres'] });
    await leftoverExit;
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill('SIGKILL');
    await stack.stop();
  }, 60_000);

  it('that names an address nobody answers at says which variable it is', async () => {
    const external = { ...env, POSTGRES_URL: 'postgres://ada:secret@127.0.0.1:9/postgres' };
    await expect(startStack({ directory, env: external, parts: ['postgres'] })).rejects.toMatchObject({
      code: 'STACK_EXTERNAL_UNREACHABLE',
      message: expect.stringMatching(/^POSTGRES_URL=postgres:\/\/ada:\*\*\*@127\.0\.0\.1:9/),
    });
  }, 60_000);

  /** A launcher as `npm start` is one: starts a stack, ends it on SIGINT. Resolves to its children when they are ready. */
  async function launch(): Promise<ProcessIdentity[]> {
    const program = `
      import { startStack } from ${JSON.stringify(built)};
      const stack = await startStack({ directory: ${JSON.stringify(directory)}, env: process.env, parts: ['postgres'] });
      process.on('SIGINT', () => stack.stop().then(() => process.exit(130)));
      console.log('ready');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    launcher = child;
    await once(child.stdout, 'data');
    return pidRecords();
  }

  function pidRecords(): ProcessIdentity[] {
    const run = join(directory, 'run');
    return readdirSync(run).map((file) => JSON.parse(readFileSync(join(run, file), 'utf8')) as PidRecord);
  }

  const allGone = (children: ProcessIdentity[]) => until(() => !children.some(isAlive));

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
