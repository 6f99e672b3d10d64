import type { Contracts } from '../contracts.js';
import type { Definition } from '../definition.js';
import type { FactReference } from '../policies.js';
import type { CompiledStep, Outcome, Repetition, Source } from '../process.js';

/** A definition while its commands and conditions are bound to facts, and which facts an instance must therefore keep. */
export interface Binding {
  definition: Definition;
  contracts: Contracts;
  outcomes: Map<string, Outcome>;
  assigned: Map<string, string>;
  problems: string[];
  /** Fields of the start event. */
  startFacts: Set<string>;
  /** Fields of the events of success of each step. */
  stepFacts: Map<string, Set<string>>;
}

/** What of a step is bound: a command, a condition or a policy. */
export interface Place {
  /** In the definition, such as `steps.order.compensation`. */
  path: string;
  step: string;
  repeat: Repetition | undefined;
  /** Takes what the step stands on. Absent of a compensation: what only that uses is no reason to do the step again. */
  uses?: CompiledStep['uses'];
}

export interface CommandPlace extends Place {
  command: string;
  direction: Outcome['direction'];
}

/** Remembers that a fact, or an id that this process assigns, is used at this place. */
export function keep(binding: Binding, { repeat, uses }: Place, source: Source | FactReference): void {
  if (source.from === 'start') {
    binding.startFacts.add(source.field);
    uses?.start.add(source.field);
  }
  if (source.from === 'item') repeat?.fields.add(source.field);
  if (source.from === 'assigned') uses?.steps.add(binding.assigned.get(source.field)!);
  if (source.from !== 'step') return;
  const facts = binding.stepFacts.get(source.step) ?? new Set<string>();
  binding.stepFacts.set(source.step, facts.add(source.field));
  uses?.steps.add(source.step);
}
