import type { Definition, StepDefinition } from './definition.js';
import { invalidDefinition } from './errors.js';

/** What the engine must know of the messages; the catalogue of the contracts fits as it is. */
export type Messages = Readonly<Record<string, { kind: 'event' | 'command'; fields: readonly string[] }>>;

export interface Contracts {
  messages: Messages;
  /** Pure: the id of a thing this instance creates; the same arguments must give the same id. */
  assignId: (correlationId: string, field: string) => string;
}

/** Where a command field comes from, decided once per version, so that the order of arrival cannot change a payload. */
export type Source =
  | { from: 'start'; field: string }
  | { from: 'step'; step: string; field: string }
  | { from: 'assigned'; field: string }
  | { from: 'cause' };

export interface CompiledCommand {
  type: string;
  fields: [name: string, source: Source][];
  timeoutMs: number;
}

export interface CompiledStep {
  name: string;
  owner: string;
  after: string[];
  command: CompiledCommand;
  onRefusal: 'compensate' | 'stop';
  compensation: CompiledCommand | undefined;
  /** Fields of this step's success events that commands use. */
  facts: Set<string>;
}

export interface Outcome {
  step: string;
  direction: 'forward' | 'compensation';
  refusal: boolean;
}

/** A definition whose every reference resolves; the only thing `decide` accepts. */
export interface Process {
  name: string;
  version: number;
  owner: string;
  /** As it was written, for storing. */
  source: unknown;
  key: string;
  starts: string;
  rejectedBy: Set<string>;
  cancelledBy: Set<string>;
  records: Set<string>;
  /** Every step stands behind the steps it waits for. */
  steps: CompiledStep[];
  step: (name: string) => CompiledStep;
  outcomes: Map<string, Outcome>;
  assigned: string[];
  startFacts: Set<string>;
  attributes: string[];
  /** Every event type an instance takes. */
  events: Set<string>;
  assignId: Contracts['assignId'];
}

/** The field in which every message of a process says which occurrence of the key it belongs to. */
export const occurrenceField = 'occurrence';

/** By contract an event whose name ends in `Rejected` says that nothing of the thing stands, with `reason`, `field` and `message`. */
export const isRefusal = (eventType: string): boolean => eventType.endsWith('Rejected');

/**
 * Resolves every reference of a definition against the contracts and binds each command field to its source.
 * Throws `PROCESS_DEFINITION_INVALID` with every problem found.
 */
export function compileDefinition(definition: Definition, { messages, assignId }: Contracts): Process {
  const problems: string[] = [];
  const order = sortSteps(definition, problems);
  const outcomes = collectOutcomes(definition, problems);
  const events = new Set([
    definition.starts,
    ...definition['rejected-by'],
    ...definition['cancelled-by'],
    ...definition.records,
    ...outcomes.keys(),
  ]);
  checkMessages(definition, events, messages, problems);
  const assigned = collectAssigned(definition, problems);
  const unknownAttributes = definition.attributes.filter(
    (field) => !messages[definition.starts]?.fields.includes(field),
  );
  problems.push(...unknownAttributes.map((field) => `attributes: ${definition.starts} has no field ${field}`));
  if (problems.length > 0) throw invalidDefinition(definition.process, problems);

  const binder = new Binder(definition, messages, outcomes, assigned, problems);
  const steps = order.map((name) => compileStep(name, definition.steps[name]!, binder));
  if (problems.length > 0) throw invalidDefinition(definition.process, problems);
  for (const step of steps) step.facts = binder.stepFacts.get(step.name) ?? new Set();
  const byName = new Map(steps.map((step) => [step.name, step]));
  return {
    name: definition.process,
    version: definition.version,
    owner: definition.owner,
    source: definition.source,
    key: definition.key,
    starts: definition.starts,
    rejectedBy: new Set(definition['rejected-by']),
    cancelledBy: new Set(definition['cancelled-by']),
    records: new Set(definition.records),
    steps,
    step: (name) => byName.get(name)!,
    outcomes,
    assigned: [...assigned.keys()],
    startFacts: binder.startFacts,
    attributes: definition.attributes,
    events,
    assignId,
  };
}

function compileStep(name: string, step: StepDefinition, binder: Binder): CompiledStep {
  const path = `steps.${name}`;
  const { compensation } = step;
  return {
    name,
    owner: step.owner,
    after: step.after,
    onRefusal: step['on-refusal'],
    command: {
      type: step.command,
      timeoutMs: step.timeout,
      fields: binder.bind(path, step.command, name, step.with, 'forward'),
    },
    compensation:
      compensation === 'none'
        ? undefined
        : {
            type: compensation.command,
            timeoutMs: compensation.timeout ?? step.timeout,
            fields: binder.bind(`${path}.compensation`, compensation.command, name, compensation.with, 'compensation'),
          },
    facts: new Set(),
  };
}

/** Steps in an order in which each stands behind those it waits for; cycles and unknown names become problems. */
function sortSteps(definition: Definition, problems: string[]): string[] {
  const sorted: string[] = [];
  const visit = (name: string, trail: string[]): void => {
    if (sorted.includes(name)) return;
    if (trail.includes(name)) {
      problems.push(`steps.${name}.after: waits for itself (${[...trail, name].join(' -> ')}); remove one of these`);
      return;
    }
    for (const before of definition.steps[name]!.after) {
      if (definition.steps[before]) visit(before, [...trail, name]);
      else problems.push(`steps.${name}.after: there is no step "${before}"`);
    }
    sorted.push(name);
  };
  for (const name of Object.keys(definition.steps)) visit(name, []);
  return [...new Set(sorted)];
}

