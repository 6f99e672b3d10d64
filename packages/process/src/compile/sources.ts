import { suggest } from '@throughline/rule-form';
import { successesOf } from '../contracts.js';
import type { Definition } from '../definition.js';
import type { Repetition, Source } from '../process.js';
import type { Binding, CommandPlace } from './binding.js';
import { instead } from './check-contracts.js';
import { elementFields } from './field-types.js';
import { stepsBefore } from './order.js';

/** The source that `Event.field` names, or why it is none. */
export function sourceGiven(binding: Binding, place: CommandPlace, reference: string): Source | string {
  const { definition, contracts, outcomes } = binding;
  const [type, field] = reference.split('.') as [string, string];
  const fields = contracts.messages[type]?.fields;
  if (!fields) return `the contracts know no event ${type}${instead(type, 'event', contracts.messages)}`;
  if (!fields.includes(field)) return `${type} has no field ${field}${suggest(field, fields)}`;
  if (type === place.repeat?.on) return { from: 'item', field };
  if (type === definition.starts) return { from: 'start', field };
  const outcome = outcomes.get(type);
  if (outcome?.direction !== 'forward' || outcome.refusal || !visibleSteps(definition, place).includes(outcome.step))
    return `${type} is not known when this command is sent; add its step to "after"`;
  if (outcome.step === place.step || isCertain(definition, outcome.step))
    return { from: 'step', step: outcome.step, field };
  return `step ${outcome.step} may not run, or runs several times, so ${type} is not certain to be known`;
}

/** The one source that knows a field of this name, or why there is none. */
export function sourceByName(binding: Binding, place: CommandPlace, field: string): Source | string {
  const { definition, contracts, assigned } = binding;
  const { command, direction, step, repeat } = place;
  // The start event's word on the deal stands; ids that this process assigns are its own; a repeated step is about its item.
  const assigner = assigned.get(field);
  if (assigner && [...stepsBefore(definition, step), step].includes(assigner)) return { from: 'assigned', field };
  if (repeat && itemFields(binding, repeat).includes(field)) return { from: 'item', field };
  if (contracts.messages[definition.starts]!.fields.includes(field)) return { from: 'start', field };
  if (direction === 'compensation' && field === 'reason') return { from: 'cause' };
  const providers = visibleSteps(definition, place).filter((name) => provides(binding, name, field));
  const certain = providers.filter((name) => name === step || isCertain(definition, name));
  const [provider] = certain;
  if (certain.length === 1 && provider) return { from: 'step', step: provider, field };
  if (provider)
    return `${command}.${field} is known from the steps ${certain.join(' and ')}; say which with "with: { ${field}: <Event>.${field} }"`;
  if (providers.length > 0)
    return `${command}.${field} is known from step ${providers.join(' and ')} only, which may not run, or runs several times`;
  return `${command}.${field} is not known when the command is sent; assign it, add the step that knows it to "after", or name its source under "with"`;
}

/** A step that may not be needed, or runs several times, has no one outcome. */
export function isCertain(definition: Definition, name: string): boolean {
  const step = definition.steps[name]!;
  return step.when === undefined && step.by === undefined;
}

/** Steps whose outcomes are known when the command is sent: what undoes a step knows also what it brought. */
function visibleSteps(definition: Definition, { step, direction }: CommandPlace): string[] {
  const before = stepsBefore(definition, step);
  return direction === 'forward' ? before : [...before, step];
}

function itemFields({ definition, contracts }: Binding, { on, forEach }: Repetition): readonly string[] {
  const { messages } = contracts;
  if (on) return messages[on]?.fields ?? [];
  return elementFields(messages, definition.starts, forEach!) ?? [];
}

/** True when every event of success of the step carries the field. */
function provides({ definition, contracts }: Binding, step: string, field: string): boolean {
  const successes = successesOf(definition.steps[step]!.until);
  return successes.length > 0 && successes.every((type) => contracts.messages[type]?.fields.includes(field));
}

/** Ids that this process makes, and the step each is made by. */
export function collectAssigned(definition: Definition, problems: string[]): Map<string, string> {
  const assigned = new Map<string, string>();
  for (const [name, step] of Object.entries(definition.steps)) {
    for (const field of step.assigns) {
      const other = assigned.get(field);
      if (other) problems.push(`steps.${name}.assigns: ${field} is assigned by step ${other} already`);
      assigned.set(field, name);
    }
  }
  return assigned;
}
