import { suggest } from '@throughline/rule-form';
import { isRefusal, occurrenceField, type Contracts, type Messages } from '../contracts.js';
import type { Definition } from '../definition.js';
import { elementFields, fieldType, kindOf } from './field-types.js';

/** Every event and command that is named is known, and every event carries what the process needs of it. */
export function checkMessages(
  definition: Definition,
  events: Set<string>,
  messages: Messages,
  problems: string[],
): void {
  const places = placesOf(definition);
  const startFields = messages[definition.starts]?.fields;
  const isKeyKnown = startFields?.includes(definition.key) ?? true;
  if (!isKeyKnown)
    problems.push(
      `key: ${definition.starts} has no field ${definition.key}${suggest(definition.key, startFields ?? [])}`,
    );
  const required = [...(isKeyKnown ? [definition.key] : []), occurrenceField];
  for (const type of events) {
    const path = places.get(type)!;
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
export function checkStartFields(definition: Definition, contracts: Contracts, problems: string[]): void {
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
export function checkRepetition(definition: Definition, messages: Messages, problems: string[]): void {
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

/** What may have been meant: a message of that name and the other kind is told as such. */
export function instead(type: string, kind: 'event' | 'command', messages: Messages): string {
  if (messages[type]) return `; ${type} is ${messages[type].kind === 'event' ? 'an event' : 'a command'}`;
  const same = Object.keys(messages).filter((known) => messages[known]!.kind === kind);
  return suggest(type, same);
}
