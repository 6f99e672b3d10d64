import type { Calendar } from './calendar.js';
import type { Policies } from './policies.js';

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

/** What the engine must know of the messages; the catalogue of the contracts fits as it is. */
export type Messages = Readonly<
  Record<string, { kind: 'event' | 'command'; fields: readonly string[]; schema?: unknown }>
>;

/** The field in which every message of a process says which occurrence of the key it belongs to. */
export const occurrenceField = 'occurrence';

/** By contract an event whose name ends in `Rejected` says that nothing of the thing stands, with `reason`, `field` and `message`. */
export const isRefusal = (eventType: string): boolean => eventType.endsWith('Rejected');

/** The events of these that say that something was done. */
export const successesOf = (eventTypes: readonly string[] = []): string[] =>
  eventTypes.filter((type) => !isRefusal(type));
