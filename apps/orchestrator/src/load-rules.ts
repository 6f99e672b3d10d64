import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { canonicalId, catalog } from '@throughline/contracts';
import type { Policies } from '@throughline/policy';
import { compileDefinition, parseDefinition, type Calendar, type Contracts, type Process } from '@throughline/process';
import { loadCalendars } from './load-calendars.js';
import { loadPolicies } from './load-policies.js';

/** Where this app keeps the definitions it ships. */
export const processesDirectory = new URL('../processes/', import.meta.url);

/** What people of the business write and review: processes, and the policies and calendars that these name. */
export interface Rules {
  processes: Process[];
  policies: Policies;
  calendars: ReadonlyMap<string, Calendar>;
  /** Compiles a definition as it was written, also one that another release has stored. */
  compile: (data: unknown) => Process;
}

/** Where the rules lie; each defaults to what this app ships. */
export interface RuleDirectories {
  processes?: string | undefined;
  policies?: string | undefined;
  calendars?: string | undefined;
}

/**
 * Reads and compiles every rule against the contracts.
 * Throws `PROCESS_DEFINITION_INVALID`, `PROCESS_CALENDAR_INVALID` or `POLICY_INVALID`, which name each path at fault and what to write instead.
 */
export function loadRules(directories: RuleDirectories = {}): Rules {
  const rules = loadContracts(directories);
  const directory = toUrl(directories.processes) ?? processesDirectory;
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  const written = files.toSorted().map((file) => parse(readFileSync(new URL(file, directory), 'utf8')) as unknown);
  return { ...rules, processes: written.map(rules.compile) };
}

/** What processes are compiled against. */
export function loadContracts({ policies: from, calendars: by }: RuleDirectories = {}): Omit<Rules, 'processes'> {
  const calendars = loadCalendars(toUrl(by));
  const policies = loadPolicies(toUrl(from));
  const contracts: Contracts = {
    messages: catalog,
    assignId: (correlationId, field) => canonicalId(correlationId, field),
    policies,
    calendars,
  };
  return { policies, calendars, compile: (data) => compileDefinition(parseDefinition(data), contracts) };
}

const toUrl = (directory: string | undefined): URL | undefined =>
  directory === undefined ? undefined : pathToFileURL(`${directory}/`);
