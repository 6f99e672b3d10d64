import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { canonicalId, catalog } from '@throughline/contracts';
import { compilePolicies, type Policies } from '@throughline/policy';
import { compileDefinition, parseDefinition, ProcessError, type Calendar, type Process } from '@throughline/process';
import { logger } from '@throughline/telemetry';
import { loadCalendars } from './load-calendars.js';
import { readPolicies } from './load-policies.js';
import { silentApprovals } from './tasks/silent-approvals.js';

const log = logger('processes');

/** Where this app keeps the definitions it ships. */
export const processesDirectory = new URL('../processes/', import.meta.url);

/** What people of the business write and review: processes, and the policies and calendars that these name. */
export interface Rules {
  processes: Process[];
  policies: Policies;
  calendars: ReadonlyMap<string, Calendar>;
  /** Compiles a definition that is written now. */
  compile: (data: unknown) => Process;
  /** One that was in force once and may have instances: what is refused only since then is let pass. */
  compileStored: (data: unknown) => Process;
  /** The same, as if this policy were in force in place of the one of its name. Throws `POLICY_INVALID`. */
  compileWith: (policy: { policy: string }) => (data: unknown) => Process;
}

/** Token of the rules, as loaded at start. */
export const RULES = Symbol('rules');

/** Where the rules lie; each defaults to what this app ships. */
export interface RuleDirectories {
  processes?: string | undefined;
  policies?: string | undefined;
  calendars?: string | undefined;
}

/** A version of a process that the database knows: it ran before. */
export interface RanBefore {
  process: string;
  version: number;
}

/**
 * Reads and compiles every rule against the contracts. What is refused only since a version ran is told in the log, and the version runs
 * on: its file cannot be corrected in place.
 * Throws `PROCESS_DEFINITION_INVALID`, `PROCESS_CALENDAR_INVALID` or `POLICY_INVALID`, which name each path at fault and what to write instead.
 */
export function loadRules(directories: RuleDirectories = {}, ranBefore: RanBefore[] = []): Rules {
  const rules = loadContracts(directories);
  const directory = toUrl(directories.processes) ?? processesDirectory;
  const files = readdirSync(directory)
    .filter((file) => /\.ya?ml$/.test(file))
    .toSorted();
  const hasRun = (written: RanBefore): boolean =>
    ranBefore.some(({ process, version }) => process === written.process && version === written.version);
  const processes = files.map((file) => {
    const data: unknown = parse(readFileSync(new URL(file, directory), 'utf8'));
    try {
      return rules.compile(data);
    } catch (error) {
      if (!isRecord(data) || !hasRun(data)) throw error;
      const process = rules.compileStored(data);
      warnOfRefused(file, process, (error as Error).message);
      return process;
    }
  });
  const twice = processes.find((one, index) =>
    processes.slice(0, index).some(({ name, version }) => name === one.name && version === one.version),
  );
  if (twice)
    throw new ProcessError(
      'PROCESS_DEFINITION_INVALID',
      `Two files hold ${twice.name} version ${twice.version}: give one of them another version.`,
    );
  const silent = processes.flatMap((process, index) => {
    const problems = silentApprovals(process, rules.policies);
    if (!hasRun({ process: process.name, version: process.version }))
      return problems.map((problem) => `\n  - ${files[index]!}: ${problem}`);
    for (const problem of problems) warnOfRefused(files[index]!, process, problem);
    return [];
  });
  if (silent.length > 0)
    throw new ProcessError(
      'PROCESS_DEFINITION_INVALID',
      `Nobody would have decided about what cannot be undone:${silent.join('')}`,
    );
  return { ...rules, processes };
}

const isRecord = (data: unknown): data is RanBefore => typeof data === 'object' && data !== null;

function warnOfRefused(file: string, { name: process, version }: Process, problem: string): void {
  log.warn(
    { file, process, version, problem },
    `this version would be refused if it had not run before: correct it under version ${version + 1}, or remove the file`,
  );
}

/** What processes are compiled against. */
function loadContracts({ policies: from, calendars: by }: RuleDirectories = {}): Omit<Rules, 'processes'> {
  const calendars = loadCalendars(toUrl(by));
  const written = readPolicies(toUrl(from)) as { policy?: string }[];
  const policies = compilePolicies(written, { catalog });
  return {
    policies,
    calendars,
    compile: compileBy(policies, calendars),
    compileStored: compileBy(policies, calendars, true),
    compileWith: (candidate) => {
      const others = written.filter(({ policy }) => policy !== candidate.policy);
      return compileBy(compilePolicies([...others, candidate], { catalog }), calendars, true);
    },
  };
}

/** Compiles definitions as they were written against these policies and calendars. */
export const compileBy =
  (
    policies: Pick<Policies, 'compileCondition' | 'compilePolicy'>,
    calendars: Rules['calendars'],
    isStored = false,
  ): Rules['compile'] =>
  (data) =>
    compileDefinition(parseDefinition(data), {
      messages: catalog,
      assignId: (correlationId, field) => canonicalId(correlationId, field),
      policies,
      calendars,
      isStored,
    });

export const toUrl = (directory: string | undefined): URL | undefined =>
  directory === undefined ? undefined : pathToFileURL(`${directory}/`);
