import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { removePostgresData, startStack } from '@throughline/local-stack';
import { projectRoot } from '../../apps/cli/src/installation.js';
import { colours, table } from '../../apps/cli/src/output.js';
import { applyEdit } from './apply.js';
import { copyTree } from './copy-tree.js';
import { mutants, type Mutant, type Spec } from './mutants.js';

const HELP = `npm run test:mutants -- [--only name,...]

Makes one known defect after the other in a copy of the tree and runs the specs that must notice it; the same specs pass on the tree as
it is. Exit code 0 only where every defect is noticed.

${mutants.map(({ name, defect }) => `  ${name.padEnd(38)} ${defect}`).join('\n')}

  --only names   these defects alone
  --help         this text

The stack is taken from KAFKA_BROKERS, POSTGRES_URL, SCHEMA_REGISTRY_URL and OTEL_EXPORTER_OTLP_ENDPOINT where they are set.
`;

interface Result {
  mutant: Mutant;
  /** The spec that had to notice it did. */
  noticed: boolean;
  seconds: number;
}

/** The spec that runs. */
let running: ChildProcess | undefined;

process.exitCode = await main(process.argv.slice(2));
process.exit();

async function main(argv: string[]): Promise<number> {
  let chosen: Mutant[];
  try {
    const { values } = parseArgs({
      args: argv,
      options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const names = values.only?.split(',').map((name) => name.trim());
    const unknown = names?.find((name) => !mutants.some((mutant) => mutant.name === name));
    if (unknown !== undefined) throw new Error(`There is no mutant "${unknown}".`);
    chosen = mutants.filter(({ name }) => names?.includes(name) ?? true);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }

  const directory = mkdtempSync(join(tmpdir(), 'throughline-mutants-'));
  const tree = join(directory, 'tree');
  const stack = await startStack({ directory: join(directory, 'stack'), env: process.env });
  const { addresses } = stack;
  const env = {
    ...process.env,
    POSTGRES_URL: addresses.postgresAdminUrl,
    KAFKA_BROKERS: addresses.kafkaBrokers.join(','),
    SCHEMA_REGISTRY_URL: addresses.registryUrl,
    OTEL_EXPORTER_OTLP_ENDPOINT: addresses.otlpEndpoint,
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      running?.kill('SIGKILL');
      void stack.stop().then(() => process.exit(130));
    });
  }
  try {
    copyTree(projectRoot, tree);
    const run = (spec: Spec): Promise<SpecResult> => runSpec(tree, spec, env);
    const specs = new Map(chosen.map(({ caughtBy }) => [caughtBy.file, caughtBy]));
    for (const spec of specs.values()) {
      const { failed, passed, broken, output } = await run(spec);
      if (failed.length > 0 || broken || passed === 0) {
        process.stderr.write(`${output}\n${spec.file} does not pass on the tree as it is: mend that first.\n`);
        return 1;
      }
      say(`${spec.file} passes on the tree as it is (${passed} specs)`);
    }
    const results: Result[] = [];
    for (const mutant of chosen) {
      const result = await tryMutant(tree, mutant, run);
      results.push(result);
      say(`${mutant.name}: ${result.noticed ? `noticed by "${mutant.caughtBy.title}"` : 'NOT NOTICED'}`);
    }
    report(results);
    return results.every(({ noticed }) => noticed) ? 0 : 1;
  } finally {
    await stack.stop();
    removePostgresData(join(directory, 'stack'));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function tryMutant(tree: string, mutant: Mutant, run: (spec: Spec) => Promise<SpecResult>): Promise<Result> {
  const from = performance.now();
  const before = new Map(mutant.edits.map(({ file }) => [file, readFileSync(join(tree, file), 'utf8')]));
  let noticed = false;
  try {
    for (const edit of mutant.edits) {
      const path = join(tree, edit.file);
      writeFileSync(path, applyEdit(mutant, edit, readFileSync(path, 'utf8')));
    }
    const { failed, broken, output } = await run(mutant.caughtBy);
    // A mutant that does not even load proves nothing about the specs.
    if (broken) throw new Error(`Mutant ${mutant.name} does not run, adapt it:\n${output}`);
    noticed = failed.some((title) => title.startsWith(mutant.caughtBy.title));
    if (!noticed) say(failed.length > 0 ? `${mutant.name} fails only: ${failed.join('; ')}` : output);
  } finally {
    for (const [file, text] of before) writeFileSync(join(tree, file), text);
  }
  return { mutant, noticed, seconds: (performance.now() - from) / 1_000 };
}

interface SpecResult {
  passed: number;
  /** Titles. */
  failed: string[];
  /** It could not be run at all. */
  broken: boolean;
  output: string;
}

async function runSpec(tree: string, { kind, file }: Spec, env: NodeJS.ProcessEnv): Promise<SpecResult> {
  const outputFile = join(tree, '..', 'result.json');
  rmSync(outputFile, { force: true });
  const child = spawn(
    process.execPath,
    [
      join(tree, 'node_modules/jest/bin/jest.js'),
      ...['--selectProjects', kind, '--runInBand', '--json', `--outputFile=${outputFile}`],
      // A spec that fails half-way may leave something running.
      '--forceExit',
      ...['--testPathPatterns', file.replaceAll('.', '\\.')],
    ],
    {
      cwd: tree,
      env: { ...env, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  running = child;
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const result = JSON.parse(readFileSync(outputFile, 'utf8')) as {
    numPassedTests: number;
    numRuntimeErrorTestSuites: number;
    testResults: { assertionResults: { title: string; status: string }[] }[];
  };
  const specs = result.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: result.numPassedTests,
    failed: specs.filter(({ status }) => status === 'failed').map(({ title }) => title),
    broken: result.numRuntimeErrorTestSuites > 0,
    output,
  };
}

function report(results: Result[]): void {
  const rows = results.map(({ mutant: { name, defect, caughtBy }, noticed, seconds }) => [
    name,
    defect,
    noticed ? `${caughtBy.file.replace('packages/', '')}: ${caughtBy.title}` : colours.red('NOT NOTICED'),
    seconds.toFixed(1),
  ]);
  process.stdout.write(`\n${table(['mutant', 'defect', 'noticed by', 'seconds'], rows)}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
