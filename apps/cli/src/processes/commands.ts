import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, type Command } from 'commander';

interface CheckChoice {
  dir?: string;
  people?: string;
  failures: number;
  json: boolean;
}

/** `npx throughline processes ...`: what can be done with definitions and policies as files, and with their versions. */
export function addProcesses(program: Command): void {
  const processes = program
    .command('processes')
    .description('process definitions and policies: check them before they run');
  processes
    .command('check')
    .description('prove definitions and policies before they run: references, structure, and every failure explored')
    .option(
      '--dir <directory>',
      'processes to check, or a directory with processes/, policies/ and calendars/ (default: what ships)',
    )
    .option('--people <file>', 'who may decide, and in which role (default: the people that ship)')
    .option('--failures <count>', 'how many failures are combined', wholeFailures, 3)
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

function wholeFailures(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 5)
    throw new InvalidArgumentError('Use a whole number from 0 to 5.');
  return value;
}
