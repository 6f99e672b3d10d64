/** What conditions and checkpoints are decided on, JSON-safe: amounts as "1250.0000", dates as "2026-01-31", moments as ISO 8601. */
export interface Facts {
  /** Fields of the event that started the instance. */
  start: Record<string, unknown>;
  /** Fields of the outcomes of steps, by step name. */
  steps: Record<string, Record<string, unknown>>;
  /** The line, or the event, that a repeated step is about. */
  item?: Record<string, unknown>;
}

/** One fact that an expression reads. */
export type FactReference =
  { from: 'start'; field: string } | { from: 'step'; step: string; field: string } | { from: 'item'; field: string };

/** What an expression may name: the fields of the start event as they are, `<step>.<field>`, `item.<field>`, `policy.<name>.<output>`. */
export interface Scope {
  /** Type of the event that starts the process. */
  start: string;
  /** Steps that are done by then: the name as it is written, and the types of their events of success. */
  steps: Record<string, readonly string[]>;
  /** In a repeated step: the type of an event, or of the event whose list field `path` holds the items. */
  item?: { type: string; path?: string };
}

/** What a policy said, kept for good with what it was asked for. */
export interface PolicyOutcome {
  policy: string;
  version: number;
  /** Which row of the table decided. */
  rule: string;
  outputs: Record<string, unknown>;
}

export interface Evaluation<T> {
  value: T;
  /** Every policy that was asked on the way. */
  policies: PolicyOutcome[];
}

/** An expression whose every reference resolves. */
export interface Expression<T> {
  reads: FactReference[];
  /** Pure. Throws where a value cannot be computed, with what is missing and what to do. */
  evaluate(facts: Facts): Evaluation<T>;
}

export type Compiled<T> = Expression<T> | { problems: string[] };

/** Where conditions and checkpoints get their rules from; the engine knows no language of its own for them. */
export interface Policies {
  compileCondition(text: string, scope: Scope): Compiled<boolean>;
  /** The policy that a checkpoint names: who decides, by when, and what happens if nobody does. */
  compilePolicy(name: string, scope: Scope): Compiled<PolicyOutcome>;
}
