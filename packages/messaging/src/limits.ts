/** Bounds and waits of one service instance. Times in milliseconds. */
export interface Limits {
  /** Messages taken into one transaction at most. */
  batchMessages: number;
  /** Body of one message at most; what a broker takes by default is a little more. */
  messageBytes: number;
  /** Effects that run at once, per dependency. */
  effectConcurrency: Record<string, number> & { default: number };
  /**
   * Rows that may wait for one dependency, or parked for our own database, before the partitions that bring more of them pause. They
   * resume at four fifths of it. Rows behind held keys do not count.
   */
  workBacklog: number;
  /**
   * Rows that line up behind the dead letter of one key; what comes after them becomes a dead letter too, in order. Looked at with each
   * poll of the queue, so that a burst may go over it.
   */
  heldRowsPerKey: number;
  /** How long a loop that has something to do may stay without progress before the instance calls itself not live. */
  stuckAfterMs: number;
  /** Sign of life of an instance, and for how long it counts: a silent instance's work, and its lead, are taken over after that. */
  aliveEveryMs: number;
  aliveForMs: number;
  /** Outbox poll of the relay's leader while idle; busy, it is adaptive, and four times as long where no other instance lives. */
  relayPollMs: number;
  /** How often the others try to become leader. */
  leaderTryMs: number;
  /** Poll of the work queue while idle. */
  workPollMs: number;
  /** How often offsets are committed; what is read again after a crash is recognised by the inbox. */
  offsetCommitMs: number;
  /** A member that gives no heartbeat for so long loses its partitions. */
  sessionTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  batchMessages: 500,
  messageBytes: 900_000,
  effectConcurrency: { default: 32 },
  workBacklog: 20_000,
  heldRowsPerKey: 1_000,
  stuckAfterMs: 60_000,
  aliveEveryMs: 2_000,
  aliveForMs: 10_000,
  relayPollMs: 250,
  leaderTryMs: 500,
  workPollMs: 1_000,
  offsetCommitMs: 1_000,
  sessionTimeoutMs: 12_000,
};
