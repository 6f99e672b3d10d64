import type { Contracts } from './contracts.js';
import type { Duration } from './duration.js';
import type { Expression, PolicyOutcome } from './policies.js';

/** A definition whose every reference resolves; the only thing `decide` accepts. */
export interface Process {
  name: string;
  version: number;
  owner: string;
  /** As it was written, for storing. */
  source: unknown;
  key: string;
  amount: string | undefined;
  /** The field of the start event that says who asked for it. */
  requester: string | undefined;
  starts: string;
  sla: Duration | undefined;
  rejectedBy: Set<string>;
  cancelledBy: Set<string>;
  amendedBy: Set<string>;
  records: Set<string>;
  /** Events that only people can answer. */
  shown: Set<string>;
  unexpected: 'attention' | 'pause';
  /** Every step stands behind the steps it waits for. */
  steps: CompiledStep[];
  step: (name: string) => CompiledStep;
  outcomes: Map<string, Outcome>;
  /** Events that say a step is moving. */
  progress: Map<string, string>;
  /** Events that each begin a run of steps. */
  triggers: Map<string, string[]>;
  /** Ids that this process makes, and the step each is made by. */
  assigned: Map<string, string>;
  startFacts: Set<string>;
  /** Avro types of a fact, of the start or of a step's events of success; none where the contracts tell none. */
  typesOf: (step: string | undefined, field: string) => unknown[];
  attributes: string[];
  /** Every event type an instance takes. */
  events: Set<string>;
  /** A moment so much later, ISO 8601 in UTC, by the calendar of this process. */
  later: (at: string, duration: Duration) => string;
  assignId: Contracts['assignId'];
}

export interface CompiledStep {
  name: string;
  owner: string;
  after: string[];
  repeat?: Repetition;
  when?: Expression<boolean> & { text: string };
  checkpoint?: { name: string; policy: Expression<PolicyOutcome>; due: Duration | undefined };
  /** Absent where a person decides, or another process acts. */
  command?: CompiledCommand;
  timeout: Duration | undefined;
  sla: Duration | undefined;
  retry?: { attempts: number; every: Duration; reasons: readonly string[] };
  onRefusal: 'compensate' | 'stop';
  compensation?: CompiledCommand;
  /** Why it is undone before all others: where it cannot be, nothing else is touched. */
  undoneFirst?: string;
  /** Why what it did may stand when the rest is undone. */
  because?: string;
  /** It cannot be undone, and somebody must be told when it should be. */
  irreversible: boolean;
  /** Fields of this step's success events that commands and conditions use. */
  facts: Set<string>;
  /** What its command and conditions stand on: fields of the start event, and steps whose facts or ids it uses. */
  uses: { start: Set<string>; steps: Set<string> };
}

/** How a step is repeated: for each element of a list of the start event, or on each event of a type. */
export interface Repetition {
  /** The field that tells the runs apart. */
  by: string;
  forEach?: string;
  on?: string;
  /** Fields of the element or event that its commands and conditions use. */
  fields: Set<string>;
}

export interface CompiledCommand {
  type: string;
  fields: [name: string, source: Source][];
  /** Whether a field may be null, where the contract tells. */
  nullable: Map<string, boolean>;
  timeout: Duration;
}

/** Where a command field comes from, decided once per version, so that the order of arrival cannot change a payload. */
export type Source =
  | { from: 'start'; field: string }
  | { from: 'step'; step: string; field: string }
  | { from: 'item'; field: string }
  | { from: 'assigned'; field: string }
  | { from: 'cause' };

/** What an event that ends a command says, and of which step. */
export interface Outcome {
  step: string;
  direction: 'forward' | 'compensation';
  refusal: boolean;
}
