import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { checkPolicies, checkProcesses, type ProcessReport } from './check-rules.js';
import { locate, locateInPolicies, readRules, readSurroundings } from './read-rules.js';
import { renderReports } from './render-report.js';

// `npx throughline processes check`: everything that can be known of processes and policies before they run.
const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    people: { type: 'string' },
    failures: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

process.exitCode = await run();

/** 0 where everything is sound, 1 where something is not, 2 where the rules cannot be read at all. */
async function run(): Promise<number> {
  let reports: ProcessReport[];
  let broken: { file: string; problems: string[] }[];
  let policies: string[];
  try {
    const rules = readRules(values.dir);
    const around = {
      ...(await readSurroundings(values.people)),
      policies: rules.policies,
      calendars: rules.calendars,
      at: new Date().toISOString(),
      others: rules.others,
      maxDisturbances: Number(values.failures),
    };
    ({ broken } = rules);
    policies = locateInPolicies(checkPolicies(rules, around), rules.files);
    reports = locate(
      checkProcesses(rules.processes, around, () => performance.now()),
      rules.files,
    );
  } catch (error) {
    const { message } = error as Error;
    if (values.json) process.stdout.write(`${JSON.stringify({ isSound: false, error: message })}\n`);
    process.stderr.write(`${message}\n`);
    return 2;
  }
  const isSound =
    broken.length + policies.length === 0 &&
    reports.every(({ problems, stories }) => problems.length + stories.length === 0);
  if (values.json) process.stdout.write(`${JSON.stringify({ isSound, broken, policies, processes: reports })}\n`);
  else print(reports, broken, policies, isSound);
  return isSound ? 0 : 1;
}

function print(
  reports: ProcessReport[],
  broken: { file: string; problems: string[] }[],
  policies: string[],
  isSound: boolean,
): void {
  const paint = pc.createColors(pc.isColorSupported && process.stdout.isTTY);
  const marks = { good: paint.green, bad: paint.red, warning: paint.yellow, name: paint.bold, dim: paint.dim };
  const lines = [
    renderReports(reports, marks),
    ...broken.flatMap(({ file, problems }) => [
      '',
      `${paint.red('✗')} ${paint.bold(file)}`,
      ...problems.map((problem) => `  ${paint.red('problem')} ${problem}`),
    ]),
    ...(policies.length > 0 ? ['', `${paint.red('✗')} ${paint.bold('policies')}`] : []),
    ...policies.map((problem) => `  ${paint.red('problem')} ${problem}`),
    '',
    isSound
      ? `${paint.green('✔')} Every end is completed, undone, or visibly waiting for a person.`
      : `${paint.red('✗')} Correct what is named above, then check again.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
