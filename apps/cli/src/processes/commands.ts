import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, type Command } from 'commander';
import type { Config } from '../config.js';
import type { Installation } from '../installation.js';
import { collect, withServices } from '../with-services.js';
import type { MigrateChoice } from './migrate.js';

interface BacktestChoice {
  candidate: string;
  since: string;
  limit: number;
  json: boolean;
}

interface CheckChoice {
  dir?: string;
  people?: string;
  failures: number;
  json: boolean;
}

/** `npx throughline processes ...`: what can be done with definitions and policies as files, and with their versions. */
export function addProcesses(program: Command, here: () => [Config, Installation]): void {
  const processes = program
    .command('processes')
    .description('process definitions and policies: check them before they run; versions, and what runs on them');
  processes
    .command('check')
    .description('prove definitions and policies before they run: references, structure, and every failure explored')
    .option(
      '--dir <directory>',
      'processes to check, or a directory with processes/, policies/ and calendars/ (default: what ships)',
    )
    .option('--people <file>', 'who may decide, and in which role (default: the people that ship)')
    .option('--failures <count>', 'how many failures are combined', wholeNumber(0, 5), 3)
    .option('--json', 'print one JSON line on standard output', false)
    .addHelpText('after', '\nExit code 0: everything is sound. 1: something is not. 2: the rules cannot be read.\n')
    .action(async ({ dir, people, failures, json }: CheckChoice) => {
      const args = [
        '--failures',
        String(failures),
        ...(dir ? ['--dir', resolve(dir)] : []),
        ...(people ? ['--people', resolve(people)] : []),
        ...(json ? ['--json'] : []),
      ];
      process.exitCode = await runWithRules('check', args);
    });

  const list = processes
    .command('list')
    .description('every version of every process, and what runs on it')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (choice: { json: boolean }) => {
      const { listVersions } = await import('./migrate.js');
      await listVersions(askList(), choice);
    });
  const askList = withServices(list, here, '/v1');

  const migrate = processes
    .command('migrate')
    .description('take running instances to another version: what is unsafe stays where it is, with the reason')
    .requiredOption('--process <name>', 'such as lead-to-cash')
    .requiredOption('--from <version>', 'the version they run on', wholeNumber(1, 1_000_000))
    .requiredOption('--to <version>', 'the version they are to go on with', wholeNumber(1, 1_000_000))
    .option('--dry-run', 'only show the mapping of steps, and per instance what would change', false)
    .option(
      '--rename <old=new>',
      'a step that has another name, where that is not plain to see; may be repeated',
      collect,
    )
    .option('--include-ended', 'also instances that have ended: they can still be cancelled', false)
    .option('--reason <text>', 'why; kept for good')
    .option('--id <id>', 'of this migration, of your choice: the same id is done once, however often it is sent')
    .option('--no-wait', 'do not wait until all are done')
    .option('--json', 'print JSON lines on standard output', false)
    .addHelpText(
      'after',
      '\nExit code 0: all went on, or it was a dry run. 1: some stayed. 3: the orchestrator did not answer.\n',
    )
    .action(async (choice: MigrateChoice) => {
      const run = await import('./migrate.js');
      process.exitCode = await run.migrate(askMigrate(), choice);
    });
  const askMigrate = withServices(migrate, here, '/v1');

  const backtest = processes
    .command('backtest')
    .description('what recorded instances would have become by a candidate policy or process; it changes nothing')
    .requiredOption('--candidate <file>', 'a process definition or a policy, as YAML')
    .requiredOption('--since <date>', 'only instances that started since then, such as 2026-10-01')
    .option('--limit <count>', 'instances looked at, the oldest first', wholeNumber(1, 100_000), 10_000)
    .option('--json', 'print one JSON line on standard output', false)
    .addHelpText(
      'after',
      '\nWhere the candidate asks a person who was not asked then, the answer is taken as approved at once.\n',
    )
    .action(async (choice: BacktestChoice) => {
      const { backtest: run } = await import('./backtest.js');
      await run(askBacktest(), choice);
    });
  const askBacktest = withServices(backtest, here, '/v1');
}

/** The orchestrator owns the rules; a program of its own reads them, without a running service. */
function runWithRules(program: 'check', args: string[]): Promise<number> {
  const script = fileURLToPath(new URL(`../../../orchestrator/dist/${program}/main.js`, import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('exit', (code) => done(code ?? 1));
  });
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
    return value;
  };
}
