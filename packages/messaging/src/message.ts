import type { Envelope, Messages, MessageType } from '@throughline/contracts';
import type { Tx } from '@throughline/postgres';

/** A message as a handler receives it: decoded, deduplicated, in order per key. */
export type Message<T extends MessageType = MessageType> = {
  [K in T]: { type: K; payload: Messages[K]; envelope: Envelope };
}[T];

/** A message a handler wants to send. Its topic and key follow from its type; its id, time and sequence are given to it. */
export type OutgoingMessage<T extends MessageType = MessageType> = {
  [K in T]: {
    type: K;
    payload: Messages[K];
    correlationId: string;
    /** Id of the message that caused this one. */
    causationId?: string | undefined;
    /** Default: the span of the message named by `causationId`, else the active span. */
    traceparent?: string | undefined;
  };
}[T];

/** Work that did not come from Kafka, for example a webhook to be followed up. Stored once for good per (type, id). */
export interface Job<P = unknown> {
  type: string;
  /** Jobs of one key run one after another, in the order in which they were stored. */
  key: string;
  /** Deduplicates: a second job of this type with this id is not stored. */
  id: string;
  /** JSON. */
  payload: P;
  /** Default: the active span. */
  traceparent?: string | undefined;
}

/** A transaction that also carries messages and work: all of it is committed, or nothing. */
export interface MessagingTx extends Tx {
  /**
   * The handler was called ahead (see `state`). It may take for granted what it does not want to wait for, if a statement of this transaction
   * fails where that is not so: then all is rolled back, and it is called again, not ahead.
   */
  readonly ahead?: boolean;
  /** Collected and written in one statement just before COMMIT; published in this order per key. */
  emit(messages: OutgoingMessage[]): void;
  /** Collected and written just before COMMIT. */
  enqueue(jobs: Job[]): void;
  /** Runs after a successful COMMIT. What must not be lost belongs into the transaction, not here. */
  onCommit(fn: () => void): void;
}

/** What an effect handler leaves behind, in one transaction with the end of its work. */
export interface EffectResult {
  emit?: OutgoingMessage[];
  /** State of our own to write in that transaction: SQL only. */
  apply?: (tx: MessagingTx) => Promise<void>;
}
