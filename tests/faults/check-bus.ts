import { topics } from '@throughline/contracts';
import type { BusRecord } from './bus.js';

export interface BusVerdict {
  /** Distinct messages. */
  messages: number;
  /** Records beyond the first of each message: allowed, the topics promise at least once. */
  repeats: number;
  problems: string[];
}

const COMMANDS = new Set<string>(topics.filter(({ kind }) => kind === 'command').flatMap(({ types }) => types));

/**
 * What a subscriber that deduplicates by `ce_id` must find: per source and subject the sequences 1, 2, 3 without a gap, in one
 * partition; per closing no message type twice; and exactly one answer to every command.
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
  for (const [closing, count] of counted(messages, ({ correlationId, type }) => `${type} of closing ${correlationId}`))
    if (count > 1) problems.push(`${count} different messages ${closing}`);
  const answers = counted(
    messages.filter(({ causationId }) => causationId),
    ({ causationId }) => causationId!,
  );
  for (const { id, type, correlationId } of messages.filter((message) => COMMANDS.has(message.type))) {
    const count = answers.get(id) ?? 0;
    if (count !== 1) problems.push(`${type} of closing ${correlationId} has ${count} answers instead of one`);
  }
  return { messages: messages.length, repeats: records.length - messages.length, problems };
}

function counted<T>(things: readonly T[], name: (thing: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const thing of things) counts.set(name(thing), (counts.get(name(thing)) ?? 0) + 1);
  return counts;
}

function where({ topic, partition, offset }: BusRecord): string {
  return `${topic} ${partition}:${offset}`;
}
