import { topics } from '@throughline/contracts';
import { loadRules } from '../../apps/orchestrator/src/load-rules.js';
import type { BusRecord } from './bus.js';

export interface BusVerdict {
  /** Distinct messages. */
  messages: number;
  /** Records beyond the first of each message: allowed, the topics promise at least once. */
  repeats: number;
  problems: string[];
}

const COMMANDS = new Set<string>(topics.filter(({ kind }) => kind === 'command').flatMap(({ types }) => types));
const { processes } = loadRules();
/** They tell that a command is under way, and answer none. */
const PROGRESS = new Set(processes.flatMap(({ progress }) => [...progress.keys()]));
const TELLING_APART = fieldsTellingApart();
/** By command of a step that is repeated: which field says what each is about, and the types that answer it. */
const UNIT_COMMANDS = unitCommands();
const UNIT_ANSWERS = new Set([...UNIT_COMMANDS.values()].flatMap(({ answers }) => [...answers]));

/**
 * What a subscriber that deduplicates by `ce_id` must find: per source and subject the sequences 1, 2, 3 without a gap, in one
 * partition; per closing, or per line, shipment, return or credit note of it, no message type twice; and exactly one answer to every
 * command. An amendment does all once more at most, and each time for another order, invoice or schedule. What was refused of a line, shipment,
 * return or credit note may be asked for again, of the same.
 */
export function checkBus(all: readonly BusRecord[]): BusVerdict {
  const records = all.filter(({ poison }) => !poison);
  const problems: string[] = [];
  const first = new Map<string, BusRecord>();
  const lines = new Map<string, BusRecord>();
  for (const record of records) {
    const known = first.get(record.id);
    if (known) {
      if (known.sequence !== record.sequence || known.subject !== record.subject)
        problems.push(`message ${record.id} was published twice with different headers (${where(record)})`);
      continue;
    }
    first.set(record.id, record);
    const line = `${record.source} ${record.subject}`;
    const last = lines.get(line);
    const expected = (last?.sequence ?? 0) + 1;
    if (record.sequence !== expected)
      problems.push(
        `${record.source} published ${record.type} of ${record.subject} as number ${record.sequence}, not ${expected} (${where(record)})`,
      );
    if (last && (last.topic !== record.topic || last.partition !== record.partition))
      problems.push(`${record.subject} of ${record.source} lies in two partitions (${where(last)}, ${where(record)})`);
    lines.set(line, record);
  }

  const messages = [...first.values()];
  const amendments = counted(
    messages.filter(({ type }) => type === 'OpportunityAmended'),
    ({ correlationId }) => correlationId,
  );
  const told = Map.groupBy(
    messages.flatMap((message) => whatItTells(message).map((telling) => ({ ...telling, message }))),
    ({ what }) => what,
  );
  const refused = counted(
    messages.filter(({ type }) => UNIT_ANSWERS.has(type) && type.endsWith('Rejected')),
    ({ type, correlationId, body }) => aboutOf(correlationId, stepAnsweredBy(type).by, body),
  );
  for (const [what, tellings] of told) {
    const { message, field } = tellings[0]!;
    const again = field === undefined ? 0 : (refused.get(aboutOf(message.correlationId, field, message.body)) ?? 0);
    const runs = 1 + (amendments.get(message.correlationId) ?? 0) + again;
    if (tellings.length > runs) problems.push(`${tellings.length} different messages ${what}`);
    const entities = new Set(tellings.map((telling) => entityOf(telling.message)));
    if (entities.size < tellings.length - again && tellings.length <= runs)
      problems.push(`${tellings.length} different messages ${what} are about the same`);
  }
  const answers = counted(
    messages.filter(({ type, causationId }) => causationId && !PROGRESS.has(type) && !UNIT_ANSWERS.has(type)),
    ({ causationId }) => causationId!,
  );
  const units = counted(
    messages.filter(({ type }) => UNIT_ANSWERS.has(type)),
    ({ type, correlationId, body }) => unitOf(stepAnsweredBy(type), correlationId, body),
  );
  const commands = messages.filter((message) => COMMANDS.has(message.type));
  const asked = counted(
    commands.filter(({ type }) => UNIT_COMMANDS.has(type)),
    ({ type, correlationId, body }) => unitOf(UNIT_COMMANDS.get(type)!, correlationId, body),
  );
  for (const { id, type, correlationId, body } of commands) {
    const unit = UNIT_COMMANDS.get(type);
    const name = unit && unitOf(unit, correlationId, body);
    const count = (name === undefined ? answers.get(id) : units.get(name)) ?? 0;
    const must = name === undefined ? 1 : asked.get(name)!;
    if (count !== must)
      problems.push(`${type} of closing ${correlationId} has ${count} answers instead of ${must === 1 ? 'one' : must}`);
  }
  return { messages: messages.length, repeats: records.length - messages.length, problems };
}

