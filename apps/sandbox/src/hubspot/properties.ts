import { multiplyDecimals } from '../decimal.js';
import { hubspotError } from './errors.js';
import { objectTypes, type ObjectType } from './object-types.js';

// Properties as values: what may be written, what a write changes, what a reader sees. No I/O.

export type Properties = Record<string, string | null>;

export interface HistoryEntry {
  value: string;
  timestamp: string;
  sourceType: string;
  sourceId: string;
}

/** Newest first, per property. */
export type History = Record<string, HistoryEntry[]>;

export interface ChangeSource {
  sourceType: 'CRM_UI' | 'INTEGRATION';
  sourceId: string;
}

export const dealStages = [
  { id: 'appointmentscheduled', label: 'Appointment scheduled', probability: '0.2' },
  { id: 'qualifiedtobuy', label: 'Qualified to buy', probability: '0.4' },
  { id: 'presentationscheduled', label: 'Presentation scheduled', probability: '0.6' },
  { id: 'decisionmakerboughtin', label: 'Decision maker bought-in', probability: '0.8' },
  { id: 'contractsent', label: 'Contract sent', probability: '0.9' },
  { id: 'closedwon', label: 'Closed won', probability: '1.0' },
  { id: 'closedlost', label: 'Closed lost', probability: '0.0' },
];

const historyLength = 20;

/** Refuses what HubSpot's validation refuses: unknown and read-only properties, wrong numbers, dates and options. */
export function validated(type: ObjectType, given: Record<string, unknown>): Properties {
  const { writable, numbers, dates } = objectTypes[type];
  const problems: { isValid: false; name: string; message: string; error: string }[] = [];
  const properties: Properties = {};
  for (const [name, raw] of Object.entries(given)) {
    if (raw === undefined) continue;
    const value = raw === null ? '' : typeof raw === 'string' ? raw : JSON.stringify(raw);
    const refuse = (error: string, message: string) => problems.push({ isValid: false, name, message, error });
    if (numbers.includes(name) && !writable.includes(name))
      refuse('READ_ONLY_VALUE', `"${name}" is a read only property; its value cannot be set.`);
    else if (dates.includes(name) && !writable.includes(name))
      refuse('READ_ONLY_VALUE', `"${name}" is a read only property; its value cannot be set.`);
    else if (!writable.includes(name) && !name.startsWith('throughline_'))
      refuse('PROPERTY_DOESNT_EXIST', `Property "${name}" does not exist`);
    else if (value !== '' && numbers.includes(name) && !/^-?\d+(\.\d+)?$/.test(value))
      refuse('INVALID_LONG', `${value} was not a valid number.`);
    else if (value !== '' && dates.includes(name) && dateMs(value) === undefined)
      refuse('INVALID_DATE', `${value} was not a valid long.`);
    else if (name === 'dealstage' && !dealStages.some(({ id }) => id === value))
      refuse(
        'INVALID_OPTION',
        `${value} was not one of the allowed options: [${dealStages.map(({ id }) => id).join(', ')}]`,
      );
    else properties[name] = value === '' ? null : dates.includes(name) ? storedDate(value) : value;
  }
  if (problems.length > 0) {
    throw hubspotError(400, 'VALIDATION_ERROR', `Property values were not valid: ${JSON.stringify(problems)}`, {
      errors: problems.map(({ name, message, error }) => ({ message, code: error, context: { propertyName: [name] } })),
    });
  }
  return properties;
}

/** Epoch milliseconds of a date as HubSpot takes it (ISO 8601 or epoch milliseconds). */
export function dateMs(value: string): number | undefined {
  const ms = /^-?\d+$/.test(value) ? Number(value) : Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A plain date stays one; an instant is kept as ISO 8601 with milliseconds. */
function storedDate(value: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : new Date(dateMs(value)!).toISOString();
}

/** Only what differs from the present value is a change: the same written again leaves no trace. */
export function changesOf(current: Properties, wanted: Properties): Properties {
  return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => (current[name] ?? null) !== value));
}

export function withHistory(history: History, changes: Properties, at: Date, source: ChangeSource): History {
  const next = { ...history };
  for (const [name, value] of Object.entries(changes)) {
    const earlier = next[name] ?? [];
    // Two changes within a millisecond keep their order.
    const after = earlier[0] === undefined ? 0 : Date.parse(earlier[0].timestamp) + 1;
    const timestamp = new Date(Math.max(at.getTime(), after)).toISOString();
    next[name] = [{ value: value ?? '', timestamp, ...source }, ...earlier].slice(0, historyLength);
  }
  return next;
}

/** The amount of a line item is its quantity times its price unless it was given. */
export function withLineAmount(properties: Properties, changes: Properties): Properties {
  const concerned = 'quantity' in changes || 'price' in changes;
  const { quantity, price } = { ...properties, ...changes };
  if (!concerned || 'amount' in changes || quantity == null || price == null) return changes;
  return { ...changes, amount: multiplyDecimals(quantity, price) };
}

/** What a reader sees: the asked (or default) properties that exist, and always the three that HubSpot adds. */
export function shownProperties(type: ObjectType, properties: Properties, asked: string[]): Properties {
  const { writable, numbers, dates, defaults } = objectTypes[type];
  const names = [...(asked.length > 0 ? asked : defaults), 'createdate', 'hs_lastmodifieddate', 'hs_object_id'];
  const exists = (name: string) =>
    name in properties || writable.includes(name) || numbers.includes(name) || dates.includes(name);
  return Object.fromEntries([...new Set(names)].filter(exists).map((name) => [name, properties[name] ?? null]));
}
