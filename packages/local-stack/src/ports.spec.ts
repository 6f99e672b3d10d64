import { afterAll, describe, expect, it, jest } from '@jest/globals';
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
    const port = await choosePort();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    others.push(other);
    await once(other, 'spawn');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${port}.lock`), JSON.stringify(identityOf(other.pid!)));
    expect(await choosePort(port)).not.toBe(port);

    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(await choosePort(port)).toBe(port);
    rmSync(join(directory, `${port}.lock`), { force: true });
  });

  it('chooses no port twice in one process, although nothing listens there yet and the callers do not know of each other', async () => {
    const draw = Math.random;
    const random = jest.spyOn(Math, 'random');
    try {
      const first = await firstFree(() => random.mockReturnValue(draw()));
      let draws = 0;
      random.mockImplementation(() => ((draws += 1) < 20 ? (first - 19_999.5) / 12_000 : draw()));
      expect(await choosePort()).not.toBe(first);
      expect(draws).toBeGreaterThanOrEqual(20);
      expect(await choosePort(first)).toBe(first);
    } finally {
      random.mockRestore();
    }
  });
});

/** With the same draw again and again, until it is a port that nobody holds. */
async function firstFree(redraw: () => unknown): Promise<number> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    redraw();
    try {
      return await choosePort();
    } catch {
      // Somebody holds it.
    }
  }
  throw new Error('ten ports drawn, and somebody held each');
}