function collectOutcomes(definition: Definition, problems: string[]): Map<string, Outcome> {
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
    add(`steps.${name}.until`, step.until, name, 'forward');
    if (step.compensation !== 'none') {
      add(`steps.${name}.compensation.until`, step.compensation.until, name, 'compensation');
    }
  }
  return outcomes;
}

function checkMessages(definition: Definition, events: Set<string>, messages: Messages, problems: string[]): void {
  const required = [definition.key, occurrenceField];
  for (const type of events) {
    const message = messages[type];
    if (message?.kind !== 'event') {
      problems.push(`${type}: the contracts know no event of this name${suggest(type, 'event', messages)}`);
      continue;
    }
    const needed = isRefusal(type) ? [...required, 'reason', 'message'] : required;
    const absent = needed.filter((field) => !message.fields.includes(field));
    if (absent.length > 0) problems.push(`${type}: has no field ${absent.join(', ')}, which this process needs of it`);
  }
  for (const [name, step] of Object.entries(definition.steps)) {
    const commands = step.compensation === 'none' ? [step.command] : [step.command, step.compensation.command];
    for (const type of commands) {
      if (messages[type]?.kind === 'command') continue;
      problems.push(`steps.${name}: the contracts know no command ${type}${suggest(type, 'command', messages)}`);
    }
  }
}

function suggest(type: string, kind: 'event' | 'command', messages: Messages): string {
  const similar = Object.keys(messages).filter(
    (known) => messages[known]?.kind === kind && (known.startsWith(type.slice(0, 6)) || known.endsWith(type.slice(-6))),
  );
  return similar.length > 0 ? `; did you mean ${similar.join(' or ')}?` : '';
}

function collectAssigned(definition: Definition, problems: string[]): Map<string, string> {
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

/** Binds command fields to facts, and remembers which facts an instance must therefore keep. */
class Binder {
  readonly startFacts = new Set<string>();
  readonly stepFacts = new Map<string, Set<string>>();

  constructor(
    private readonly definition: Definition,
    private readonly messages: Messages,
    private readonly outcomes: Map<string, Outcome>,
    private readonly assigned: Map<string, string>,
    private readonly problems: string[],
  ) {}

  bind(
    path: string,
    command: string,
    step: string,
    overrides: Record<string, string>,
    direction: Outcome['direction'],
  ): [string, Source][] {
    const fields = this.messages[command]!.fields;
    for (const field of Object.keys(overrides)) {
      if (!fields.includes(field)) this.problems.push(`${path}.with.${field}: ${command} has no such field`);
    }
    const upstream = this.upstream(step);
    const visible = direction === 'forward' ? upstream : [...upstream, step];
    return fields.flatMap((field) => {
      const override = overrides[field];
      const source = override
        ? this.explicit(`${path}.with.${field}`, override, visible)
        : this.implicit(path, command, field, [...upstream, step], visible, direction);
      if (source) this.keep(source);
      return source ? [[field, source] as [string, Source]] : [];
    });
  }

  private explicit(path: string, reference: string, visible: string[]): Source | undefined {
    const [type, field] = reference.split('.') as [string, string];
    if (!this.messages[type]?.fields.includes(field)) {
      this.problems.push(`${path}: ${type} has no field ${field}`);
      return undefined;
    }
    if (type === this.definition.starts) return { from: 'start', field };
    const outcome = this.outcomes.get(type);
    if (outcome?.direction === 'forward' && !outcome.refusal && visible.includes(outcome.step)) {
      return { from: 'step', step: outcome.step, field };
    }
    this.problems.push(`${path}: ${type} is not known when this command is sent; add its step to "after"`);
    return undefined;
  }

  private implicit(
    path: string,
    command: string,
    field: string,
    assigners: string[],
    visible: string[],
    direction: Outcome['direction'],
  ): Source | undefined {
    // The start event's word on the deal stands; ids that this process assigns are its own.
    const assigner = this.assigned.get(field);
    if (assigner && assigners.includes(assigner)) return { from: 'assigned', field };
    if (this.messages[this.definition.starts]!.fields.includes(field)) return { from: 'start', field };
    if (direction === 'compensation' && field === 'reason') return { from: 'cause' };
    const providers = visible.filter((step) => this.provides(step, field));
    const [provider] = providers;
    if (providers.length === 1 && provider) return { from: 'step', step: provider, field };
    this.problems.push(
      provider
        ? `${path}: ${command}.${field} is known from the steps ${providers.join(' and ')}; say which with "with: { ${field}: <Event>.${field} }"`
        : `${path}: ${command}.${field} is not known when the command is sent; assign it, add the step that knows it to "after", or name its source under "with"`,
    );
    return undefined;
  }

  /** True when every event of success of the step carries the field. */
  private provides(step: string, field: string): boolean {
    const successes = this.definition.steps[step]!.until.filter((type) => !isRefusal(type));
    return successes.every((type) => this.messages[type]?.fields.includes(field));
  }

  private upstream(step: string): string[] {
    const before = this.definition.steps[step]!.after;
    return [...new Set([...before.flatMap((name) => this.upstream(name)), ...before])];
  }

  private keep(source: Source): void {
    if (source.from === 'start') this.startFacts.add(source.field);
    if (source.from !== 'step') return;
    const facts = this.stepFacts.get(source.step) ?? new Set<string>();
    this.stepFacts.set(source.step, facts.add(source.field));
  }
}
