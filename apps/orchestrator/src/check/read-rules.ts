import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalog } from '@throughline/contracts';
import { compilePolicies, parseOwners, PolicyError, type Owners, type Policies } from '@throughline/policy';
import { compileCalendar, parseDefinition, ProcessError, type Calendar, type Process } from '@throughline/process';
import { parse } from 'yaml';
import { z } from 'zod';
import { calendarsDirectory } from '../load-calendars.js';
import { policiesDirectory } from '../load-policies.js';
import { compileBy, loadRules, processesDirectory, toUrl, type Rules } from '../load-rules.js';
import { FileDirectory } from '../tasks/file-directory.js';
import { People } from '../tasks/people.js';
import type { ProcessReport, Services } from './check-rules.js';
import { RuleFile } from './rule-file.js';

/** Every rule of a directory that can be read, and what is wrong with the others. */
export interface ReadRules extends Pick<Rules, 'policies' | 'calendars' | 'processes'> {
  /** What ships under other names, and runs beside a directory of its own. */
  others: Process[];
  broken: { file: string; problems: string[] }[];
  /** Where each process and each policy is written, by `processKey` and by its name. */
  files: ReadonlyMap<string, RuleFile>;
}

/** How a process is told from its other versions, and from a policy of its name. */
const processKey = (process: string, version: number): string => `${process} ${version}`;

const infra = new URL('../../../../infra/', import.meta.url);
const eventsThatAnswer = z
  .array(z.string(), { error: 'must be the events that answer it, for example [OrderCreated, OrderRejected]' })
  .min(1, { error: 'must name the events that answer it' });
const servicesSchema = z.strictObject({
  services: z.record(
    z.string(),
    z.strictObject({
      handles: z.record(z.string(), eventsThatAnswer, {
        error:
          'must name each command with the events that answer it, for example "CreateOrder: [OrderCreated, OrderRejected]"; a list of commands alone does not say by what a process goes on',
      }),
      emits: z.array(z.string(), { error: 'must list the events that the service publishes' }),
    }),
  ),
});

/**
 * Reads rules for a check: one broken file does not hide what is wrong with the others, nor with the processes that name a broken policy.
 *
 * @param directory holds `processes`, and beside it `policies` and `calendars` where they are not those that ship; or the definitions
 *   themselves. Default: what ships
 */
export function readRules(directory: string | undefined): ReadRules {
  const inside = (folder: string): string | undefined =>
    directory !== undefined && existsSync(join(directory, folder)) ? join(directory, folder) : undefined;
  const broken: ReadRules['broken'] = [];
  const files = new Map<string, RuleFile>();
  const calendars = new Map<string, Calendar>();
  readEach(toUrl(inside('calendars')) ?? calendarsDirectory, broken, (data) => {
    const calendar = compileCalendar(data);
    calendars.set(calendar.name, calendar);
  });
  const { policies, unusable } = readPolicies(toUrl(inside('policies')) ?? policiesDirectory, broken, files);
  const compile = compileBy(standingIn(policies, unusable), calendars);
  const from = directory === undefined ? processesDirectory : toUrl(inside('processes') ?? directory)!;
  const processes: Process[] = [];
  const keep = (process: Process, file: RuleFile): void => {
    if (processes.some(({ name, version }) => name === process.name && version === process.version))
      throw new Error(
        `another file holds ${process.name} version ${process.version} already; give one of them another version`,
      );
    processes.push(process);
    files.set(processKey(process.name, process.version), file);
  };
  const found = readEach(
    from,
    broken,
    (data, file) => keep(compile(data), file),
    (data, file) => {
      const withoutUndo = tryWithout(data, compile);
      const isOther = processes.every(
        ({ name, version }) => name !== withoutUndo?.name || version !== withoutUndo.version,
      );
      if (withoutUndo && isOther) keep(withoutUndo, file);
    },
  );
  if (found === 0) throw new Error(`There is no definition in ${from.pathname}: name a directory with *.yaml files.`);
  const names = new Set(processes.map(({ name }) => name));
  const others = directory === undefined ? [] : loadRules().processes.filter(({ name }) => !names.has(name));
  return { policies, calendars, processes, others, broken, files };
}

/** Takes each YAML file of a directory by itself, and keeps what is wrong with it; returns how many there are. */
function readEach(
  from: URL,
  broken: ReadRules['broken'],
  take: (data: unknown, file: RuleFile) => void,
  otherwise: (data: unknown, file: RuleFile) => void = () => {},
): number {
  const names = namesIn(from).filter((name) => /\.ya?ml$/.test(name));
  for (const name of names.toSorted()) {
    const file = new RuleFile(name, readFileSync(new URL(name, from), 'utf8'));
    let data: unknown;
    try {
      data = file.read();
      take(data, file);
    } catch (error) {
      broken.push({ file: name, problems: problemsOf(error).map((problem) => file.tell(problem)) });
      otherwise(data, file);
    }
  }
  return names.length;
}

