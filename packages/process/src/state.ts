/** A message as the engine sees it: the payload in JSON-safe form, and the part of the envelope that matters. */
export interface ProcessEvent {
  messageId: string;
  type: string;
  payload: Record<string, unknown>;
  /** The service that wrote it. */
  source: string;
  /** When it happened, ISO 8601. */
  time: string;
  correlationId: string;
  traceparent?: string;
}

export interface ExternalId {
  system: string;
  tenant: string;
  type: string;
  id: string;
}

/**
 * - `expected`: an event came before the one that starts the instance; it is kept until then
 * - `running`, `compensating`: on the way; `overdue`: the same, and an outcome is later than the definition allows
 * - `completed`: every step done; `compensated`: cancelled, and all that was done is undone
 * - `refused`: a step was refused, and all that was done is undone; `rejected`: could not start, nothing was done
 * - `stopped`: a refusal that the process cannot answer by itself; needs a person
 */
export const statuses = [
  'expected',
  'running',
  'compensating',
  'overdue',
  'stopped',
  'completed',
  'compensated',
  'refused',
  'rejected',
] as const;
export type Status = (typeof statuses)[number];

export type StepStatus =
  | 'waiting'
  | 'commanded'
  | 'done'
  | 'refused'
  | 'compensating'
  | 'compensated'
  | 'compensation-refused'
  /** done, and by definition not undone */
  | 'kept'
  /** the instance was cancelled before it was commanded */
  | 'skipped';

/** One command and its outcome. */
export interface Execution {
  command: string;
  commandedAt?: string;
  dueAt?: string;
  /** Since when the outcome is later than allowed; stays for the record when it comes at last. */
  overdueSince?: string;
  outcomeAt?: string;
  outcome?: string;
  service?: string;
  externalIds?: ExternalId[];
  reason?: string;
  field?: string;
  message?: string;
}

export interface StepState {
  status: StepStatus;
  execution?: Execution;
  compensation?: Execution;
  /** What this step creates was undone in its system before we knew that it exists. */
  undone?: true;
}

/** Why an instance turned back. */
export interface Cause {
  type: string;
  messageId: string;
  at: string;
  /** Set when a step was refused; then the instance ends as `refused`. */
  step?: string;
  reason?: string;
  field?: string;
  message?: string;
}

/** Something a person should look at; the instance went on as far as it could. */
export interface Attention {
  code: 'unexpected-event' | 'started-again';
  type: string;
  messageId: string;
  at: string;
  message: string;
}

export interface State {
  key: string;
  occurrence: number;
  correlationId: string;
  phase: 'new' | 'forward' | 'compensating' | 'ended';
  status: Status;
  steps: Record<string, StepState>;
  /** Steps in the order in which they were done; undone strictly in reverse. */
  completed: string[];
  facts: {
    start: Record<string, unknown>;
    steps: Record<string, Record<string, unknown>>;
    assigned: Record<string, string>;
  };
  /** Fields of the start event shown to people. */
  attributes: Record<string, unknown>;
  cause?: Cause;
  /** Why it could not start; only with status `rejected`. */
  rejection?: Cause;
  /** Outcomes that came before their command; taken when the command is sent. */
  early: ProcessEvent[];
  attention: Attention[];
  /** Ids of the messages taken; a message is taken once. */
  seen: string[];
  startedAt?: string;
  endedAt?: string;
  traceparent?: string;
}

export type Effect =
  | 'started'
  | 'rejected'
  | 'step-done'
  | 'step-refused'
  | 'step-compensated'
  | 'compensation-refused'
  | 'cancelled'
  | 'recorded'
  | 'early'
  | 'late'
  | 'repeated'
  | 'unexpected'
  | 'overdue';

/** What one input did, kept for good. */
export interface HistoryEntry {
  messageId: string;
  type: string;
  effect: Effect;
  step?: string;
  at: string;
  /** Types of the commands sent because of it. */
  commands: string[];
}

export interface Command {
  type: string;
  payload: Record<string, unknown>;
  step: string;
  direction: 'forward' | 'compensation';
}

export function initialState(identity: { key: string; occurrence: number; correlationId: string }): State {
  return {
    ...identity,
    phase: 'new',
    status: 'expected',
    steps: {},
    completed: [],
    facts: { start: {}, steps: {}, assigned: {} },
    attributes: {},
    early: [],
    attention: [],
    seen: [],
  };
}
