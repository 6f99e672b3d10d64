import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tryLock } from './file-lock.js';
import { identityOf } from './process-identity.js';

describe('a file lock', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'throughline-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('has one holder at a time and leaves nothing behind', () => {
    const file = join(directory, 'lock');
    const first = tryLock(file);
    expect(tryLock(file)).toEqual({ heldBy: expect.objectContaining({ pid: process.pid }) });
    if ('release' in first) first.release();
    const second = tryLock(file);
    expect(second).toHaveProperty('release');
    if ('release' in second) second.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is taken from a holder whose pid belongs to another process by now', () => {
    const file = join(directory, 'lock');
    writeFileSync(file, JSON.stringify({ ...identityOf(process.pid), startTime: 'earlier' }));
    expect(tryLock(file)).toHaveProperty('release');
  });
});
