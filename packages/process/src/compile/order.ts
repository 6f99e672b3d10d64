import { suggest } from '@throughline/rule-form';
import type { Definition } from '../definition.js';

/** Steps in an order in which each stands behind those it waits for; cycles and unknown names become problems. */
export function sortSteps(definition: Definition, problems: string[]): string[] {
  const sorted: string[] = [];
  const visit = (name: string, trail: string[]): void => {
    if (sorted.includes(name)) return;
    if (trail.includes(name)) {
      problems.push(`steps.${name}.after: waits for itself (${[...trail, name].join(' -> ')}); remove one of these`);
      return;
    }
    for (const before of definition.steps[name]!.after) {
      const step = definition.steps[before];
      if (step) visit(before, [...trail, name]);
      else
        problems.push(
          `steps.${name}.after: there is no step "${before}"${suggest(before, Object.keys(definition.steps))}`,
        );
      if (step?.on)
        problems.push(
          `steps.${name}.after: step "${before}" runs whenever ${step.on} comes, so nothing can wait for its end`,
        );
    }
    sorted.push(name);
  };
  for (const name of Object.keys(definition.steps)) visit(name, []);
  return [...new Set(sorted)];
}

/** The steps that a step waits for, directly or not; also of a definition in which some wait for themselves. */
export function stepsBefore(definition: Definition, name: string, trail: string[] = []): string[] {
  const before = (definition.steps[name]?.after ?? []).filter((earlier) => !trail.includes(earlier));
  return [...new Set([...before.flatMap((earlier) => stepsBefore(definition, earlier, [...trail, name])), ...before])];
}

/** Nobody may find out afterwards that a thing cannot be undone: a person must have decided before it, whatever the facts. */
export function checkIrreversible(definition: Definition, problems: string[]): void {
  for (const [name, step] of Object.entries(definition.steps)) {
    if (step.compensation !== 'irreversible') continue;
    const isAsked = stepsBefore(definition, name).some((earlier) => {
      const given = definition.steps[earlier];
      return given?.checkpoint !== undefined && given.when === undefined;
    });
    if (!isAsked)
      problems.push(
        `steps.${name}.compensation: is irreversible, and no person is asked before it; add a checkpoint without "when" to the steps it waits for`,
      );
  }
}
