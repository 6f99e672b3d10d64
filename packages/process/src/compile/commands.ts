import { suggest } from '@throughline/rule-form';
import type { Messages } from '../contracts.js';
import type { CompiledCommand, Source } from '../process.js';
import { keep, type Binding, type CommandPlace } from './binding.js';
import { fieldType, mayBeNull } from './field-types.js';
import { sourceByName, sourceGiven } from './sources.js';
import { whyNotOfKind, whyPerhapsNull } from './source-fits.js';

/**
 * Binds each field of a command to its source; one that has none, or one that does not fit, is a problem.
 *
 * @param overrides `Event.field` by command field, where a field is not found by its name
 */
export function bindCommand(
  binding: Binding,
  place: CommandPlace,
  overrides: Record<string, string>,
): Omit<CompiledCommand, 'timeout'> {
  const { definition, contracts, problems } = binding;
  const { path, command, direction, step } = place;
  const known = contracts.messages[command]!.fields;
  const lacking = direction === 'forward' ? definition.steps[step]!['stops-without'] : [];
  for (const field of lacking.filter((name) => !known.includes(name)))
    problems.push(`${path}.stops-without: ${command} has no field ${field}${suggest(field, known)}`);
  for (const field of Object.keys(overrides).filter((name) => !known.includes(name)))
    problems.push(`${path}.with.${field}: ${command} has no such field${suggest(field, known)}`);
  const fields = known.flatMap((field): [string, Source][] => {
    const given = overrides[field];
    const at = given ? `${path}.with.${field}` : path;
    const source = given ? sourceGiven(binding, place, given) : sourceByName(binding, place, field);
    if (typeof source === 'string') {
      problems.push(`${at}: ${source}`);
      return [];
    }
    keep(binding, place, source);
    const lacks = whyPerhapsNull(binding, place, field, source);
    if (lacks) problems.push(`${path}: ${lacks}`);
    const misfit = given && whyNotOfKind(binding, place, field, given);
    if (misfit) problems.push(`${at}: ${misfit}`);
    return [[field, source]];
  });
  return { type: command, fields, nullable: nullableFields(contracts.messages, command) };
}

function nullableFields(messages: Messages, command: string): Map<string, boolean> {
  const told = messages[command]!.fields.filter((field) => fieldType(messages, command, field) !== undefined);
  return new Map(told.map((field) => [field, mayBeNull(messages, command, field)]));
}
