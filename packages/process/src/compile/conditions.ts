import { successesOf } from '../contracts.js';
import type { Compiled, Expression, PolicyOutcome, Scope } from '../policies.js';
import { keep, type Binding, type Place } from './binding.js';
import { stepsBefore } from './order.js';
import { isCertain } from './sources.js';

/** The condition of a step; undefined where it is not valid, with the problems noted. */
export function bindCondition(binding: Binding, place: Place, text: string): Expression<boolean> | undefined {
  return bindExpression(binding, place, binding.contracts.policies?.compileCondition(text, scopeOf(binding, place)));
}

/** The policy of a checkpoint; undefined where it is not valid, with the problems noted. */
export function bindPolicy(binding: Binding, place: Place, name: string): Expression<PolicyOutcome> | undefined {
  return bindExpression(binding, place, binding.contracts.policies?.compilePolicy(name, scopeOf(binding, place)));
}

function bindExpression<T>(
  binding: Binding,
  place: Place,
  compiled: Compiled<T> | undefined,
): Expression<T> | undefined {
  const { problems } = binding;
  if (!compiled) {
    problems.push(`${place.path}: there are no policies to take it from`);
    return undefined;
  }
  if ('problems' in compiled) {
    problems.push(...compiled.problems.map((problem) => `${place.path}: ${problem}`));
    return undefined;
  }
  for (const reference of compiled.reads) keep(binding, place, reference);
  return compiled;
}

/** Only what is certainly known. */
function scopeOf({ definition }: Binding, { step, repeat }: Place): Scope {
  const certain = stepsBefore(definition, step).filter(
    (name) => isCertain(definition, name) && definition.steps[name]!.until,
  );
  const steps = certain.map((name): [string, string[]] => [name, successesOf(definition.steps[name]!.until)]);
  const item = repeat?.on
    ? { type: repeat.on }
    : repeat?.forEach
      ? { type: definition.starts, path: repeat.forEach }
      : undefined;
  return { start: definition.starts, steps: Object.fromEntries(steps), ...(item && { item }) };
}
