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

/**
 * What a subscriber that deduplicates by `ce_id` must find: per source and subject the sequences 1, 2, 3 without a gap, in one
 * partition; per closing, or per line, shipment, return or credit note of it, no message type twice; and exactly one answer to every
 * command.
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
  for (const [what, count] of counted(messages.flatMap(whatItTells), (what) => what))
    if (count > 1) problems.push(`${count} different messages ${what}`);
  const answers = counted(
    messages.filter(({ type, causationId }) => causationId && !PROGRESS.has(type)),
    ({ causationId }) => causationId!,
  );
  for (const { id, type, correlationId } of messages.filter((message) => COMMANDS.has(message.type))) {
    const count = answers.get(id) ?? 0;
    if (count !== 1) problems.push(`${type} of closing ${correlationId} has ${count} answers instead of one`);
  }
  return { messages: messages.length, repeats: records.length - messages.length, problems };
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
function whatItTells({ type, correlationId, body }: BusRecord): string[] {
  const fields = [...(TELLING_APART.get(type) ?? [])].filter((field) => body[field] !== null);
  const closing = `${type} of closing ${correlationId}`;
  return fields.length === 0 ? [closing] : fields.map((field) => `${closing}, ${field} ${String(body[field])}`);
}

function counted<T>(things: readonly T[], name: (thing: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const thing of things) counts.set(name(thing), (counts.get(name(thing)) ?? 0) + 1);
  return counts;
}

function where({ topic, partition, offset }: BusRecord): string {
  return `${topic} ${partition}:${offset}`;
}
