import { successesOf } from '../contracts.js';
import type { Repetition, Source } from '../process.js';
import type { Binding, CommandPlace } from './binding.js';
import { elementSchema, fieldType, isNullable, kindOf, mayBeNull } from './field-types.js';

/**
 * Why a field that must have a value would be filled from one that may have none; undefined where it is not, or where the definition says
 * that it stops there.
 */
export function whyPerhapsNull(
  binding: Binding,
  { command, step, repeat }: CommandPlace,
  field: string,
  source: Source,
): string | undefined {
  const { messages, isStored } = binding.contracts;
  if (isStored || binding.definition.steps[step]!['stops-without'].includes(field)) return undefined;
  if (fieldType(messages, command, field) === undefined || mayBeNull(messages, command, field)) return undefined;
  const from = nullableField(binding, source, repeat);
  return (
    from &&
    `${command}.${field} must have a value, and ${from} may be null; name another source under "with", or write "stops-without: ${field}" on step ${step}, so that a person repairs it`
  );
}

/** The event field by which a source may be null; undefined where it never is. */
function nullableField(
  { definition, contracts: { messages } }: Binding,
  source: Source,
  repeat: Repetition | undefined,
): string | undefined {
  const lacking = (types: readonly string[], field: string): string | undefined => {
    const type = types.find((one) => mayBeNull(messages, one, field));
    return type && `${type}.${field}`;
  };
  switch (source.from) {
    case 'start':
      return lacking([definition.starts, ...definition['amended-by']], source.field);
    case 'step':
      return lacking(successesOf(definition.steps[source.step]!.until), source.field);
    case 'item': {
      const { on, forEach } = repeat!;
      if (on) return lacking([on], source.field);
      const element = elementSchema(messages, definition.starts, forEach!)?.find(({ name }) => name === source.field);
      return isNullable(element?.type) ? `${definition.starts}.${forEach!}.${source.field}` : undefined;
    }
    default:
      return undefined;
  }
}

/** Why what another field holds is of another kind: an amount is no text. */
export function whyNotOfKind(
  { contracts: { messages, isStored } }: Binding,
  { command }: CommandPlace,
  field: string,
  reference: string,
): string | undefined {
  const [type, from] = reference.split('.') as [string, string];
  const given = kindOf(fieldType(messages, type, from));
  const needed = kindOf(fieldType(messages, command, field));
  if (isStored || given === undefined || needed === undefined || given === needed) return undefined;
  return `${reference} is ${given}, and ${command}.${field} is ${needed}`;
}
