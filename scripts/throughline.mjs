#!/usr/bin/env node
// `npx throughline ...`: the command line, also in a bare clone, where it installs and builds first.
import { BootstrapError, prepare, runProgram } from './bootstrap.mjs';

try {
  process.exitCode = await runProgram(await prepare(), 'apps/cli/dist/main.js', process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof BootstrapError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
