import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { removePostgresData } from '@throughline/local-stack';
import { readConfig } from '../../apps/cli/src/config.js';
import { Installation } from '../../apps/cli/src/installation.js';
import { colours, duration, table } from '../../apps/cli/src/output.js';
import { startPlatform } from '../../apps/cli/src/platform.js';
import { Network } from './network.js';
import { FaultRun, seconds, type Outcome } from './run.js';
import { KINDS, planRounds, type Kind } from './schedule.js';

const HELP = `npm run test:faults -- [--seed N] [--minutes M] [--only kind,...] [--json]

Drives deals through the whole product, two instances of each service, while a seeded schedule of faults strikes; then compares the
records of the CRM, the order system, the billing system, the subledger and the topics with what must be. Exit code 0 only where
nothing is lost, doubled or out of order, and every poison record, and nothing else, is a dead letter.

  --seed N       whole number; the same seed, minutes and kinds strike the same in the same order (default: a new one)
  --minutes M    how long faults strike, from 0.5 (default: 5); the end may take a few minutes more
  --only kinds   of ${KINDS.join(', ')} (default: all)
  --json         one JSON line on standard output, and nothing else there
  --help         this text

tests/faults/README.md says what each fault does and what is checked.
`;

/** What a person's environment may say of other systems is none of this run's business: it breaks its own alone. */
const FOREIGN =
  /^(KAFKA_BROKERS|POSTGRES_URL|SCHEMA_REGISTRY_URL|TRACE_VIEWER_URL|THROUGHLINE_NAMESPACE|OTEL_|HUBSPOT_|MEDUSA_|STRIPE_)/;

interface Options {
  seed: number;
  minutes: number;
  only: Kind[];
  json: boolean;
}

const options = readOptions(process.argv.slice(2));
process.exitCode = typeof options === 'number' ? options : await run(options);
process.exit();

async function run({ seed, minutes, only, json }: Options): Promise<number> {
  for (const name of Object.keys(process.env)) if (FOREIGN.test(name)) delete process.env[name];
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const config = readConfig(process.env);
  const parent = new Installation(config.home);
  mkdirSync(parent.path('faults'), { recursive: true });
  const installation = new Installation(mkdtempSync(parent.path('faults', 'run-')));
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());

  const rounds = planRounds(seed, minutes, only);
  say(`Seed ${seed}, ${minutes} minutes, ${rounds.length} faults of ${only.join(', ')}.`);
  const network = await Network.plan();
  let faultRun: FaultRun | undefined;
  const platform = await startPlatform({
    config,
    installation,
    instances: 2,
    preferPorts: false,
    signal: interrupt.signal,
    kafkaListeners: network.listeners,
    through: network.detour,
    onExit: (_instance, _logFile, part) => faultRun?.endedByItself(part),
    onPartExit: ({ title, ...part }) => faultRun?.endedByItself({ name: title, ...part }),
  });
  let outcome: Outcome | undefined;
  try {
    faultRun = new FaultRun({ platform, network, rounds, seed, say, signal: interrupt.signal });
    outcome = await faultRun.play();
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    say('interrupted');
    return 130;
  } finally {
    await platform.stop();
    await network.close();
    if (outcome?.problems.length === 0) {
      removePostgresData(installation.path('stack'));
      rmSync(installation.directory, { recursive: true, force: true });
    } else {
      if (outcome) writeFileSync(installation.path('evidence.json'), JSON.stringify(outcome.evidence, inJson, 1));
      say(`Logs and data of this run, and what the systems had on record, are kept in ${installation.directory}`);
    }
  }
  report(outcome, { seed, minutes, only, json });
  return outcome.problems.length === 0 ? 0 : 1;
}

function inJson(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function report(
  { deals, timeline, problems, bus, deadLetters, settledMs }: Outcome,
  { seed, minutes, only, json }: Options,
): void {
  const write = json ? process.stderr : process.stdout;
  const rows = timeline.map(({ atMs, overMs, what, inFlight }) => [
    seconds(atMs),
    overMs === undefined ? 'never' : seconds(overMs),
    inFlight,
    what,
  ]);
  write.write(`\nSeed ${seed}\n${table(['at', 'over', 'deals under way', 'fault'], rows)}\n\n`);
  for (const problem of problems) write.write(`${colours.red('wrong')} ${problem}\n`);
  const counts = `${deals} deals, ${timeline.length} faults, ${bus.messages} messages on the topics (${bus.repeats} published again), ${deadLetters} dead letters, settled ${duration(settledMs)} after the last fault`;
  const again = `npm run test:faults -- --seed ${seed} --minutes ${minutes}${only.length < KINDS.length ? ` --only ${only.join(',')}` : ''}`;
  write.write(
    problems.length === 0
      ? `${colours.green('proved')} ${counts}\n`
      : `${colours.red('not proved')} ${problems.length} differences: ${counts}\nThe same again: ${again}\n`,
  );
  if (json) {
    const line = { ok: problems.length === 0, seed, minutes, only, deals, faults: timeline.length, settledMs };
    process.stdout.write(
      `${JSON.stringify({ ...line, messages: bus.messages, repeats: bus.repeats, deadLetters, timeline, problems })}\n`,
    );
  }
}

/** The options, or the exit code where there is nothing to run. */
function readOptions(argv: string[]): Options | number {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string', default: '5' },
        only: { type: 'string', default: KINDS.join(',') },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    const seed = Number(values.seed ?? Date.now() % 2 ** 32);
    const minutes = Number(values.minutes);
    const only = values.only.split(',').map((kind) => kind.trim());
    const unknown = only.find((kind) => !(KINDS as readonly string[]).includes(kind));
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
      throw new Error('--seed takes a whole number below 2^32.');
    if (!(minutes >= 0.5 && minutes <= 1_440)) throw new Error('--minutes takes a number from 0.5 to 1440.');
    if (unknown !== undefined) throw new Error(`--only knows no "${unknown}".`);
    return { seed, minutes, only: only as Kind[], json: values.json };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
}