function namesIn(directory: URL): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw new Error(
      `There is no directory ${directory.pathname}: name one that holds *.yaml files, or processes/ with them.`,
      { cause: error },
    );
  }
}

/** Policies that can be used together, and the names of those that cannot. */
function readPolicies(
  from: URL,
  broken: ReadRules['broken'],
  files: Map<string, RuleFile>,
): { policies: Policies; unusable: string[] } {
  const usable: unknown[] = [];
  const unusable: string[] = [];
  readEach(
    from,
    broken,
    (data, file) => {
      compilePolicies([...usable, data], { catalog });
      usable.push(data);
      files.set((data as { policy: string }).policy, file);
    },
    (data, file) => {
      const name = (data as { policy?: unknown } | undefined)?.policy;
      unusable.push(typeof name === 'string' ? name : file.name.replace(/\.ya?ml$/, ''));
    },
  );
  const policies = compilePolicies(usable, { catalog });
  return { policies, unusable: unusable.filter((name) => !policies.all.has(name)) };
}

/** What names a broken policy is looked at as if the policy could say anything: what is wrong with it is told where it stands. */
function standingIn(policies: Policies, unusable: string[]): Pick<Policies, 'compileCondition' | 'compilePolicy'> {
  const anything = { reads: [], evaluate: (): never => { throw new Error('a broken policy was asked'); } }; // prettier-ignore
  const names = new Set(unusable.map((name) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())));
  return {
    compilePolicy: (name, scope) => (unusable.includes(name) ? anything : policies.compilePolicy(name, scope)),
    compileCondition: (text, scope) =>
      [...text.matchAll(/\bpolicy\.(\w+)/g)].some(([, name]) => names.has(name!))
        ? anything
        : policies.compileCondition(text, scope),
  };
}

/** What was found out about each process, with the file and the line of what is at fault. */
export function locate(reports: ProcessReport[], files: ReadRules['files']): (ProcessReport & { file: string })[] {
  return reports.map((report) => {
    const file = files.get(processKey(report.process, report.version))!;
    const tell = (problem: string): string => file.tell(problem);
    return { ...report, file: file.name, problems: report.problems.map(tell), warnings: report.warnings.map(tell) };
  });
}

/** The same of problems of policies, which begin with the name of one. */
export function locateInPolicies(problems: string[], files: ReadRules['files']): string[] {
  return problems.map((problem) => files.get(problem.split(':')[0]!)?.tell(problem) ?? problem);
}

/** Who answers for what, and which service does what, and who may decide: of the installation, whatever rules are checked. */
export async function readSurroundings(
  peopleFile: string | undefined,
): Promise<{ owners: Owners; services: Services; people: People }> {
  const read = (file: string): unknown => parse(readFileSync(new URL(file, infra), 'utf8'));
  return {
    owners: parseOwners(read('owners.yaml')),
    services: parseServices(read('services.yaml')),
    people: new People(await new FileDirectory(peopleFile).read()),
  };
}

/** @throws an error that names each path at fault and what to write there */
export function parseServices(data: unknown): Services {
  const result = servicesSchema.safeParse(data);
  if (result.success) return result.data.services;
  const problems = result.error.issues.map(({ path, message }) => `\n  - ${path.join('.') || '(top)'}: ${message}`);
  throw new Error(`infra/services.yaml cannot be used:${problems.join('')}`);
}

/**
 * A definition that only fails to say how its steps are undone, as if they were not: exploring it shows the course that this leaves half-done.
 */
function tryWithout(data: unknown, compile: Rules['compile']): Process | undefined {
  try {
    const written = structuredClone(data) as { steps: Record<string, Record<string, unknown>> };
    for (const step of Object.values(written.steps))
      if (step['command'] !== undefined && step['compensation'] === undefined) step['compensation'] = 'none';
    parseDefinition(written);
    return compile(written);
  } catch {
    return undefined;
  }
}

function problemsOf(error: unknown): string[] {
  const { message } = error as Error;
  if (!(error instanceof ProcessError) && !(error instanceof PolicyError)) return [message.split('\n')[0]!];
  const [, ...lines] = message.split('\n');
  return lines.length > 0 ? lines.map((line) => line.replace(/^\s*-?\s*/, '')) : [message];
}
