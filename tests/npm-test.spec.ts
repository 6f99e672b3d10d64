import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const script = fileURLToPath(new URL('../scripts/test.mjs', import.meta.url));

function npmTest(...args: string[]) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env, encoding: 'utf8' });
  return { status, closing: stdout.trim().split('\n').at(-1), stderr };
}

describe('npm test with a path', () => {
  it('starts nothing for kinds of which no spec file matches', () => {
    const { status, closing, stderr } = npmTest('packages/process/src/duration');
    expect(stderr).not.toContain('starting');
    expect({ status, closing }).toEqual({ status: 0, closing: expect.stringMatching(/^[1-9]\d* passed, 0 failed$/) });
  });

  it('says that nothing matches, and fails', () => {
    const { status, stderr } = npmTest('e2e', 'no/such/spec');
    expect(stderr).toContain('No spec file of e2e matches no/such/spec.');
    expect(stderr).not.toContain('starting');
    expect(status).toBe(1);
  });
});
