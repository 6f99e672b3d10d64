import { Command, InvalidArgumentError } from 'commander';
import { readConfig, type Config } from './config.js';
import { addDeadLetters } from './dead-letters/commands.js';
import { Installation } from './installation.js';
import { addInstances } from './instances/commands.js';
import { colours, CommandError } from './output.js';
import { addProcesses } from './processes/commands.js';
import { addReplay } from './replay/commands.js';
import { addTasks } from './tasks/commands.js';
import { collect, withServices } from './with-services.js';

interface DemoChoice {
  deals: number;
  kill?: 'all';
  seed?: number;
  perSecond: number;
  faults: boolean;
  json: boolean;
}

const program = new Command('throughline')
  .description('One line from the deal to the ledger: a self-hosted integration backbone.')
  .showHelpAfterError('(--help shows what there is)')
  .configureHelp({ showGlobalOptions: true });

program
  .command('start')
  .description('start the local stack and the services, close a sample deal, show its story, stay until Ctrl-C')
  .option('--no-sample', 'do not close a sample deal')
  .option('--once', 'stop again after the sample deal', false)
  .action(async (options: { sample: boolean; once: boolean }) => {
    const { start } = await import('./start.js');
    process.exitCode = await start(...here(), options);
  });

program
  .command('demo')
  .description('close many deals under faults, wait for the end, and prove what exists through the vendors’ own APIs')
  .option('--deals <count>', 'how many deals', wholeNumber(1, 5_000), 50)
  .option(
    '--kill <targets>',
    '"all": kill each service, the sandbox and the broker once at a seeded moment',
    killTargets,
  )
  .option('--seed <number>', 'reproduces a run (default: from the clock)', wholeNumber(0, 2 ** 32 - 1))
  .option('--per-second <number>', 'how many deals are closed per second at most', wholeNumber(1, 1_000), 10)
  .option('--no-faults', 'leave the webhooks alone')
  .option('--json', 'print one JSON line on standard output', false)
  .action(async (options: DemoChoice) => {
    const { demo } = await import('./demo/demo.js');
    process.exitCode = await demo(...here(), { ...options, seed: options.seed ?? Date.now() % 2 ** 32 });
  });

program
  .command('deploy')
  .description('bring databases, schemas and topics up to date; safe to repeat, safe to run twice at once')
  .option('--json', 'print one JSON line on standard output', false)
  .action(async (options: { json: boolean }) => {
    const { deploy } = await import('./deploy.js');
    await deploy(...here(), options);
  });

program
  .command('deal')
  .description('the story of a deal')
  .command('show')
  .argument('<id>', 'the id in the CRM, or the canonical opportunity id')
  .description('every step with its service, vendor object, duration and state, and a link to the trace')
  .option('--json', 'print JSON on standard output', false)
  .option('--url <url>', 'address of an orchestrator (default: the running local one, or THROUGHLINE_ORCHESTRATOR_URL)')
  .action(async (id: string, options: { json: boolean; url?: string }) => {
    const { showDeal } = await import('./deal-show.js');
    await showDeal(id, options, ...here());
  });

addTasks(program, here);
addInstances(program, here);
addProcesses(program, here);
addDeadLetters(program, here);
addReplay(program, here);

const lag = program
  .command('lag')
  .description(
    'how far every consumer is behind, per partition, in messages and in time, and what waits parked or held',
  )
  .option('--service <name>', 'only this one; may be repeated', collect)
  .option('--json', 'print one JSON line on standard output', false)
  .action(async (choice: { service?: string[]; json: boolean }) => {
    const { showLag } = await import('./lag.js');
    process.exitCode = await showLag(askEachInstance(), choice);
  });
const askEachInstance = withServices(lag, here, '/v1');

try {
  await program.parseAsync();
} catch (error) {
  const known = error instanceof CommandError || /^(STACK|CONTRACT)_/.test((error as { code?: string }).code ?? '');
  process.stderr.write(
    `${colours.red('error')} ${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
  );
  process.exitCode = error instanceof CommandError ? error.exitCode : 1;
}

/** What a command works on. */
function here(): [Config, Installation] {
  const config = readConfig(process.env);
  return [config, new Installation(config.home)];
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
    return value;
  };
}

function killTargets(text: string): 'all' {
  if (text !== 'all') throw new InvalidArgumentError('Use "all".');
  return text;
}