interface UnitCommand {
  by: string;
  answers: Set<string>;
}

/**
 * What is asked of a line, shipment, return or credit note may be answered much later, by whatever happens to it then: stock arrives, or
 * its order is taken back. So it is told by what it is about, and not by what caused it.
 */
function unitCommands(): Map<string, UnitCommand> {
  const commands = new Map<string, UnitCommand>();
  for (const { steps, outcomes } of processes)
    for (const { name, repeat, command } of steps) {
      if (!repeat || !command) continue;
      const own = [...outcomes].filter(([, { step, direction }]) => step === name && direction === 'forward');
      commands.set(command.type, { by: repeat.by, answers: new Set(own.map(([type]) => type)) });
    }
  return commands;
}

function stepAnsweredBy(type: string): UnitCommand {
  return [...UNIT_COMMANDS.values()].find(({ answers }) => answers.has(type))!;
}

function unitOf({ by, answers }: UnitCommand, correlationId: string, body: BusRecord['body']): string {
  return [correlationId, body['orderId'], by, body[by], ...answers].map(String).join(' ');
}

/** Of message types that come more than once in a closing: the fields each value of which comes once, as the processes define them. */
function fieldsTellingApart(): Map<string, Set<string>> {
  const fields = new Map<string, Set<string>>();
  const add = (type: string, field: string): void => void fields.set(type, (fields.get(type) ?? new Set()).add(field));
  for (const { steps, outcomes } of processes) {
    for (const { name, repeat, command } of steps) {
      if (!repeat) continue;
      if (command) add(command.type, repeat.by);
      if (repeat.on) add(repeat.on, repeat.by);
      for (const [type, { step }] of outcomes) if (step === name) add(type, repeat.by);
    }
  }
  // A line is shipped in parts, each with an id by which it begins something; what has no id of its own comes once per run of its step.
  for (const { progress, step } of processes)
    for (const [type, name] of progress) {
      const { repeat } = step(name);
      if (repeat && !fields.has(type)) add(type, repeat.by);
    }
  return fields;
}

/** What may be told once; a credit note that nobody sent goods back for has no return. */
function whatItTells({ type, correlationId, body }: BusRecord): { what: string; field?: string }[] {
  const fields = [...(TELLING_APART.get(type) ?? [])].filter((field) => body[field] !== null);
  if (fields.length === 0) return [{ what: `${type} of closing ${correlationId}` }];
  return fields.map((field) => ({ what: `${type} of closing ${aboutOf(correlationId, field, body)}`, field }));
}

const aboutOf = (correlationId: string, field: string, body: BusRecord['body']): string =>
  `${correlationId}, ${field} ${String(body[field])}`;

/** What an amendment makes anew: the order, invoice or schedule that a message is about, or the numbers of them, or the amendment. */
function entityOf({ subject, body }: BusRecord): string {
  return [subject, body['amendmentId'], body['orderNumber'], body['invoiceNumber']].map(String).join(' ');
}

function counted<T>(things: readonly T[], name: (thing: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const thing of things) counts.set(name(thing), (counts.get(name(thing)) ?? 0) + 1);
  return counts;
}

function where({ topic, partition, offset }: BusRecord): string {
  return `${topic} ${partition}:${offset}`;
}
