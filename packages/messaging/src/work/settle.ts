import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresFailure, type TransactionOptions } from '@throughline/postgres';
import { describeError, linkSpan, startSpan, traceparentOf, withActiveSpan, type Logger } from '@throughline/telemetry';
import { classify } from '../advice.js';
import { backoff } from '../backoff.js';
import { Conflicts, isLockTimeout, lacksRoom, LOCK_OF_MANY_MS } from '../conflicts.js';
import type { OutgoingMessage } from '../message.js';
import type { Progress } from '../progress.js';
import { withoutNul } from '../raw-headers.js';
import type { Routes } from '../routes.js';
import { isSampled } from '../sampled.js';
import type { MessagingTransaction } from '../transaction.js';
import { readHeads, type StoredWorkRow } from './claim-work.js';
import type { Dead, Done, Outcome, Retry } from './outcome.js';
import { afterFailure, onDeadLetterOf, routeOf } from './run-work.js';
import {
  advanceKeys,
  deleteKeys,
  deleteWork,
  holdKeys,
  lockLeasedKeys,
  recordAttempts,
  recordHandled,
  releaseKeys,
} from './settle-work.js';
import { fromStored, laneOf, letterOf, type WorkItem } from './work-item.js';

export interface SettleParts {
  routes: Routes;
  transaction<T>(fn: (tx: MessagingTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** How long one lock is waited for, in milliseconds. */
  lockTimeoutMs: number;
  leaseMs(queue: string): number;
  /** It is committed. `next`: the next rows of the keys we keep. */
  recorded(outcomes: Outcome[], next: WorkItem[]): void;
  /** Somebody keeps a lock that this one needs: true where it is recorded later, so that no other waits for it. */
  putOff(outcome: Outcome): boolean;
  monotonic: () => number;
  progress: Progress;
  log: Logger;
}

/**
 * Records how attempts ended, many in one transaction, and tells after each what it recorded. While PostgreSQL is away it tries again:
 * the effect has happened, so its outcome must not be dropped. To repeat what was committed after all changes nothing. What cannot be
 * recorded is halved until the culprit stands alone.
 */
export async function settle(parts: SettleParts, all: Outcome[]): Promise<void> {
  const conflicts = new Conflicts();
  let outcomes = all;
  for (let failures = 1; ; failures++) {
    parts.progress.step();
    let next: WorkItem[];
    try {
      next = await inSettleSpan(parts.routes.group, outcomes, async () => {
        // What has met a lock goes by the closer look alone, which waits for longer.
        if (parts.lockTimeoutMs <= LOCK_OF_MANY_MS && outcomes.every(isPlainlyDone))
          outcomes = await settlePlainlyDone(parts, outcomes);
        if (outcomes.length === 0) return [];
        return parts.transaction((tx) => record(parts, tx, outcomes), { lockTimeoutMs: parts.lockTimeoutMs });
      });
    } catch (error) {
      const failure = postgresFailure(error);
      const alone = outcomes.length === 1;
      if (failure === 'outage' || (alone && lacksRoom(error))) {
        conflicts.forget();
        parts.progress.waitingFor = 'postgres';
        parts.log.warn({ err: error, outcomes: outcomes.length }, 'Outcomes of effects wait for PostgreSQL.');
        await sleep(backoff(failures, [100, 3_000], Math.random()));
        continue;
      }
      const waitMs =
        failure === 'conflict' ? conflicts.next(error, alone, performance.now(), Math.random()) : undefined;
      if (waitMs !== undefined) {
        await sleep(waitMs);
      } else if (!alone) {
        const middle = Math.ceil(outcomes.length / 2);
        await settle(parts, outcomes.slice(0, middle));
        return settle(parts, outcomes.slice(middle));
      } else if (isLockTimeout(error) && parts.putOff(outcomes[0]!)) {
        return;
      } else {
        return settleFailed(parts, outcomes[0]!, error);
      }
      continue;
    }
    if (outcomes.length > 0) parts.recorded(outcomes, next);
    return;
  }
}

/** The result of an effect cannot be written, for example because its event does not fit the schema: that is a failed attempt. */
async function settleFailed(parts: SettleParts, outcome: Outcome, error: unknown): Promise<void> {
  const { item } = outcome;
  parts.log.error({ err: error, type: item.type, key: item.key }, `The outcome "${outcome.kind}" cannot be recorded.`);
  if (outcome.kind === 'done') {
    const failed = { item, error, failure: classify(item.kind, error), standing: 'up', ranMs: 0 } as const;
    await settle(parts, [afterFailure(failed, routeOf(parts.routes, item))]);
  }
  // Of any other its lease runs out, and the row is tried again.
}

async function inSettleSpan<T>(group: string, outcomes: Outcome[], run: () => Promise<T>): Promise<T> {
  const span = startSettleSpan(group, outcomes);
  try {
    return await (span ? withActiveSpan(span, run) : run());
  } finally {
    span?.end();
  }
}

/** Nothing to write but the end of the row and its messages: the usual case, and then one statement is the whole transaction. */
export function isPlainlyDone(outcome: Outcome): outcome is Done {
  return outcome.kind === 'done' && !outcome.result.apply && outcome.item.deadLetterId === null;
}

/** Tells of those that it ended, and returns the others: they need a closer look. */
async function settlePlainlyDone(parts: SettleParts, outcomes: Done[]): Promise<Done[]> {
  let settled: Promise<ReadonlySet<number>> | undefined;
  await parts.transaction(async (tx) => {
    // Not awaited in here: alone, the statement is the transaction, and its answer comes with the COMMIT.
    settled = tx.settleDone(outcomes.map((outcome) => ({ item: outcome.item, emit: emittedBy(outcome) })));
    settled.catch(() => undefined);
  });
  const ended = await settled!;
  if (ended.size === 0) return outcomes;
  parts.recorded(
    outcomes.filter((_, index) => ended.has(index)),
    [],
  );
  return outcomes.filter((_, index) => !ended.has(index));
}

async function record(parts: SettleParts, tx: MessagingTransaction, outcomes: Outcome[]): Promise<WorkItem[]> {
  const leased = await lockOurKeys(tx, outcomes);
  const ours = outcomes.filter(({ item }) => leased.get(laneOf(item))?.lease === item.lease);
  for (const { item } of outcomes.filter((outcome) => !ours.includes(outcome))) {
    parts.log.warn(
      { type: item.type, key: item.key },
      'An outcome came without its lease: it has been recorded, or is left to the next worker.',
    );
  }

  for (const outcome of ours) if (outcome.kind === 'done') await recordResult(tx, outcome);
  const dead = ours.filter((outcome) => outcome.kind === 'dead');
  const holding = dead.filter(({ item }) => onDeadLetterOf(parts.routes, item) === 'hold');
  tx.addDeadLetters(dead.map((outcome) => letterOf(outcome.item, outcome.error, holding.includes(outcome))));

  // A lock that somebody keeps is nobody's fault, and does not count; but who looks finds what waits for it.
  const failing = ours.filter(
    (outcome) => outcome.kind === 'retry' && (outcome.counted || isLockTimeout(outcome.error)),
  ) as Retry[];
  if (failing.length > 0) {
    void tx.query(recordAttempts, [
      failing.map(({ item }) => item.id),
      failing.map(({ error }) => errorText(error)),
      failing.map(({ counted, failingMs, item }) => Math.round(counted ? failingMs : item.failingMs)),
      failing.map(({ counted }) => (counted ? 1 : 0)),
    ]);
  }
  const back = ours.filter(({ kind }) => kind === 'retry' || kind === 'pause' || kind === 'release');
  if (back.length > 0) {
    void tx.query(releaseKeys, [
      ...lanes(back),
      back.map((outcome) => (outcome.kind === 'retry' ? outcome.delayMs : 0)),
    ]);
  }
  const over = ours.filter(({ kind }) => kind === 'done' || kind === 'dead');
  if (over.length === 0) return [];
  void tx.query(deleteWork, [over.map(({ item }) => item.id)]);
  const letters = over.flatMap(({ kind, item }) => (kind === 'done' && item.deadLetterId) || []);
  if (letters.length > 0) void tx.query(recordHandled, [letters]);
  if (holding.length > 0) void tx.query(holdKeys, [...lanes(holding), 1]);
  const going: Outcome[] = over.filter((outcome) => !holding.includes(outcome as Dead));
  const last = going.filter(({ item }) => leased.get(laneOf(item))!.pending === 1);
  if (last.length > 0) void tx.query(deleteKeys, lanes(last));
  return keepKeys(
    parts,
    tx,
    going.filter((outcome) => !last.includes(outcome)),
  );
}

interface LeasedKey {
  lease: string;
  pending: number;
}

/**
 * The keys whose lease is still ours, by lane; they stay locked until COMMIT, so nobody adds or claims meanwhile. One key may come with an
 * outcome of an older lease as well: whoever came too late is told by the lease.
 */
async function lockOurKeys(tx: MessagingTransaction, outcomes: Outcome[]): Promise<Map<string, LeasedKey>> {
  const rows = await tx.query<LeasedKey & { queue: string; key: string }>(lockLeasedKeys, [
    ...lanes(outcomes),
    outcomes.map(({ item }) => item.lease),
  ]);
  return new Map(rows.map((row) => [laneOf(row), row]));
}

async function recordResult(tx: MessagingTransaction, done: Done): Promise<void> {
  tx.traceBy(done.item.messageId, traceOf(done));
  await done.result.apply?.(tx);
  tx.emit(emittedBy(done));
}

function emittedBy(done: Done): OutgoingMessage[] {
  const { item, result } = done;
  return (result.emit ?? []).map((message) => ({
    ...message,
    causationId: message.causationId ?? item.messageId,
    traceparent: message.traceparent ?? traceOf(done),
  }));
}

function traceOf({ item, traceparent }: Done): string | undefined {
  return traceparent ?? item.traceparent ?? undefined;
}

/** Keys with successors stay with us: their next rows run without a claim. */
async function keepKeys(parts: SettleParts, tx: MessagingTransaction, kept: Outcome[]): Promise<WorkItem[]> {
  if (kept.length === 0) return [];
  const lease = randomUUID();
  tx.leasing(
    lease,
    kept.map(({ item }) => item),
  );
  const leaseMs = kept.map(({ item }) => parts.leaseMs(item.queue));
  const leasedFrom = parts.monotonic();
  void tx.query(advanceKeys, [...lanes(kept), leaseMs, lease]);
  const heads = await tx.query<StoredWorkRow>(readHeads, lanes(kept));
  return heads.map((row) => fromStored(row, lease, leasedFrom + parts.leaseMs(row.queue)));
}

function lanes(outcomes: Outcome[]): [string[], string[]] {
  return [outcomes.map(({ item }) => item.queue), outcomes.map(({ item }) => item.key)];
}

function errorText(error: unknown): string {
  return withoutNul(describeError(error)).slice(0, 1_000);
}

/** The transaction belongs to many effects at once: a trace of its own, linked both ways. */
function startSettleSpan(group: string, outcomes: Outcome[]): ReturnType<typeof startSpan> | undefined {
  const sampled = outcomes.filter(
    (outcome): outcome is Done => outcome.kind === 'done' && isSampled(outcome.traceparent),
  );
  if (sampled.length === 0) return undefined;
  const span = startSpan(`settle batch ${group}`, {
    parent: null,
    links: sampled.map(({ traceparent }) => traceparent),
  });
  for (const { item, traceparent } of sampled) {
    const settled = startSpan(`settle ${item.type}`, { parent: traceparent });
    linkSpan(settled, [traceparentOf(span)]);
    settled.end();
  }
  return span;
}
