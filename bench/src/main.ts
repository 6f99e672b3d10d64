import { publishSchemas, topics } from '@throughline/contracts';
import { removePostgresData, startStack, type Stack } from '@throughline/local-stack';
import { ensureTopics } from '@throughline/messaging';
import Table from 'cli-table3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBareLoop } from './bare-path.js';
import { measureLimits } from './limits.js';
import { Path, type Measurement } from './path.js';
import { profilePath } from './profile-path.js';
import { measureSandbox } from './sandbox.js';

const HELP = `npm run bench [-- options]

Measures the four-step path (order, provisioning, invoice, schedule: 9 messages over three adapters and the orchestrator, each its
own process as shipped; real broker, fsync on, acks from all) on this machine, with the limits of the parts in the same run.

  --processes N   processes of a saturation run (default 3000)
  --seconds N     length of the paced run at 50 per second (default 20)
  --runs N        saturation runs, of which the median is reported (default 3)
  --profile DIR   only: CPU profiles of every service, of a saturation and a paced run, into DIR (for DevTools, speedscope), and
                  the functions and packages with the most self time
  --quick         1000 processes, one run, 10 seconds
  --json          one JSON line on standard output
`;

const { values } = parseArgs({
  options: {
    processes: { type: 'string' },
    seconds: { type: 'string' },
    runs: { type: 'string' },
    profile: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const processes = Number(values.processes ?? (values.quick ? 1_000 : 3_000));
const seconds = Number(values.seconds ?? (values.quick ? 10 : 20));
const runs = Number(values.runs ?? (values.quick ? 1 : 3));
/** Processes before the first measured run, so that code is compiled and tables are warm. */
const WARM_UP = 500;
const PACE = 50;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface SamplingResult extends Measurement {
  bareRatio: number;
  barePerSecond: number;
  p50MsAt50: number;
  p99MsAt50: number;
  cpuSecondsPer1000At50: number;
}

const directory = mkdtempSync(join(tmpdir(), 'throughline-bench-'));
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());
const interrupted = new Promise<never>((_, reject) =>
  interrupt.signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true }),
);
interrupted.catch(() => undefined);

