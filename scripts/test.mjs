// Runs the specs on real parts: `npm test`, `npm test -- unit`, `npm test -- int packages/messaging`, `npm test -- e2e`.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const KINDS = ['unit', 'int', 'e2e'];
/** Jest runs our ES modules as such. */
const MODULES = '--experimental-vm-modules --disable-warning=ExperimentalWarning';
const HELP = `npm test [-- [unit] [int] [e2e] [path ...]]

Runs the specs on real parts and closes with "N passed, N failed".
  unit   pure specs (*.spec.ts), in milliseconds, nothing is started
  int    specs on a real broker, database and registry (*.int.spec.ts)
  e2e    whole stories through every service, two instances of each (tests/*.e2e.spec.ts)
  path   only spec files whose path contains this; a kind of which no file does is left out, and what it needs is not started
Without a kind: all three. What is started runs on free ports beside anything else, and is stopped at the end.
The stack is taken from KAFKA_BROKERS, POSTGRES_URL, SCHEMA_REGISTRY_URL and OTEL_EXPORTER_OTLP_ENDPOINT where they are set.
`;

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(HELP);
  process.exit(0);
}
const kinds = KINDS.filter((kind) => args.includes(kind));
const paths = args.filter((argument) => !KINDS.includes(argument));
const asked = kinds.length > 0 ? kinds : KINDS;
const wanted = paths.length > 0 ? kindsOfMatching() : asked;
if (wanted.length === 0) {
  console.error(
    `No spec file of ${asked.join(', ')} matches ${paths.join(' or ')}.\nNext step: give a part of a path, such as packages/messaging; npm test -- --help shows the kinds.`,
  );
  process.exit(1);
}

/** What was started, newest first; ended in this order whatever happens. */
const cleanups = [];
let stopping;
const stopAll = () =>
  (stopping ??= (async () => {
    for (const cleanup of cleanups) await cleanup().catch((error) => console.error(`while stopping: ${error.message}`));
  })());
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => void stopAll().then(() => process.exit(130)));
}

const totals = { passed: 0, failed: 0 };
let broken = false;
try {
  const env = await prepare(wanted);
  const groups = [wanted.filter((kind) => kind !== 'e2e'), wanted.filter((kind) => kind === 'e2e')];
  for (const [index, projects] of groups.entries()) {
    if (projects.length > 0) await jest(projects, index === 1 ? await startPlatform(env) : env);
  }
} catch (error) {
  broken = true;
  console.error(error.stack ?? error);
} finally {
  await stopAll();
}
if (broken) totals.failed += 1;
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);

/** Starts the stack where a kind needs it, and returns the environment of the specs. */
async function prepare(kindsWanted) {
  const env = { ...process.env, NODE_OPTIONS: MODULES };
  if (!kindsWanted.some((kind) => kind !== 'unit')) return env;
  const { removePostgresData, startStack } = await load('packages/local-stack/dist/index.js');
  const { readConfig } = await load('apps/cli/dist/config.js');
  const { namespaceOfRun, registryDatabase, removeNamespace } = await load('apps/cli/dist/namespace.js');
  const namespace = namespaceOfRun('test');
  const directory = mkdtempSync(join(tmpdir(), 'throughline-test-'));
  progress('starting Kafka, PostgreSQL, the schema registry and the trace viewer');
  const stack = await startStack({
    directory: join(directory, 'stack'),
    env: process.env,
    registryDatabase: registryDatabase(namespace),
  });
  cleanups.unshift(async () => {
    await stack.stop();
    await removeNamespace(namespace, readConfig(process.env));
    removePostgresData(join(directory, 'stack'));
    if (totals.failed === 0 && !broken) rmSync(directory, { recursive: true, force: true });
    else console.error(`logs are kept in ${directory}`);
  });
  const { addresses } = stack;
  return {
    ...env,
    THROUGHLINE_HOME: join(directory, 'home'),
    THROUGHLINE_NAMESPACE: namespace,
    POSTGRES_URL: addresses.postgresAdminUrl,
    KAFKA_BROKERS: addresses.kafkaBrokers.join(','),
    SCHEMA_REGISTRY_URL: addresses.registryUrl,
    OTEL_EXPORTER_OTLP_ENDPOINT: addresses.otlpEndpoint,
    TRACE_VIEWER_URL: addresses.viewerUrl,
  };
}

/** Starts every service in two instances, for the whole stories. */
async function startPlatform(env) {
  const { readConfig } = await load('apps/cli/dist/config.js');
  const { startPlatform: start } = await load('apps/cli/dist/platform.js');
  const { Installation } = await load('apps/cli/dist/installation.js');
  progress('starting two instances of every service');
  const platform = await start({
    config: readConfig(env),
    installation: new Installation(env.THROUGHLINE_HOME),
    instances: 2,
    preferPorts: false,
    onExit: (instance, logFile) => console.error(`${instance.service} ended by itself, see ${logFile}`),
  });
  cleanups.unshift(() => platform.stop());
  return { ...env, THROUGHLINE_PLATFORM: JSON.stringify(platform.topology) };
}

/** Runs jest over some projects and adds its counts. A suite that could not run counts as one failure. */
async function jest(projects, env) {
  const outputFile = join(mkdtempSync(join(tmpdir(), 'throughline-jest-')), 'result.json');
  const workers = projects.includes('e2e') ? ['--runInBand'] : ['--maxWorkers=2'];
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/jest/bin/jest.js'),
      '--selectProjects',
      ...projects,
      ...workers,
      '--passWithNoTests',
      '--json',
      `--outputFile=${outputFile}`,
      ...(paths.length > 0 ? ['--testPathPatterns', ...paths] : []),
    ],
    { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  cleanups.unshift(async () => void (child.exitCode ?? child.signalCode ?? child.kill('SIGTERM')));
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const result = JSON.parse(readFileSync(outputFile, 'utf8'));
  rmSync(dirname(outputFile), { recursive: true });
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
}

/** The kinds of which jest itself would run a file. */
function kindsOfMatching() {
  const list = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/jest/bin/jest.js'),
      '--listTests',
      '--json',
      '--selectProjects',
      ...asked,
      '--passWithNoTests',
      '--testPathPatterns',
      ...paths,
    ],
    { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: MODULES } },
  );
  if (list.status !== 0) {
    process.stderr.write(list.stderr);
    process.exit(1);
  }
  const files = JSON.parse(list.stdout.slice(list.stdout.indexOf('[')));
  return asked.filter((kind) => files.some((file) => kindOf(file) === kind));
}

/** By its name, as jest.config.mjs tells them apart. */
function kindOf(file) {
  return /\.(int|e2e)\.spec\.ts$/.exec(file)?.[1] ?? 'unit';
}

function load(path) {
  return import(pathToFileURL(join(root, path)).href);
}

function progress(text) {
  process.stderr.write(`${text}\n`);
}
