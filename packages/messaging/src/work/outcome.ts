import type { EffectResult } from '../message.js';
import type { WorkItem } from './work-item.js';

/** How an attempt ended, to be recorded with the row and its key. */
export type Outcome = { item: WorkItem } & (
  | { kind: 'done'; result: EffectResult; traceparent: string | undefined }
  /** Over: a dead letter; the route says what its successors do. */
  | { kind: 'dead'; error: unknown }
  /** The key waits. */
  | { kind: 'retry'; error: unknown; delayMs: number; counted: boolean; failingMs: number }
  /** As `release`, and the dependency pauses. */
  | { kind: 'pause'; error: unknown; retryAfterMs: number }
  /** The key goes back untouched. */
  | { kind: 'release' }
);

export type Done = Extract<Outcome, { kind: 'done' }>;
export type Dead = Extract<Outcome, { kind: 'dead' }>;
export type Retry = Extract<Outcome, { kind: 'retry' }>;