let stack: Stack | undefined;
let path: Path | undefined;
let product: ReturnType<typeof measureSandbox> | undefined;
let failed = true;
try {
  say('starting Kafka, PostgreSQL and the schema registry');
  stack = await startStack({
    directory: join(directory, 'stack'),
    env: {},
    parts: ['kafka', 'postgres', 'registry'],
    signal: interrupt.signal,
  });
  await Promise.race([measureAll(stack), interrupted]);
  failed = false;
} catch (error) {
  if (!interrupt.signal.aborted) throw error;
  say('interrupted');
  process.exitCode = 130;
} finally {
  await path?.stop();
  await product?.catch(() => undefined);
  await stack?.stop();
  removePostgresData(join(directory, 'stack'));
  if (failed && !interrupt.signal.aborted) say(`logs are kept in ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}
// What was still awaited when it was interrupted has nobody to answer it.
if (interrupt.signal.aborted) process.exit();

async function measureAll(stack: Stack): Promise<void> {
  const { addresses } = stack;
  await Promise.all([
    publishSchemas(addresses.registryUrl),
    ensureTopics({ brokers: addresses.kafkaBrokers, clientId: 'throughline-deploy' }, topics),
  ]);
  const pids = { postgres: stack.parts.postgres!.pid!, broker: stack.parts.kafka!.pid! };

  if (values.profile) {
    const profiles = resolve(values.profile);
    path = new Path({ addresses, directory, samplingRatio: undefined, pids, profiles });
    return profilePath(path, { warmUp: WARM_UP, processes, perSecond: PACE, seconds }, say);
  }

  const measure = async (name: string, samplingRatio: number | undefined): Promise<SamplingResult> => {
    path = new Path({ addresses, directory, samplingRatio, pids });
    await path.start();
    try {
      say(`${name}: warming up`);
      await path.run(`${name}-warm`, WARM_UP);
      const saturated: Measurement[] = [];
      const bare: number[] = [];
      for (let run = 1; run <= runs; run += 1) {
        say(`${name}: saturation, run ${run} of ${runs}`);
        saturated.push(await path.run(`${name}-${run}`, processes));
      }
      say(`${name}: ${PACE} per second for ${seconds} s`);
      const paced = await path.run(`${name}-paced`, PACE * seconds, PACE);
      await path.pause();
      for (let run = 1; run <= runs; run += 1) {
        say(`${name}: bare loop, run ${run} of ${runs}`);
        bare.push(await measureBareLoop(addresses, `${name}-${run}`, processes));
      }
      const best = median(saturated, (measurement) => measurement.perSecond);
      const barePerSecond = median(bare, (value) => value);
      return {
        ...best,
        p50Ms: paced.p50Ms,
        p99Ms: paced.p99Ms,
        p50MsAt50: paced.p50Ms,
        p99MsAt50: paced.p99Ms,
        cpuSecondsPer1000At50: paced.cpuSecondsPer1000,
        barePerSecond,
        bareRatio: Math.round((best.perSecond / barePerSecond) * 100) / 100,
      };
    } finally {
      const ended = path;
      path = undefined;
      await ended?.stop();
    }
  };

  const shipped = await measure('shipped', undefined);
  const traced = await measure('traced', 1);
  say('limits: codec, commits, produce, consume');
  const limitsUrl = new URL(addresses.postgresAdminUrl);
  limitsUrl.pathname = '/bench_revenue';
  const limits = await measureLimits({
    registryUrl: addresses.registryUrl,
    brokers: addresses.kafkaBrokers,
    databaseUrl: limitsUrl.href,
    topic: 'bare-shipped-1.throughline.revenue.opportunity',
  });
  say('the whole product against the sandbox');
  const sandbox = await (product = measureSandbox(interrupt.signal));
  print({ shipped, traced, limits, sandbox });
}

function print(result: { shipped: SamplingResult; traced: SamplingResult; limits: object; sandbox: object }): void {
  const { shipped, traced, limits, sandbox } = result;
  if (values.json) {
    const keep = ({ p50MsAt50: _, p99MsAt50: __, ...rest }: SamplingResult): object => rest;
    process.stdout.write(
      `${JSON.stringify({ ...keep(shipped), limits, at100PercentSampling: keep(traced), sandbox })}\n`,
    );
    return;
  }
  const table = new Table({
    head: ['', 'shipped sampling', '100 % sampling'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right'],
  });
  const row = (name: string, of: (measured: SamplingResult) => string | number): void =>
    void table.push([name, of(shipped), of(traced)]);
  row('processes per second', (m) => m.perSecond);
  row('bare loop, per second', (m) => m.barePerSecond);
  row('ratio to the bare loop', (m) => m.bareRatio);
  row('CPU-seconds per 1000', (m) => m.cpuSecondsPer1000);
  row(
    '  services / postgres / broker',
    (m) => `${m.cpuParts.services} / ${m.cpuParts.postgres} / ${m.cpuParts.broker}`,
  );
  row('commits per message', (m) => m.commitsPerMessage);
  row('at 50 per second: p50 / p99, ms', (m) => `${m.p50MsAt50} / ${m.p99MsAt50}`);
  row('at 50 per second: CPU-seconds per 1000', (m) => m.cpuSecondsPer1000At50);
  process.stdout.write(`${table.toString()}\n`);
  for (const [name, part] of Object.entries({
    'limits of the parts, per second': limits,
    'whole product against the sandbox': sandbox,
  })) {
    process.stdout.write(
      `${name}: ${Object.entries(part)
        .map(([key, value]) => `${key} ${value}`)
        .join(', ')}\n`,
    );
  }
}

function median<T>(list: T[], by: (item: T) => number): T {
  return [...list].sort((a, b) => by(a) - by(b))[Math.floor(list.length / 2)]!;
}
