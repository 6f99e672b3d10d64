import type { Evaluation, PolicyOutcome } from './policies.js';

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
 * - `running`, `compensating`, `amending`: on the way; `overdue`: the same, and something is later than the definition allows
 * - `deciding`: nothing goes on before a person has decided; `paused`: a person holds it
 * - `completed`: every step done; `compensated`: cancelled, and all that was done is undone
 * - `refused`: a step was refused, and all that was done is undone; `rejected`: could not start, nothing was done
 * - `stopped`: something that the process cannot answer by itself; needs a person
 */
export const statuses = [
  'expected',
  'running',
  'deciding',
  'amending',
  'compensating',
  'overdue',
  'paused',
  'stopped',
  'completed',
  'compensated',
  'refused',
  'rejected',
] as const;
export type Status = (typeof statuses)[number];

/** After these nothing more happens by itself; a cancellation may still undo what was completed. */
export const ended: readonly Status[] = ['completed', 'compensated', 'refused', 'rejected'];

export const stepStatuses = [
  'waiting',
  'commanded',
  /** another process does it */
  'awaited',
  /** a person decides it */
  'deciding',
  /** refused, and commanded again later */
  'retrying',
  'done',
  /** its condition was false */
  'not-needed',
  'refused',
  'compensating',
  'compensated',
  'compensation-refused',
  /** done, and by definition not undone */
  'kept',
  /** the instance was cancelled before it began, or a person skipped it */
  'skipped',
] as const;
export type StepStatus = (typeof stepStatuses)[number];

/** What was asked for (a command, an event of another process, a decision) and its outcome. */
export interface Execution {
  /** Absent where nothing was commanded. */
  command?: string;
  /** How often it was commanded; absent means once. */
  attempts?: number;
  /** When it was commanded, or since when it is awaited. */
  commandedAt?: string;
  dueAt?: string;
  /** Since when the outcome is later than allowed; stays for the record when it comes at last. */
  overdueSince?: string;
  slaDueAt?: string;
  slaBreachedAt?: string;
  /** When it is commanded again. */
  retryAt?: string;
  /** The last event that said it is moving. */
  progress?: string;
  outcomeAt?: string;
  outcome?: string;
  service?: string;
  externalIds?: ExternalId[];
  /** Who decided. */
  by?: string;
  reason?: string;
  field?: string;
  message?: string;
}

/** One run of a step: the only one, or that of one line or one event. */
export interface UnitState {
  status: StepStatus;
  execution?: Execution;
  compensation?: Execution;
  /** What this step creates was undone in its system before we knew that it exists. */
  undone?: true;
  /** Of a repeated step: the fields of its line or event that commands use. */
  item?: Record<string, unknown>;
  /** Its condition, as it was evaluated. */
  condition?: Evaluation<boolean>;
  /** What the policy of a checkpoint said. */
  policy?: PolicyOutcome;
  /** A person let the process go on without it. */
  skipped?: { by: string; reason: string; at: string };
}

/** Why an instance turned back. */
export interface Cause {
  type: string;
  messageId: string;
  at: string;
  /** Set when a step was refused; then the instance ends as `refused`. */
  step?: string;
  by?: string;
  reason?: string;
  field?: string;
  message?: string;
}

/** Something a person should look at; the instance went on as far as it could. */
export interface Attention {
  code:
    'unexpected-event' | 'started-again' | 'earlier-stands' | 'irreversible' | 'not-undone' | 'fact-missing' | 'shown';
  type: string;
  messageId: string;
  at: string;
  message: string;
  /** A person has looked at it. */
  acknowledged?: { by: string; reason: string; at: string };
}

/** What was told since the steps that used the old facts are being undone. */
export interface Amendment {
  start: Record<string, unknown>;
  attributes: Record<string, unknown>;
  /** What is done again. */
  steps: string[];
  /** The events that told it: where it is dropped, the history says so of each. */
  messageIds: string[];
}

/** Nobody has looked at it yet. */
export const isOpen = ({ acknowledged }: Attention): boolean => acknowledged === undefined;

/**
 * Messages are known by their inbox for good, decisions by their task, actions by their audit; this catches what comes twice at once, and
 * the history refuses what neither has caught. So an instance does not grow with its life.
 */
export const SEEN_AT_MOST = 50;

/** Of cancellations one is known, and of what else came the latest. */
export const MISSED_AT_MOST = 50;

export interface State {
  key: string;
  occurrence: number;
  correlationId: string;
  phase: 'new' | 'forward' | 'amending' | 'compensating' | 'ended';
  status: Status;
  /** By unit: `order`, or `fulfilment/<line>` of a step that is repeated. */
  steps: Record<string, UnitState>;
  /** Units in the order in which they were done; undone strictly in reverse. */
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
  /** How often it was amended; absent means never. */
  revision?: number;
  /** New facts, in force as soon as what used the old ones is undone. */
  amendment?: Amendment;
  /** What was refused, or skipped, before an amendment replaced it, with the ids of then: a success that comes late must be seen. */
  refusedBefore?: { unit: string; ids: Record<string, string> }[];
  /** Events that came while it turned back and were not taken, at most {@link MISSED_AT_MOST}: people hear of them if it is kept after all. */
  missed?: { type: string; messageId: string }[];
  paused?: { by: string; reason: string; at: string };
  slaDueAt?: string;
  slaBreachedAt?: string;
  /** When it ended in time for the first time. */
  slaKeptAt?: string;
  /** Who asked for it, as the start event and amendments say: none of them decides about it. */
  requesters?: string[];
  /** Events that came before their time; taken when it has come. */
  early: ProcessEvent[];
  attention: Attention[];
  /** Ids of the latest inputs taken, at most {@link SEEN_AT_MOST}: none of them is taken twice. Whoever brings events keeps the others away. */
  seen: string[];
  startedAt?: string;
  endedAt?: string;
  traceparent?: string;
}

export const effects = [
  'started',
  'rejected',
  'step-done',
  'step-refused',
  'step-retrying',
  'step-retried',
  'step-skipped',
  'step-compensated',
  'compensation-refused',
  'triggered',
  'progress',
  'cancelled',
  'amended',
  'paused',
  'resumed',
  'repaired',
  'acknowledged',
  'kept',
  'migrated',
  'recorded',
  'early',
  'late',
  'repeated',
  'unexpected',
  'overdue',
  'sla-breached',
] as const;
export type Effect = (typeof effects)[number];

/** What one input did, kept for good. */
export interface HistoryEntry {
  messageId: string;
  type: string;
  effect: Effect;
  /** The unit it was about. */
  step?: string;
  at: string;
  /** Types of the commands sent because of it. */
  commands: string[];
  /**
   * Of what a person did: who, why, and with which facts. Of any input: the conditions and policies that were evaluated, and as `dropped` the
   * ids of the amendments that will not come into force because of it.
   */
  detail?: Record<string, unknown>;
}

export interface Command {
  type: string;
  payload: Record<string, unknown>;
  /** The unit. */
  step: string;
  direction: 'forward' | 'compensation';
}

/** A person is asked: what a checkpoint puts before them. */
export interface TaskRequest {
  unit: string;
  step: string;
  checkpoint: string;
  owner: string;
  policy: PolicyOutcome;
  /** What the decision stands on. */
  facts: Record<string, unknown>;
  /** Who asked for it, the latest last: none of them may decide. */
  requesters: string[];
  dueAt?: string;
}

export interface TaskChanges {
  opened: TaskRequest[];
  /** Nobody needs to decide any more. */
  closed: { unit: string; reason: string }[];
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
