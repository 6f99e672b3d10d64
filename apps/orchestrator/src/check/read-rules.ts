import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseOwners, type Owners } from '@throughline/policy';
import { parseDefinition, ProcessError, type Process } from '@throughline/process';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadContracts, loadRules, processesDirectory, type Rules } from '../load-rules.js';
import { FileDirectory } from '../tasks/file-directory.js';
import { People } from '../tasks/people.js';
import type { Services } from './check-rules.js';

/** Every definition of a directory that can be read, and what is wrong with the others. */
export interface ReadRules extends Omit<Rules, 'processes'> {
  processes: Process[];
  /** What ships under other names, and runs beside a directory of its own. */
  others: Process[];
  broken: { file: string; problems: string[] }[];
}

const infra = new URL('../../../../infra/', import.meta.url);
const servicesSchema = z.strictObject({
  services: z.record(z.string(), z.strictObject({ handles: z.array(z.string()), emits: z.array(z.string()) })),
});

/**
 * Reads rules for a check: one broken definition does not hide what is wrong with the others.
 *
 * @param directory holds `processes`, and beside it `policies` and `calendars` where they are not those that ship; or the definitions
 *   themselves. Default: what ships
 */
export function readRules(directory: string | undefined): ReadRules {
  const inside = (folder: string): string | undefined =>
    directory !== undefined && existsSync(join(directory, folder)) ? join(directory, folder) : undefined;
  const { compile, ...rules } = loadContracts({ policies: inside('policies'), calendars: inside('calendars') });
  const from = directory === undefined ? processesDirectory : pathToFileURL(`${inside('processes') ?? directory}/`);
  const files = readdirSync(from).filter((file) => /\.ya?ml$/.test(file));
  if (files.length === 0)
    throw new Error(`There is no definition in ${from.pathname}: name a directory with *.yaml files.`);
  const processes: Process[] = [];
  const broken: ReadRules['broken'] = [];
  for (const file of files.toSorted()) {
    try {
      const process = compile(parse(readFileSync(new URL(file, from), 'utf8')));
      if (processes.some(({ name, version }) => name === process.name && version === process.version))
        throw new Error(
          `another file holds ${process.name} version ${process.version} already; give one of them another version`,
        );
      processes.push(process);
    } catch (error) {
      broken.push({ file, problems: problemsOf(error) });
      const withoutUndo = tryWithout(readFileSync(new URL(file, from), 'utf8'), compile);
      if (withoutUndo) processes.push(withoutUndo);
    }
  }
  const names = new Set(processes.map(({ name }) => name));
  const others = directory === undefined ? [] : loadRules().processes.filter(({ name }) => !names.has(name));
  return { ...rules, compile, processes, others, broken };
}

/** Who answers for what, and which service does what, and who may decide: of the installation, whatever rules are checked. */
export async function readSurroundings(
  peopleFile: string | undefined,
): Promise<{ owners: Owners; services: Services; people: People }> {
  const read = (file: string): unknown => parse(readFileSync(new URL(file, infra), 'utf8'));
  return {
    owners: parseOwners(read('owners.yaml')),
    services: servicesSchema.parse(read('services.yaml')).services,
    people: new People(await new FileDirectory(peopleFile).read()),
  };
}

/**
 * A definition that only fails to say how its steps are undone, as if they were not: exploring it shows the course that this leaves half-done.
 */
function tryWithout(text: string, compile: Rules['compile']): Process | undefined {
  try {
    const written = parse(text) as { steps: Record<string, Record<string, unknown>> };
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
  if (!(error instanceof ProcessError)) return [message.split('\n')[0]!];
  const [, ...lines] = message.split('\n');
  return lines.length > 0 ? lines.map((line) => line.replace(/^\s*-?\s*/, '')) : [message];
}
