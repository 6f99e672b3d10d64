import { suggest } from '@throughline/rule-form';
import { addDuration, type Calendar } from './calendar.js';
import type { Definition, StepDefinition } from './definition.js';
import { isBusiness, type Duration } from './duration.js';
import { invalidDefinition } from './errors.js';
import type { Compiled, Expression, FactReference, Policies, PolicyOutcome, Scope } from './policies.js';

/** What the engine must know of the messages; the catalogue of the contracts fits as it is. */
export type Messages = Readonly<
  Record<string, { kind: 'event' | 'command'; fields: readonly string[]; schema?: unknown }>
>;

export interface Contracts {
  messages: Messages;
  /** Pure: the id of a thing this instance creates; the same arguments must give the same id. */
  assignId: (correlationId: string, field: string) => string;
  /** Where `when` and `checkpoint` get their rules; a definition without them needs none. */
  policies?: Policies;
  /** By name, for "business" durations. */
  calendars?: ReadonlyMap<string, Calendar>;
  /** The definition was in force once, and instances may run on it: a field that may be null where it must not is met when it is. */
  isStored?: boolean;
}

/** Where a command field comes from, decided once per version, so that the order of arrival cannot change a payload. */
export type Source =
  | { from: 'start'; field: string }
  | { from: 'step'; step: string; field: string }
  | { from: 'item'; field: string }
  | { from: 'assigned'; field: string }
  | { from: 'cause' };

export interface CompiledCommand {
  type: string;
  fields: [name: string, source: Source][];
  /** Whether a field may be null, where the contract tells. */
  nullable: Map<string, boolean>;
  timeout: Duration;
}

/** How a step is repeated: for each element of a list of the start event, or on each event of a type. */
export interface Repetition {
  /** The field that tells the runs apart. */
  by: string;
  forEach?: string;
  on?: string;
  /** Fields of the element or event that its commands and conditions use. */
  fields: Set<string>;
}

export interface CompiledStep {
  name: string;
  owner: string;
  after: string[];
  repeat?: Repetition;
  when?: Expression<boolean> & { text: string };
  checkpoint?: { name: string; policy: Expression<PolicyOutcome>; due: Duration | undefined };
  /** Absent where a person decides, or another process acts. */
  command?: CompiledCommand;
  timeout: Duration | undefined;
  sla: Duration | undefined;
  retry?: { attempts: number; every: Duration; reasons: readonly string[] };
  onRefusal: 'compensate' | 'stop';
  compensation?: CompiledCommand;
  /** Why it is undone before all others: where it cannot be, nothing else is touched. */
  undoneFirst?: string;
  /** Why what it did may stand when the rest is undone. */
  because?: string;
  /** It cannot be undone, and somebody must be told when it should be. */
  irreversible: boolean;
  /** Fields of this step's success events that commands and conditions use. */
  facts: Set<string>;
  /** What its command and conditions stand on: fields of the start event, and steps whose facts or ids it uses. */
  uses: { start: Set<string>; steps: Set<string> };
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
  amount: string | undefined;
  /** The field of the start event that says who asked for it. */
  requester: string | undefined;
  starts: string;
  sla: Duration | undefined;
  rejectedBy: Set<string>;
  cancelledBy: Set<string>;
  amendedBy: Set<string>;
  records: Set<string>;
  /** Events that only people can answer. */
  shown: Set<string>;
  unexpected: 'attention' | 'pause';
  /** Every step stands behind the steps it waits for. */
  steps: CompiledStep[];
  step: (name: string) => CompiledStep;
  outcomes: Map<string, Outcome>;
  /** Events that say a step is moving. */
  progress: Map<string, string>;
  /** Events that each begin a run of steps. */
  triggers: Map<string, string[]>;
  /** Ids that this process makes, and the step each is made by. */
  assigned: Map<string, string>;
  startFacts: Set<string>;
  /** Avro types of a fact, of the start or of a step's events of success; none where the contracts tell none. */
  typesOf: (step: string | undefined, field: string) => unknown[];
  attributes: string[];
  /** Every event type an instance takes. */
  events: Set<string>;
  /** A moment so much later, ISO 8601 in UTC, by the calendar of this process. */
  later: (at: string, duration: Duration) => string;
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

