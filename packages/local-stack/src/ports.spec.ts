import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync, rmSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { identityOf } from './process-identity.js';
import { choosePort } from './ports.js';

const directory = join(tmpdir(), `throughline-ports-${userInfo().uid}`);
const others: ChildProcess[] = [];

afterAll(() => {
  for (const other of others) other.kill('SIGKILL');
});

describe('choosePort', () => {
  it('leaves a port alone that another living start has chosen, although nothing listens there yet', async () => {
    const port = await choosePort(undefined, new Set());
    const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    others.push(other);
    await once(other, 'spawn');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${port}.lock`), JSON.stringify(identityOf(other.pid!)));
    expect(await choosePort(port, new Set())).not.toBe(port);

    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(await choosePort(port, new Set())).toBe(port);
    rmSync(join(directory, `${port}.lock`), { force: true });
  });
});
