import { successesOf, type Messages } from '../contracts.js';
import type { Definition } from '../definition.js';

/** The type of a field by its Avro schema; undefined where the contract tells none. */
export function fieldType(messages: Messages, type: string, field: string): unknown {
  const schema = messages[type]?.schema as { fields?: AvroField[] } | undefined;
  return schema?.fields?.find(({ name }) => name === field)?.type;
}

/** The types of a fact, of the start or of a step's events of success; none where the contracts tell none. */
export function typesOfFact(
  definition: Definition,
  messages: Messages,
  step: string | undefined,
  field: string,
): unknown[] {
  const events = step === undefined ? [definition.starts] : successesOf(definition.steps[step]?.until);
  return events.map((type) => fieldType(messages, type, field)).filter((type) => type !== undefined);
}

/** What a field holds, as a person would say it, null apart; undefined where the contract does not tell. */
export function kindOf(type: unknown): string | undefined {
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

export const isNullable = (type: unknown): boolean => type === 'null' || (Array.isArray(type) && type.includes('null'));

export const mayBeNull = (messages: Messages, type: string, field: string): boolean =>
  isNullable(fieldType(messages, type, field));

/** The fields of a list field's elements, read from the Avro schema; undefined where it is no list of records. */
export function elementSchema(messages: Messages, type: string, field: string): AvroField[] | undefined {
  const list = fieldType(messages, type, field) as { type?: unknown; items?: { fields?: AvroField[] } } | undefined;
  return list?.type === 'array' ? list.items?.fields : undefined;
}

export const elementFields = (messages: Messages, type: string, field: string): string[] | undefined =>
  elementSchema(messages, type, field)?.map(({ name }) => name);

interface AvroField {
  name: string;
  type: unknown;
}
