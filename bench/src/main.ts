import { publishSchemas, topics } from '@throughline/contracts';
import { killSupervised, removePostgresData, startStack, type Stack } from '@throughline/local-stack';
import { ensureTopics } from '@throughline/messaging';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBacklog } from './backlog.js';
import { measureFailingKeys } from './failing-keys.js';
import { measureIdle } from './idle.js';
import { measureLimits } from './limits.js';
import { measureOrchestrator } from './open-instances.js';
import { measurePath } from './measure-path.js';
import type { Ground, Path } from './path.js';
import { profilePath } from './profile-path.js';
import { printTable, toJson, verdictsOf, type Results } from './report.js';
import { measureSandbox } from './sandbox.js';
import { measureValidation } from './validation.js';

const SCENARIOS = [
  'path',
  'traced',
  'limits',
  'failing-keys',
  'idle',
  'validation',
  'backlog',
  'orchestrator',
  'sandbox',
] as const;
type Scenario = (typeof SCENARIOS)[number];

const HELP = `npm run bench [-- options]

Measures the four-step path (order, provisioning, invoice, schedule: 9 messages over three adapters and the orchestrator, each its
own process as shipped; real broker, fsync on, acks from all) on this machine, with the limits of the parts in the same run, and says
of each figure whether it keeps its limit.

  --only NAME     one of: ${SCENARIOS.join(', ')} (repeat for several)
  --processes N   processes of a saturation run (default 3000)
  --seconds N     length of a paced run at 50 per second, and of the validations at 100 (default 20)
  --runs N        runs of each kind, of which the median is reported (default 3)
  --backlog N     messages of the backlog (default 200000)
  --open N        open instances in the orchestrator's full table (default 1000000)
  --quick         1000 processes, one run, 10 seconds, a backlog of 20000, 100000 open instances
  --assert        exit code 1 where a limit is not kept
  --profile DIR   measures nothing: CPU profiles of every service, of a saturation and a paced run, into DIR (for DevTools,
                  speedscope), and the functions and packages with the most self time
  --json          one JSON line on standard output
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    processes: { type: 'string' },
    seconds: { type: 'string' },
    runs: { type: 'string' },
    backlog: { type: 'string' },
    open: { type: 'string' },
    profile: { type: 'string' },
    quick: { type: 'boolean', default: false },
    assert: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const unknown = values.only.find((name) => !(SCENARIOS as readonly string[]).includes(name));
if (unknown !== undefined) {
  process.stderr.write(`There is no scenario "${unknown}".\n\n${HELP}`);
  process.exit(2);
}
const wanted = new Set<Scenario>(values.only.length > 0 ? (values.only as Scenario[]) : SCENARIOS);
const size = {
  warmUp: 1_000,
  processes: Number(values.processes ?? (values.quick ? 1_000 : 3_000)),
  runs: Number(values.runs ?? (values.quick ? 1 : 3)),
  perSecond: 50,
  seconds: Number(values.seconds ?? (values.quick ? 10 : 20)),
};
const backlog = Number(values.backlog ?? (values.quick ? 20_000 : 200_000));

const open = Number(values.open ?? (values.quick ? 100_000 : 1_000_000));

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const directory = mkdtempSync(join(tmpdir(), 'throughline-bench-'));
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());
const interrupted = new Promise<never>((_, reject) =>
  interrupt.signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true }),
);
interrupted.catch(() => undefined);

let stack: Stack | undefined;
let product: ReturnType<typeof measureSandbox> | undefined;
const running = new Set<Path>();
let failed = true;
try {
  say('starting Kafka, PostgreSQL and the schema registry');
  stack = await startStack({
    directory: join(directory, 'stack'),
    env: {},
    parts: ['kafka', 'postgres', 'registry'],
    kafkaOptimised: true,
    signal: interrupt.signal,
  });
  await Promise.race([measureAll(stack), interrupted]);
  failed = false;
} catch (error) {
  if (!interrupt.signal.aborted) throw error;
  say('interrupted');
  process.exitCode = 130;
} finally {
  await Promise.all([...running].map((path) => path.stop().catch(() => undefined)));
  await product?.catch(() => undefined);
  await stack?.stop();
  removePostgresData(join(directory, 'stack'));
  if (failed && !interrupt.signal.aborted) say(`logs are kept in ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}
// What was still awaited when it was interrupted has nobody to answer it.
if (interrupt.signal.aborted) {
  killSupervised();
  process.exit();
}

async function measureAll({ addresses, parts }: Stack): Promise<void> {
  await Promise.all([
    publishSchemas(addresses.registryUrl),
    ensureTopics({ brokers: addresses.kafkaBrokers, clientId: 'throughline-deploy' }, topics),
  ]);
  const pids = { postgres: parts.postgres!.pid!, broker: parts.kafka!.pid! };
  const ground: Ground = { addresses, directory, pids, running, say };
  if (values.profile) return profilePath(ground, resolve(values.profile), size);

  const results: Results = {};
  if (wanted.has('path')) results.shipped = await measurePath(ground, 'shipped', undefined, size);
  if (wanted.has('traced')) results.traced = await measurePath(ground, 'traced', 1, size);
  if (wanted.has('failing-keys')) results.failingKeys = await measureFailingKeys(ground, size);
  if (wanted.has('idle')) results.idle = await measureIdle(ground);
  if (wanted.has('validation')) results.validation = await measureValidation(ground, size.seconds);
  if (wanted.has('limits')) {
    say('limits: codec, commits, produce, consume');
    results.limits = await measureLimits({
      registryUrl: addresses.registryUrl,
      brokers: addresses.kafkaBrokers,
      databaseUrl: addresses.postgresAdminUrl,
    });
  }
  if (wanted.has('orchestrator')) results.orchestrator = await measureOrchestrator(ground, size, open);
  // Late, because it leaves events in a topic that nobody reads.
  if (wanted.has('backlog')) {
    results.backlog = [await measureBacklog(ground, backlog, 1), await measureBacklog(ground, backlog, 2)];
  }
  if (wanted.has('sandbox')) {
    say('the whole product against the sandbox');
    results.sandbox = await (product = measureSandbox(interrupt.signal));
  }
  if (values.json) process.stdout.write(`${toJson(results)}\n`);
  else printTable(results);
  if (values.assert && verdictsOf(results).some(({ met }) => !met)) process.exitCode = 1;
}
