// `npm run check`: the house rules, as one table. Plain Node without dependencies of its own; every part is a program of
// node_modules/.bin or a comparison made here.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** `run(fix)` resolves to { ok, output }; `next` is what to do when it is not ok. */
const parts = [
  {
    name: 'types',
    what: 'tsc over every workspace and the specs',
    run: () => program('tsc', ['--noEmit', '--pretty', 'false', '-p', 'tsconfig.json']),
    next: 'Correct the types named above.',
  },
  {
    name: 'lint',
    what: 'eslint: promises, unused code, each kind of line in its room',
    run: (fix) => program('eslint', ['.', '--max-warnings', '0', ...(fix ? ['--fix'] : [])]),
    next: 'Run `npm run check -- --fix` for what can be corrected by itself; the messages say what to do about the rest.',
  },
  {
    name: 'format',
    what: 'prettier',
    run: (fix) => program('prettier', [fix ? '--write' : '--check', '--log-level', fix ? 'warn' : 'log', '.']),
    next: 'Run `npm run check -- --fix`.',
  },
  {
    name: 'imports',
    what: 'which package may import which, no barrels, no forwardRef',
    run: () => jest('tests/import-rules.spec.ts'),
    next: 'Move the line to the room it belongs in; the table is in tests/import-rules.ts.',
  },
  {
    name: 'generated',
    what: 'generated code equals what `npm run generate` writes',
    run: checkGenerated,
    next: 'Run `npm run generate` and commit what it writes.',
  },
  {
    name: 'unused',
    what: 'knip: files, exports and dependencies that nobody uses',
    run: () => program('knip', ['--no-config-hints', '--no-progress']),
    next: 'Delete what is listed, or use it. A way in that knip cannot see belongs in knip.jsonc.',
  },
];

const help = `npm run check -- [part ...] [--fix] [--help]

Checks the house rules and changes nothing, unless told to fix. Exit code 0 when all parts pass, 1 otherwise.

  part     ${parts.map((part) => part.name).join(', ')}; all of them when none is named
  --fix    let lint and format correct what they can
  --help   this text

${parts.map((part) => `  ${part.name.padEnd(10)} ${part.what}`).join('\n')}
`;

const started = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of started) child.kill('SIGTERM');
    process.exit(130);
  });
}

process.exitCode = await main(process.argv.slice(2));

async function main(argv) {
  let options;
  try {
    options = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { fix: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    });
  } catch (error) {
    return complain(`${error.message}\n\n${help}`);
  }
  const { values, positionals } = options;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const unknown = positionals.find((name) => !parts.some((part) => part.name === name));
  if (unknown) return complain(`There is no part "${unknown}".\n\n${help}`);
  if (!existsSync(join(root, 'node_modules'))) return complain('node_modules is missing: run `npm ci` first.\n');

  const chosen = parts.filter((part) => positionals.length === 0 || positionals.includes(part.name));
  const results = values.fix ? await oneByOne(chosen) : await twoByTwo(chosen);
  for (const { part, ok, output } of results) {
    if (!ok) process.stdout.write(`\n── ${part.name} ${'─'.repeat(60)}\n${output.trim()}\n\n→ ${part.next}\n`);
  }
  process.stdout.write(`\n${table(results)}\n`);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

/** With --fix the parts write files that the later ones read. */
async function oneByOne(chosen) {
  const results = [];
  for (const part of chosen) results.push(await measure(part, true));
  return results;
}

/** Two at a time: the type checker and the linter need about a core and a gigabyte each. */
async function twoByTwo(chosen) {
  const waiting = [...chosen];
  const results = new Map();
  const worker = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) results.set(part, await measure(part, false));
  };
  await Promise.all([worker(), worker()]);
  return chosen.map((part) => results.get(part));
}

async function measure(part, fix) {
  const from = performance.now();
  const { ok, output } = await part.run(fix);
  const seconds = (performance.now() - from) / 1000;
  process.stdout.write(`${ok ? '✓' : '✗'} ${part.name} (${seconds.toFixed(1)} s)\n`);
  return { part, ok, output, seconds };
}

function table(results) {
  const rows = [
    ['part', 'result', 'seconds', 'what'],
    ...results.map(({ part, ok, seconds }) => [part.name, ok ? 'ok' : 'FAILED', seconds.toFixed(1), part.what]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Runs a program of node_modules/.bin, on the Node that is installed there where the host's is older. */
function program(name, args, env = {}) {
  const bin = join(root, 'node_modules/.bin');
  return new Promise((resolve) => {
    const child = spawn(join(bin, name), args, {
      cwd: root,
      env: {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env.PATH}`,
        NO_COLOR: '1',
        FORCE_COLOR: undefined,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.add(child);
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) =>
      resolve({ ok: false, output: `${name} did not start: ${error.message}. Run \`npm ci\`.` }),
    );
    child.on('close', (code, signal) => {
      started.delete(child);
      resolve({ ok: code === 0, output: signal ? `${output}\n${name} was ended by ${signal}.` : output });
    });
  });
}

function jest(spec) {
  return program('jest', ['--selectProjects=unit', '--testPathPatterns', spec], {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  });
}

/** Regenerates, compares, and puts back what was there: a check leaves the tree as it found it. */
async function checkGenerated() {
  const before = readGenerated();
  const { ok, output } = await program('node', ['scripts/run.mjs', 'generate']);
  const after = readGenerated();
  const different = [...new Set([...before.keys(), ...after.keys()])].filter(
    (file) => before.get(file) !== after.get(file),
  );
  for (const file of different) {
    if (before.has(file)) writeFileSync(join(root, file), before.get(file));
    else rmSync(join(root, file));
  }
  if (!ok) return { ok, output };
  return {
    ok: different.length === 0,
    output: different.map((file) => `${file} is not what its sources say.`).join('\n'),
  };
}

/** Every file in a folder named `generated`, by path, with its text. */
function readGenerated() {
  const files = new Map();
  for (const top of ['packages', 'apps', 'bench', 'docs', 'infra']) walk(join(root, top), false);
  return files;

  function walk(directory, inside) {
    if (!existsSync(directory)) return;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!['node_modules', 'dist', '.turbo'].includes(entry.name)) walk(path, inside || entry.name === 'generated');
      } else if (inside) {
        files.set(relative(root, path), readFileSync(path, 'utf8'));
      }
    }
  }
}

function complain(text) {
  process.stderr.write(text);
  return 2;
}
