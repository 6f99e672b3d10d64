import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { endProcess, identityOf, isAlive, parseProcStat, signalProcess } from './process-identity.js';

describe('process identity', () => {
  it('reads the start time behind a command that looks like more fields', () => {
    const stat = `77 (a) b (S) 1) S 1 77 77 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 4711 1000 10`;
    expect(parseProcStat(stat, 'boot')).toBe('boot:4711');
  });

  it('takes a zombie for gone', () => {
    expect(parseProcStat('77 (java) Z 1 77 77 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 4711', 'boot')).toBeUndefined();
  });

  it('does not take a reused pid for the process that had it before', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    const identity = identityOf(child.pid ?? 0);
    if (!identity) throw new Error('the child has no start time');
    const earlier = { ...identity, startTime: `${identity.startTime}0` };
    expect(isAlive(identity)).toBe(true);
    expect(isAlive(earlier)).toBe(false);
    expect(signalProcess(earlier, 'SIGKILL')).toBe(false);
    expect(isAlive(identity)).toBe(true);
    const exited = once(child, 'exit');
    expect(await endProcess(identity, 'SIGTERM', 5_000)).toBe(true);
    await exited;
    expect(isAlive(identity)).toBe(false);
  });
});
