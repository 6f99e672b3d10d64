#!/usr/bin/env node
// `node scripts/run.mjs <command>`: what the root scripts of package.json run. Installs and builds first where needed.
import { BootstrapError, prepare, requireJava, runProgram } from './bootstrap.mjs';

const cli = 'apps/cli/dist/main.js';

/** `script` runs with `args` before the caller's; without one the preparation is all there is. */
const commands = {
  start: {
    what: 'start the stack and the services, close a sample deal, stay until Ctrl-C',
    script: cli,
    args: ['start'],
    java: requireJava,
  },
  demo: {
    what: 'close many deals under faults and prove the outcome (--json: one line)',
    script: cli,
    args: ['demo'],
    java: requireJava,
  },
  test: { what: 'run all specs on real parts', script: 'scripts/test.mjs', java: requireJava },
  // Broken is always a stack of its own, whatever the environment names.
  'test:faults': {
    what: 'break everything while deals flow, and prove the outcome (--seed, --minutes, --only)',
    script: 'scripts/faults.mjs',
    java: () => requireJava({ PATH: process.env.PATH }),
  },
  'test:mutants': {
    what: 'make known defects one by one and show which spec notices each (--only)',
    script: 'scripts/mutants.mjs',
    java: requireJava,
  },
  check: { what: 'types, lint, format, import rules, generated code, unused code', script: 'scripts/check.mjs' },
  build: {
    what: 'compile every workspace whose sources have changed',
    help: 'npm run build\n\nInstalls what package-lock.json says where it is missing, then compiles what has changed.\n',
  },
  generate: {
    what: 'types and codecs from schemas/ and infra/topics.yaml, JSON Schemas of the rules',
    script: 'packages/contracts/dist/generate.js',
    then: 'apps/orchestrator/dist/write-schemas.js',
    help: 'npm run generate\n\nWrites packages/contracts/src/generated from schemas/ and infra/topics.yaml and compiles it; then the JSON Schemas of\nprocesses, policies and calendars, beside these in apps/orchestrator.\n',
    rebuild: true,
  },
  // Measured is always a stack of its own, whatever the environment names.
  bench: {
    what: 'measure the 4-step path (--json: one line)',
    script: 'bench/dist/main.js',
    java: () => requireJava({ PATH: process.env.PATH }),
  },
};

const usage = `npm run <command> -- [options]

${Object.entries(commands)
  .map(([name, { what }]) => `  ${name.padEnd(12)} ${what}`)
  .join('\n')}

Each has --help. All of them install and build first where needed; progress goes to standard error.
`;

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...args]) {
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  const wantsHelp = args.includes('--help') || args.includes('-h');
  if (!command) {
    const asked = name === undefined || name === '--help' || name === '-h';
    process[asked ? 'stdout' : 'stderr'].write(asked ? usage : `There is no command "${name}".\n\n${usage}`);
    return asked ? 0 : 2;
  }
  if (wantsHelp && command.help) {
    process.stdout.write(command.help);
    return 0;
  }
  try {
    const pure = name === 'test' && args.includes('unit') && !args.includes('int') && !args.includes('e2e');
    const node = await prepare({ before: wantsHelp || pure ? undefined : command.java });
    if (!command.script) return 0;
    const code = await runProgram(node, command.script, [...(command.args ?? []), ...args]);
    if (code === 0 && command.rebuild) await prepare();
    return code === 0 && command.then ? await runProgram(node, command.then, []) : code;
  } catch (error) {
    process.stderr.write(`${error instanceof BootstrapError ? error.message : error.stack}\n`);
    return 1;
  }
}
