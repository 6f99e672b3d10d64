import { ProcessError } from './errors.js';
import type { CompiledStep, Process } from './process.js';

/** How the steps of one version become those of another. */
export interface StepMapping {
  /** Steps that both have under one name. */
  same: string[];
  /** Old name to new name. */
  renamed: Record<string, string>;
  added: string[];
  removed: string[];
}

/**
 * Derives which step of one version is which of another: the same name, a rename that was told, or one that is plain to see because
 * command, outcomes and position agree and nothing else fits.
 *
 * @param renames told by a person: old name to new name
 * @throws PROCESS_MIGRATION_INVALID where the versions are not of one process, or a rename names no step
 */
export function mapSteps(from: Process, to: Process, renames: Readonly<Record<string, string>>): StepMapping {
  checkVersions(from, to);
  const old = from.steps.map(({ name }) => name);
  const next = to.steps.map(({ name }) => name);
  const renamed: Record<string, string> = {};
  for (const [was, is] of Object.entries(renames)) {
    if (!old.includes(was))
      throw invalid(`version ${from.version} has no step "${was}"; its steps are ${old.join(', ')}`);
    if (!next.includes(is))
      throw invalid(`version ${to.version} has no step "${is}"; its steps are ${next.join(', ')}`);
    if (Object.values(renamed).includes(is)) throw invalid(`two steps cannot become "${is}"`);
    renamed[was] = is;
  }
  const same = old.filter(
    (name) => next.includes(name) && !(name in renamed) && !Object.values(renamed).includes(name),
  );
  const isLeft = (name: string): boolean => !same.includes(name) && !(name in renamed);
  const isFree = (name: string): boolean => !same.includes(name) && !Object.values(renamed).includes(name);
  // A step stands behind the steps it waits for, so their new names are known by now.
  for (const step of from.steps.filter(({ name }) => isLeft(name))) {
    const fits = to.steps.filter((candidate) => isFree(candidate.name) && isAlike(step, from, candidate, to, renamed));
    if (fits.length === 1) renamed[step.name] = fits[0]!.name;
  }
  return { same, renamed, added: next.filter(isFree), removed: old.filter(isLeft) };
}

function checkVersions(from: Process, to: Process): void {
  if (from.name !== to.name) throw invalid(`${from.name} and ${to.name} are two processes`);
  if (from.version === to.version) throw invalid(`both are version ${from.version}`);
  for (const part of ['starts', 'key'] as const) {
    if (from[part] !== to[part])
      throw invalid(`"${part}" is ${from[part]} in version ${from.version} and ${to[part]} in version ${to.version}`);
  }
}

function isAlike(
  step: CompiledStep,
  from: Process,
  candidate: CompiledStep,
  to: Process,
  renamed: Readonly<Record<string, string>>,
): boolean {
  const position = step.after.map((name) => renamed[name] ?? name).toSorted();
  return (
    step.command?.type === candidate.command?.type &&
    step.checkpoint?.name === candidate.checkpoint?.name &&
    step.compensation?.type === candidate.compensation?.type &&
    step.repeat?.by === candidate.repeat?.by &&
    String(outcomesOf(from, step.name)) === String(outcomesOf(to, candidate.name)) &&
    String(position) === String(candidate.after.toSorted())
  );
}

/** Events that end the step's command, or its compensation. */
export function outcomesOf(
  process: Process,
  step: string,
  direction: 'forward' | 'compensation' = 'forward',
): string[] {
  return [...process.outcomes]
    .filter(([, outcome]) => outcome.step === step && outcome.direction === direction)
    .map(([type]) => type)
    .toSorted();
}

const invalid = (why: string): ProcessError =>
  new ProcessError('PROCESS_MIGRATION_INVALID', `These versions cannot be migrated: ${why}.`);
