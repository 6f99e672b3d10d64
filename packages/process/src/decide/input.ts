import type { Action } from '../actions.js';
import type { EarlierOccurrence } from '../earlier.js';
import type { Command, HistoryEntry, ProcessEvent, State, TaskChanges } from '../state.js';

/** What a person decided at a checkpoint. */
export interface DecisionInput {
  kind: 'decision';
  /** Taken once per id. */
  id: string;
  unit: string;
  verdict: 'approved' | 'rejected';
  by: string;
  reason?: string;
  /** Kept with the history: who else decided, on which form, and the like. */
  detail?: Record<string, unknown>;
}

/** What a person does to an instance. */
export interface ControlInput {
  kind: 'control';
  /** Taken once per id. */
  id: string;
  action: Action;
  /** For `retry` and `skip`. */
  unit?: string;
  by: string;
  reason: string;
  /** For `repair`: facts to put right. For `skip`: what the step would have brought, where later steps need it. */
  facts?: { start?: Record<string, unknown>; steps?: Record<string, Record<string, unknown>> };
  /** For `acknowledge`, always: how many entries of `attention` were shown to whoever acknowledges them. What came since stays open. */
  seen?: number;
}

/** The instance has become one of another version of its process: what is due there begins. */
export interface MigrationInput {
  kind: 'migration';
  /** Taken once per id. */
  id: string;
  from: number;
  to: number;
  by: string;
  reason: string;
}

export interface EventInput {
  kind: 'event';
  event: ProcessEvent;
  /** Of one that starts an instance: what is known of the occurrences before it. */
  earlier?: EarlierOccurrence[];
}

export type Input = EventInput | { kind: 'timer' } | DecisionInput | ControlInput | MigrationInput;

export interface Decision {
  state: State;
  commands: Command[];
  history: HistoryEntry[];
  tasks: TaskChanges;
  /** When the instance wants a timer input, ISO 8601; undefined when it waits for nothing. */
  nextTimerAt: string | undefined;
}