  const binder = new Binder(definition, contracts, outcomes, assigned, problems);
  const steps = order.map((name) => compileStep(name, definition.steps[name]!, binder));
  for (const type of definition['amended-by']) {
    const absent = [...binder.startFacts].filter((field) => !messages[type]!.fields.includes(field));
    if (absent.length > 0)
      problems.push(`amended-by: ${type} has no field ${absent.join(', ')}, which this process needs of the start`);
  }
  if (problems.length > 0) throw invalidDefinition(definition.process, problems);
  for (const step of steps) step.facts = binder.stepFacts.get(step.name) ?? new Set();
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
    startFacts: binder.startFacts,
    typesOf: (step, field) => typesOfFact(definition, messages, step, field),
    attributes: definition.attributes,
    events,
    later: (at, duration) => addDuration(at, duration, calendar),
    assignId: contracts.assignId,
  };
}

function compileStep(name: string, step: StepDefinition, binder: Binder): CompiledStep {
  const path = `steps.${name}`;
  const { compensation, checkpoint, retry } = step;
  const repeat = repetitionOf(step);
  // What another process does follows from the steps that this one waits for.
  const uses = { start: new Set<string>(), steps: new Set(step.command || checkpoint ? [] : step.after) };
  if (repeat?.forEach) {
    uses.start.add(repeat.forEach);
    binder.startFacts.add(repeat.forEach);
  }
  const when = step.when === undefined ? undefined : binder.condition(`${path}.when`, step.when, name, repeat, uses);
  const policy = checkpoint === undefined ? undefined : binder.policy(`${path}.checkpoint`, checkpoint, name, uses);
  return {
    name,
    owner: step.owner,
    after: step.after,
    ...(repeat && { repeat }),
    ...(when && { when: { ...when, text: step.when! } }),
    ...(policy && { checkpoint: { name: checkpoint!, policy, due: step.due } }),
    ...(step.command && {
      command: {
        type: step.command,
        timeout: step.timeout!,
        fields: binder.bind(path, step.command, name, step.with, 'forward', repeat, uses),
        nullable: binder.nullable(step.command),
      },
    }),
    timeout: step.timeout,
    sla: step.sla,
    ...(retry && { retry }),
    onRefusal: step['on-refusal'],
    ...(typeof compensation === 'object' && {
      compensation: {
        type: compensation.command,
        timeout: compensation.timeout ?? step.timeout!,
        fields: binder.bind(
          `${path}.compensation`,
          compensation.command,
          name,
          compensation.with,
          'compensation',
          repeat,
        ),
        nullable: binder.nullable(compensation.command),
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
    if (step.until) add(`steps.${name}.until`, step.until, name, 'forward');
    if (typeof step.compensation === 'object')
      add(`steps.${name}.compensation.until`, step.compensation.until, name, 'compensation');
  }
  return outcomes;
}

function collectProgress(
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

function collectTriggers(definition: Definition): Map<string, string[]> {
  const repeated = Object.entries(definition.steps).filter(([, step]) => step.on);
  const byType = Map.groupBy(repeated, ([, step]) => step.on!);
  return new Map([...byType].map(([type, steps]) => [type, steps.map(([name]) => name)]));
}

/** An event means one thing. Only what undoes a step may also cancel, and what ends one may also begin another. */
function checkRoles(
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

function checkMessages(definition: Definition, events: Set<string>, messages: Messages, problems: string[]): void {
  const places = placesOf(definition);
  const startFields = messages[definition.starts]?.fields;
  const isKeyKnown = startFields?.includes(definition.key) ?? true;
  if (!isKeyKnown)
    problems.push(
      `key: ${definition.starts} has no field ${definition.key}${suggest(definition.key, startFields ?? [])}`,
    );
  const required = [...(isKeyKnown ? [definition.key] : []), occurrenceField];
  for (const type of events) {
    const path = places.get(type) ?? '(top)';
    const message = messages[type];
    if (message?.kind !== 'event') {
      problems.push(`${path}: the contracts know no event ${type}${instead(type, 'event', messages)}`);
      continue;
    }
    const needed = isRefusal(type) ? [...required, 'reason', 'message'] : required;
    const absent = needed.filter((field) => !message.fields.includes(field));
    if (absent.length > 0)
      problems.push(`${path}: ${type} has no field ${absent.join(', ')}, which this process needs of it`);
  }
  for (const [name, { command, compensation }] of Object.entries(definition.steps)) {
    const undo = typeof compensation === 'object' ? compensation.command : undefined;
    for (const [path, type] of [['command', command] as const, ['compensation.command', undo] as const]) {
      if (type === undefined || messages[type]?.kind === 'command') continue;
      problems.push(
        `steps.${name}.${path}: the contracts know no command ${type}${instead(type, 'command', messages)}`,
      );
    }
  }
}

/** Where each event is named first. */
function placesOf(definition: Definition): Map<string, string> {
  const settings = ['rejected-by', 'cancelled-by', 'amended-by', 'records', 'shown'] as const;
  const named = [
    { path: 'starts', types: [definition.starts] },
    ...settings.map((setting) => ({ path: setting, types: definition[setting] })),
    ...Object.entries(definition.steps).flatMap(([name, { until, progress, on, compensation }]) => [
      { path: `steps.${name}.until`, types: until ?? [] },
      { path: `steps.${name}.progress`, types: progress },
      { path: `steps.${name}.on`, types: on ? [on] : [] },
      { path: `steps.${name}.compensation.until`, types: typeof compensation === 'object' ? compensation.until : [] },
    ]),
  ];
  return new Map(named.flatMap(({ path, types }) => types.map((type) => [type, path] as const)).toReversed());
}

/** What people see of the start, and by what they are told apart. */
function checkStartFields(definition: Definition, contracts: Contracts, problems: string[]): void {
  const { starts, attributes, amount, requester } = definition;
  const message = contracts.messages[starts];
  if (!message) return;
  const named = [
    ...attributes.map((field) => ({ path: 'attributes', field, kind: undefined })),
    ...(amount ? [{ path: 'amount', field: amount, kind: 'an amount' }] : []),
    ...(requester ? [{ path: 'requester', field: requester, kind: 'a text' }] : []),
    ...(message.fields.includes(definition.key) ? [{ path: 'key', field: definition.key, kind: 'a text' }] : []),
  ];
  for (const { path, field, kind } of named) {
    const is = kindOf(fieldType(contracts.messages, starts, field));
    if (!message.fields.includes(field))
      problems.push(`${path}: ${starts} has no field ${field}${suggest(field, message.fields)}`);
    else if (kind !== undefined && is !== undefined && is !== kind && !contracts.isStored)
      problems.push(`${path}: ${starts}.${field} is ${is}; name a field that is ${kind}`);
  }
  if (amount && !message.fields.includes('currency') && !contracts.isStored)
    problems.push(`amount: ${starts} has no field currency, without which an amount says nothing`);
}

/** Every run of a repeated step is told from the others by one field, which everything about it must carry. */
function checkRepetition(definition: Definition, messages: Messages, problems: string[]): void {
  for (const [name, step] of Object.entries(definition.steps)) {
    if (!step.by) continue;
    const { by } = step;
    const forEach = step['for-each'];
    if (step.on === definition.starts)
      problems.push(`steps.${name}.on: ${step.on} starts the instance and comes once; leave "on" out`);
    if (forEach && !elementFields(messages, definition.starts, forEach)) {
      problems.push(`steps.${name}.for-each: ${definition.starts} has no list of records "${forEach}"`);
      continue;
    }
    const compensation = typeof step.compensation === 'object' ? step.compensation.until : [];
    const events = [...(step.on ? [step.on] : []), ...(step.until ?? []), ...step.progress, ...compensation];
    for (const type of events) {
      if (messages[type] && !messages[type].fields.includes(by))
        problems.push(`steps.${name}.by: ${type} has no field ${by}, by which the runs of the step are told apart`);
    }
    if (forEach && !elementFields(messages, definition.starts, forEach)!.includes(by))
      problems.push(`steps.${name}.by: the elements of ${definition.starts}.${forEach} have no field ${by}`);
  }
}

/** Nobody may find out afterwards that a thing cannot be undone: a person must have decided before it, whatever the facts. */
function checkIrreversible(definition: Definition, problems: string[]): void {
  const before = (name: string, seen = new Set<string>()): Set<string> => {
    for (const earlier of definition.steps[name]?.after ?? []) {
      if (seen.has(earlier)) continue;
      seen.add(earlier);
      before(earlier, seen);
    }
    return seen;
  };
  for (const [name, step] of Object.entries(definition.steps)) {
    if (step.compensation !== 'irreversible') continue;
    const isAsked = [...before(name)].some((earlier) => {
      const given = definition.steps[earlier];
      return given?.checkpoint !== undefined && given.when === undefined;
    });
    if (!isAsked)
      problems.push(
        `steps.${name}.compensation: is irreversible, and no person is asked before it; add a checkpoint without "when" to the steps it waits for`,
      );
  }
}

function findCalendar(definition: Definition, { calendars }: Contracts, problems: string[]): Calendar | undefined {
  const calendar = definition.calendar === undefined ? undefined : calendars?.get(definition.calendar);
  if (definition.calendar !== undefined && !calendar) {
    const known = [...(calendars?.keys() ?? [])].join(', ') || 'none';
    problems.push(`calendar: there is no business calendar "${definition.calendar}"; known: ${known}`);
  }
  if (definition.calendar !== undefined) return calendar;
  const durations: [string, Duration | undefined][] = [['sla', definition.sla]];
  for (const [name, step] of Object.entries(definition.steps)) {
    durations.push([`steps.${name}.timeout`, step.timeout], [`steps.${name}.sla`, step.sla]);
    durations.push([`steps.${name}.due`, step.due], [`steps.${name}.retry.every`, step.retry?.every]);
    if (typeof step.compensation === 'object')
      durations.push([`steps.${name}.compensation.timeout`, step.compensation.timeout]);
  }
  for (const [path, duration] of durations)
    if (duration && isBusiness(duration))
      problems.push(`${path}: is in business time; say by which calendar with "calendar: <name>" at the top`);
  return undefined;
}

/** What may have been meant: a message of that name and the other kind is told as such. */
function instead(type: string, kind: 'event' | 'command', messages: Messages): string {
  if (messages[type]) return `; ${type} is ${messages[type].kind === 'event' ? 'an event' : 'a command'}`;
  const same = Object.keys(messages).filter((known) => messages[known]!.kind === kind);
  return suggest(type, same);
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

interface AvroField {
  name: string;
  type: unknown;
}

/** The type of a field by its Avro schema; undefined where the contract tells none. */
function fieldType(messages: Messages, type: string, field: string): unknown {
  const schema = messages[type]?.schema as { fields?: AvroField[] } | undefined;
  return schema?.fields?.find(({ name }) => name === field)?.type;
}

function typesOfFact(definition: Definition, messages: Messages, step: string | undefined, field: string): unknown[] {
  const events = step === undefined ? [definition.starts] : (definition.steps[step]?.until ?? []).filter((type) => !isRefusal(type)); // prettier-ignore
  return events.map((type) => fieldType(messages, type, field)).filter((type) => type !== undefined);
}

/** What a field holds, as a person would say it, null apart; undefined where the contract does not tell. */
function kindOf(type: unknown): string | undefined {
  if (Array.isArray(type)) {
    const branches = type.filter((branch) => branch !== 'null');
    return branches.length === 1 ? kindOf(branches[0]) : undefined;
  }
  if (typeof type === 'object' && type !== null) {
    const { type: inner, logicalType } = type as { type: unknown; logicalType?: string };
    return (logicalType !== undefined && LOGICAL_KINDS[logicalType]) || kindOf(inner);
  }
  return typeof type === 'string' ? KINDS[type] : undefined;
}

const LOGICAL_KINDS: Record<string, string> = { decimal: 'an amount', date: 'a day', 'timestamp-millis': 'a moment' };
const KINDS: Record<string, string> = {
  string: 'a text',
  enum: 'a text',
  int: 'a whole number',
  long: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  record: 'a record',
};

const isNullable = (type: unknown): boolean => type === 'null' || (Array.isArray(type) && type.includes('null'));

const mayBeNull = (messages: Messages, type: string, field: string): boolean =>
  isNullable(fieldType(messages, type, field));

/** The fields of a list field's elements, read from the Avro schema; undefined where it is no list of records. */
function elementSchema(messages: Messages, type: string, field: string): AvroField[] | undefined {
  const list = fieldType(messages, type, field) as { type?: unknown; items?: { fields?: AvroField[] } } | undefined;
  return list?.type === 'array' ? list.items?.fields : undefined;
}

const elementFields = (messages: Messages, type: string, field: string): string[] | undefined =>
  elementSchema(messages, type, field)?.map(({ name }) => name);

/** Binds command fields and conditions to facts, and remembers which facts an instance must therefore keep. */
class Binder {
  readonly startFacts = new Set<string>();
  readonly stepFacts = new Map<string, Set<string>>();

  constructor(
    private readonly definition: Definition,
    private readonly contracts: Contracts,
    private readonly outcomes: Map<string, Outcome>,
    private readonly assigned: Map<string, string>,
    private readonly problems: string[],
  ) {}

  condition(
    path: string,
    text: string,
    step: string,
    repeat: Repetition | undefined,
    uses: CompiledStep['uses'],
  ): Expression<boolean> | undefined {
    const compiled = this.contracts.policies?.compileCondition(text, this.scope(step, repeat));
    return this.expression(path, compiled, repeat, uses);
  }

  policy(path: string, name: string, step: string, uses: CompiledStep['uses']): Expression<PolicyOutcome> | undefined {
    const compiled = this.contracts.policies?.compilePolicy(name, this.scope(step, undefined));
    return this.expression(path, compiled, undefined, uses);
  }

  nullable(command: string): Map<string, boolean> {
    const { messages } = this.contracts;
    const told = messages[command]!.fields.filter((field) => fieldType(messages, command, field) !== undefined);
    return new Map(told.map((field) => [field, mayBeNull(messages, command, field)]));
  }

  bind(
    path: string,
    command: string,
    step: string,
    overrides: Record<string, string>,
    direction: Outcome['direction'],
    repeat: Repetition | undefined,
    uses?: CompiledStep['uses'],
  ): [string, Source][] {
    const fields = this.contracts.messages[command]!.fields;
    const lacking = direction === 'forward' ? this.definition.steps[step]!['stops-without'] : [];
    for (const field of lacking.filter((name) => !fields.includes(name)))
      this.problems.push(`${path}.stops-without: ${command} has no field ${field}${suggest(field, fields)}`);
    for (const field of Object.keys(overrides)) {
      if (!fields.includes(field))
        this.problems.push(`${path}.with.${field}: ${command} has no such field${suggest(field, fields)}`);
    }
    const upstream = this.upstream(step);
    const visible = direction === 'forward' ? upstream : [...upstream, step];
    return fields.flatMap((field) => {
      const override = overrides[field];
      const source = override
        ? this.explicit(`${path}.with.${field}`, override, visible, step, repeat)
        : this.implicit(path, command, field, [...upstream, step], visible, direction, step, repeat);
      if (source) this.keep(source, repeat, uses);
      if (source) this.checkNull(path, command, field, source, step, repeat);
      if (override && source) this.checkKind(`${path}.with.${field}`, command, field, override);
      return source ? [[field, source] as [string, Source]] : [];
    });
  }

  /** What another field holds can be of another kind: an amount is no text. */
  private checkKind(path: string, command: string, field: string, override: string): void {
    const { messages, isStored } = this.contracts;
    const [type, from] = override.split('.') as [string, string];
    const given = kindOf(fieldType(messages, type, from));
    const needed = kindOf(fieldType(messages, command, field));
    if (isStored || given === undefined || needed === undefined || given === needed) return;
    this.problems.push(`${path}: ${override} is ${given}, and ${command}.${field} is ${needed}`);
  }

  /** A field that must have a value is not filled from one that may have none, unless the definition says that it stops there. */
  private checkNull(
    path: string,
    command: string,
    field: string,
    source: Source,
    step: string,
    repeat: Repetition | undefined,
  ): void {
    const { messages, isStored } = this.contracts;
    if (isStored || this.definition.steps[step]!['stops-without'].includes(field)) return;
    if (fieldType(messages, command, field) === undefined || mayBeNull(messages, command, field)) return;
    const from = this.mayLack(source, repeat);
    if (from)
      this.problems.push(
        `${path}: ${command}.${field} must have a value, and ${from} may be null; name another source under "with", or write "stops-without: ${field}" on step ${step}, so that a person repairs it`,
      );
  }

  /** The event field by which a source may be null; undefined where it never is. */
  private mayLack(source: Source, repeat: Repetition | undefined): string | undefined {
    const { definition } = this;
    const { messages } = this.contracts;
    const lacking = (types: readonly string[], field: string): string | undefined => {
      const type = types.find((one) => mayBeNull(messages, one, field));
      return type && `${type}.${field}`;
    };
    switch (source.from) {
      case 'start':
        return lacking([definition.starts, ...definition['amended-by']], source.field);
      case 'step':
        return lacking(
          definition.steps[source.step]!.until!.filter((type) => !isRefusal(type)),
          source.field,
        );
      case 'item': {
        const { on, forEach } = repeat!;
        if (on) return lacking([on], source.field);
        const isNull = isNullable(
          elementSchema(messages, definition.starts, forEach!)?.find(({ name }) => name === source.field)?.type,
        );
        return isNull ? `${definition.starts}.${forEach!}.${source.field}` : undefined;
      }
      default:
        return undefined;
    }
  }

  private expression<T>(
    path: string,
    compiled: Compiled<T> | undefined,
    repeat: Repetition | undefined,
    uses: CompiledStep['uses'],
  ): Expression<T> | undefined {
    if (!compiled) {
      this.problems.push(`${path}: there are no policies to take it from`);
      return undefined;
    }
    if ('problems' in compiled) {
      this.problems.push(...compiled.problems.map((problem) => `${path}: ${problem}`));
      return undefined;
    }
    for (const reference of compiled.reads) this.keep(reference, repeat, uses);
    return compiled;
  }

  /** Only what is certainly known: a step that may not be needed, or runs several times, has no one outcome. */
  private scope(step: string, repeat: Repetition | undefined): Scope {
    const { definition } = this;
    const certain = this.upstream(step).filter((name) => this.isCertain(name) && definition.steps[name]?.until);
    const steps = certain.map((name): [string, string[]] => [
      name,
      definition.steps[name]!.until!.filter((type) => !isRefusal(type)),
    ]);
    const item = repeat?.on
      ? { type: repeat.on }
      : repeat?.forEach
        ? { type: definition.starts, path: repeat.forEach }
        : undefined;
    return { start: definition.starts, steps: Object.fromEntries(steps), ...(item && { item }) };
  }

  private explicit(
    path: string,
    reference: string,
    visible: string[],
    step: string,
    repeat: Repetition | undefined,
  ): Source | undefined {
    const [type, field] = reference.split('.') as [string, string];
    if (!this.contracts.messages[type]?.fields.includes(field)) {
      const fields = this.contracts.messages[type]?.fields;
      this.problems.push(
        fields
          ? `${path}: ${type} has no field ${field}${suggest(field, fields)}`
          : `${path}: the contracts know no event ${type}${instead(type, 'event', this.contracts.messages)}`,
      );
      return undefined;
    }
    if (type === repeat?.on) return { from: 'item', field };
    if (type === this.definition.starts) return { from: 'start', field };
    const outcome = this.outcomes.get(type);
    const isKnown = outcome?.direction === 'forward' && !outcome.refusal && visible.includes(outcome.step);
    if (isKnown && (outcome.step === step || this.isCertain(outcome.step)))
      return { from: 'step', step: outcome.step, field };
    this.problems.push(
      isKnown
        ? `${path}: step ${outcome.step} may not run, or runs several times, so ${type} is not certain to be known`
        : `${path}: ${type} is not known when this command is sent; add its step to "after"`,
    );
    return undefined;
  }

  private implicit(
    path: string,
    command: string,
    field: string,
    assigners: string[],
    visible: string[],
    direction: Outcome['direction'],
    step: string,
    repeat: Repetition | undefined,
  ): Source | undefined {
    // The start event's word on the deal stands; ids that this process assigns are its own; a repeated step is about its item.
    const assigner = this.assigned.get(field);
    if (assigner && assigners.includes(assigner)) return { from: 'assigned', field };
    if (repeat && this.itemFields(repeat).includes(field)) return { from: 'item', field };
    if (this.contracts.messages[this.definition.starts]!.fields.includes(field)) return { from: 'start', field };
    if (direction === 'compensation' && field === 'reason') return { from: 'cause' };
    const providers = visible.filter((name) => this.provides(name, field));
    const certain = providers.filter((name) => name === step || this.isCertain(name));
    const [provider] = certain;
    if (certain.length === 1 && provider) return { from: 'step', step: provider, field };
    this.problems.push(
      provider
        ? `${path}: ${command}.${field} is known from the steps ${certain.join(' and ')}; say which with "with: { ${field}: <Event>.${field} }"`
        : providers.length > 0
          ? `${path}: ${command}.${field} is known from step ${providers.join(' and ')} only, which may not run, or runs several times`
          : `${path}: ${command}.${field} is not known when the command is sent; assign it, add the step that knows it to "after", or name its source under "with"`,
    );
    return undefined;
  }

  private itemFields(repeat: Repetition): readonly string[] {
    const { messages } = this.contracts;
    if (repeat.on) return messages[repeat.on]?.fields ?? [];
    return elementFields(messages, this.definition.starts, repeat.forEach!) ?? [];
  }

  private isCertain(name: string): boolean {
    const step = this.definition.steps[name]!;
    return step.when === undefined && step.by === undefined;
  }

  /** True when every event of success of the step carries the field. */
  private provides(step: string, field: string): boolean {
    const successes = this.definition.steps[step]!.until?.filter((type) => !isRefusal(type)) ?? [];
    return successes.length > 0 && successes.every((type) => this.contracts.messages[type]?.fields.includes(field));
  }

  private upstream(step: string): string[] {
    const before = this.definition.steps[step]!.after;
    return [...new Set([...before.flatMap((name) => this.upstream(name)), ...before])];
  }

  private keep(source: Source | FactReference, repeat: Repetition | undefined, uses?: CompiledStep['uses']): void {
    if (source.from === 'start') {
      this.startFacts.add(source.field);
      uses?.start.add(source.field);
    }
    if (source.from === 'item') repeat?.fields.add(source.field);
    if (source.from === 'assigned') uses?.steps.add(this.assigned.get(source.field)!);
    if (source.from !== 'step') return;
    const facts = this.stepFacts.get(source.step) ?? new Set<string>();
    this.stepFacts.set(source.step, facts.add(source.field));
    uses?.steps.add(source.step);
  }
}
