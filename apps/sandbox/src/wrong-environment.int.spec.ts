import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { secrets } from './spec/start-sandbox.js';

/** The program as it is shipped; every service starts the same way. */
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const fitting = { PATH: process.env.PATH, ...secrets, PORT: '0', DATABASE_URL: 'postgres://ada@127.0.0.1:1/sandbox' };

it.each([
  ['a service', []],
  ['a migration', ['migrate']],
])('%s ends with the code for wrong configuration and names each variable, whichever it is', (_, args) => {
  const env = { ...fitting, LOG_LEVEL: 'loud', DATABASE_POOL_SIZE: 'many' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { env, encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
  expect(stderr).toMatch(/^sandbox cannot start with this environment:$/m);
  expect(stderr).toMatch(/^ {2}LOG_LEVEL: /m);
  expect(stderr).toMatch(/^ {2}DATABASE_POOL_SIZE: /m);
});
