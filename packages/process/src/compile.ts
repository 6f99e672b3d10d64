import { addDuration } from './calendar.js';
import { keep, type Binding, type Place } from './compile/binding.js';
import { checkMessages, checkRepetition, checkStartFields } from './compile/check-contracts.js';
import { bindCommand } from './compile/commands.js';
import { bindCondition, bindPolicy } from './compile/conditions.js';
import { checkRoles, collectOutcomes, collectProgress, collectTriggers } from './compile/events.js';
import { typesOfFact } from './compile/field-types.js';
import { findCalendar } from './compile/find-calendar.js';
import { checkIrreversible, sortSteps } from './compile/order.js';
import { collectAssigned } from './compile/sources.js';
import type { Contracts } from './contracts.js';
import type { Definition, StepDefinition } from './definition.js';
import { invalidDefinition } from './errors.js';
import type { CompiledStep, Process, Repetition } from './process.js';

/**
 * Resolves every reference of a definition against the contracts and binds each command field to its source.
 * Throws `PROCESS_DEFINITION_INVALID` with every problem found.
 */
export function compileDefinition(definition: Definition, contracts: Contracts): Process {
  const { messages } = contracts;
  const problems: string[] = [];
  const order = sortSteps(definition, problems);
  const outcomes = collectOutcomes(definition, problems);
  const progress = collectProgress(definition, outcomes, problems);
  const triggers = collectTriggers(definition);
  const events = new Set([
    definition.starts,
    ...definition['rejected-by'],
    ...definition['cancelled-by'],
    ...definition['amended-by'],
    ...definition.records,
    ...definition.shown,
    ...outcomes.keys(),
    ...progress.keys(),
    ...triggers.keys(),
  ]);
  checkRoles(definition, outcomes, progress, problems);
  checkMessages(definition, events, messages, problems);
  checkRepetition(definition, messages, problems);
  checkIrreversible(definition, problems);
  const assigned = collectAssigned(definition, problems);
  const calendar = findCalendar(definition, contracts, problems);
  checkStartFields(definition, contracts, problems);
  if (problems.length > 0) throw invalidDefinition(definition.process, problems);

  const binding: Binding = {
    definition,
    contracts,
    outcomes,
    assigned,
    problems,
    startFacts: new Set(),
    stepFacts: new Map(),
  };
  const steps = order.map((name) => compileStep(binding, name));
  checkAmendments(binding);
  if (problems.length > 0) throw invalidDefinition(definition.process, problems);
  for (const step of steps) step.facts = binding.stepFacts.get(step.name) ?? new Set();
  const byName = new Map(steps.map((step) => [step.name, step]));
  return {
    name: definition.process,
    version: definition.version,
    owner: definition.owner,
    source: definition.source,
    key: definition.key,
    amount: definition.amount,
    requester: definition.requester,
    starts: definition.starts,
    sla: definition.sla,
    rejectedBy: new Set(definition['rejected-by']),
    cancelledBy: new Set(definition['cancelled-by']),
    amendedBy: new Set(definition['amended-by']),
    records: new Set(definition.records),
    shown: new Set(definition.shown),
    unexpected: definition.unexpected,
    steps,
    step: (name) => byName.get(name)!,
    outcomes,
    progress,
    triggers,
    assigned,
    startFacts: binding.startFacts,
    typesOf: (step, field) => typesOfFact(definition, messages, step, field),
    attributes: definition.attributes,
    events,
    later: (at, duration) => addDuration(at, duration, calendar),
    assignId: contracts.assignId,
  };
}

function compileStep(binding: Binding, name: string): CompiledStep {
  const step = binding.definition.steps[name]!;
  const { compensation, checkpoint, retry } = step;
  const path = `steps.${name}`;
  const repeat = repetitionOf(step);
  // What another process does follows from the steps that this one waits for.
  const uses = { start: new Set<string>(), steps: new Set(step.command || checkpoint ? [] : step.after) };
  const place: Place = { path, step: name, repeat, uses };
  if (repeat?.forEach) keep(binding, place, { from: 'start', field: repeat.forEach });
  const when =
    step.when === undefined ? undefined : bindCondition(binding, { ...place, path: `${path}.when` }, step.when);
  const policy =
    checkpoint === undefined ? undefined : bindPolicy(binding, { ...place, path: `${path}.checkpoint` }, checkpoint);
  return {
    name,
    owner: step.owner,
    after: step.after,
    ...(repeat && { repeat }),
    ...(when && { when: { ...when, text: step.when! } }),
    ...(policy && { checkpoint: { name: checkpoint!, policy, due: step.due } }),
    ...(step.command && {
      command: {
        ...bindCommand(binding, { ...place, command: step.command, direction: 'forward' }, step.with),
        timeout: step.timeout!,
      },
    }),
    timeout: step.timeout,
    sla: step.sla,
    ...(retry && { retry }),
    onRefusal: step['on-refusal'],
    ...(typeof compensation === 'object' && {
      compensation: {
        ...bindCommand(
          binding,
          {
            path: `${path}.compensation`,
            step: name,
            repeat,
            command: compensation.command,
            direction: 'compensation',
          },
          compensation.with,
        ),
        timeout: compensation.timeout ?? step.timeout!,
      },
    }),
    ...(typeof compensation === 'object' && compensation.first && { undoneFirst: compensation.first }),
    ...(step.because && { because: step.because }),
    irreversible: compensation === 'irreversible',
    facts: new Set(),
    uses,
  };
}

function repetitionOf(step: StepDefinition): Repetition | undefined {
  const forEach = step['for-each'];
  if (!step.by || !(forEach ?? step.on)) return undefined;
  return { by: step.by, ...(forEach && { forEach }), ...(step.on && { on: step.on }), fields: new Set([step.by]) };
}

/** An amendment takes the place of the start event. */
function checkAmendments({ definition, contracts, startFacts, problems }: Binding): void {
  for (const type of definition['amended-by']) {
    const absent = [...startFacts].filter((field) => !contracts.messages[type]!.fields.includes(field));
    if (absent.length > 0)
      problems.push(`amended-by: ${type} has no field ${absent.join(', ')}, which this process needs of the start`);
  }
}
