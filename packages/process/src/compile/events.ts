import { isRefusal } from '../contracts.js';
import type { Definition } from '../definition.js';
import type { Outcome } from '../process.js';

/** Events that end a command, or a wait for what another process does; each ends one. */
export function collectOutcomes(definition: Definition, problems: string[]): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  const add = (path: string, until: string[], step: string, direction: Outcome['direction']): void => {
    if (until.every(isRefusal))
      problems.push(`${path}: names no event of success; an event ending in Rejected is a refusal`);
    for (const type of until) {
      const known = outcomes.get(type);
      if (known) problems.push(`${path}: ${type} is awaited by step ${known.step} already; an event ends one command`);
      else outcomes.set(type, { step, direction, refusal: isRefusal(type) });
    }
  };
  for (const [name, step] of Object.entries(definition.steps)) {
    if (step.until) add(`steps.${name}.until`, step.until, name, 'forward');
    if (typeof step.compensation === 'object')
      add(`steps.${name}.compensation.until`, step.compensation.until, name, 'compensation');
  }
  return outcomes;
}

/** Events that say a step is moving, and the step. */
export function collectProgress(
  definition: Definition,
  outcomes: Map<string, Outcome>,
  problems: string[],
): Map<string, string> {
  const progress = new Map<string, string>();
  for (const [name, step] of Object.entries(definition.steps)) {
    for (const type of step.progress) {
      const other = outcomes.get(type)?.step ?? progress.get(type);
      if (other) problems.push(`steps.${name}.progress: ${type} belongs to step ${other} already`);
      progress.set(type, name);
    }
  }
  return progress;
}

/** Events that each begin a run of steps, and the steps. */
export function collectTriggers(definition: Definition): Map<string, string[]> {
  const repeated = Object.entries(definition.steps).filter(([, step]) => step.on);
  const byType = Map.groupBy(repeated, ([, step]) => step.on!);
  return new Map([...byType].map(([type, steps]) => [type, steps.map(([name]) => name)]));
}

/** An event means one thing. Only what undoes a step may also cancel, and what ends one may also begin another. */
export function checkRoles(
  definition: Definition,
  outcomes: Map<string, Outcome>,
  progress: Map<string, string>,
  problems: string[],
): void {
  const roles = new Map<string, string>([[definition.starts, 'starts']]);
  const settings = ['rejected-by', 'amended-by', 'cancelled-by', 'records', 'shown'] as const;
  for (const setting of settings)
    for (const type of definition[setting]) {
      const other = roles.get(type);
      if (other) problems.push(`${setting}: ${type} is named under "${other}" already; an event means one thing`);
      roles.set(type, setting);
    }
  const inSteps = [...outcomes].map(([type, outcome]) => ({ type, ...outcome, setting: 'until' }));
  const moving = [...progress].map(([type, step]) => ({ type, step, direction: 'forward', setting: 'progress' }));
  for (const { type, step, direction, setting } of [...inSteps, ...moving]) {
    const role = roles.get(type);
    if (role && !(role === 'cancelled-by' && direction === 'compensation'))
      problems.push(`steps.${step}.${setting}: ${type} is named under "${role}" already; an event means one thing`);
  }
}
