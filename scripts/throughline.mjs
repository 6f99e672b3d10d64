#!/usr/bin/env node
// `npx throughline ...`: the command line, also in a bare clone, where it installs and builds first.
import { BootstrapError, prepare, requireJava, runProgram } from './bootstrap.mjs';

try {
  const [, , ...args] = process.argv;
  const before = ['start', 'demo'].includes(args[0] ?? '') ? requireJava : undefined;
  process.exitCode = await runProgram(await prepare({ before }), 'apps/cli/dist/main.js', args);
} catch (error) {
  process.stderr.write(`${error instanceof BootstrapError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
