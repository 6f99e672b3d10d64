import {
  describeError,
  failSpan,
  linkSpan,
  SpanKind,
  startSpan,
  traceparentOf,
  withActiveSpan,
  type Span,
} from '@throughline/telemetry';
import { codeOf } from '@throughline/contracts';
import { postgresFailure } from '@throughline/postgres';
import { REBUILDING } from '../errors.js';
import { isLockTimeout, LOCK_ALONE_MS, LOCK_OF_MANY_MS } from '../conflicts.js';
import type { MessagingTx } from '../message.js';
import { countRepeated, measureBatch } from '../metrics.js';
import { toRawHeaders, withoutNul } from '../raw-headers.js';
import { STATE_DEPENDENCY, type Routes } from '../routes.js';
import type { Rebuild } from '../replay/rebuild.js';
import { isSampled } from '../sampled.js';
import type { MessagingTransaction, MessagingTransactionOptions } from '../transaction.js';
import { holdKeys } from '../work/settle-work.js';
import { letterOf, type NewWork } from '../work/work-item.js';
import type { DeadLetter } from '../dead-letters/dead-letter.js';
import { assertNoneParked, insertInbox, insertNewInbox, lockParkedKeys } from './insert-inbox.js';
import { planBatch, type BatchPlan, type MessageIntake } from './plan-batch.js';
import type { Intake, KafkaRecord } from './read-record.js';

export interface BatchParts {
  routes: Routes;
  transaction<T>(fn: (tx: MessagingTransaction) => Promise<T>, options?: MessagingTransactionOptions): Promise<T>;
  /** Set where history is taken in anew; then nobody else takes in anything, and handlers have no effects. */
  rebuild?: Rebuild;
}

/**
 * Takes in a batch in one transaction: inbox, then state, then outbox, work and dead letters.
 *
 * @param onlyNew nothing of it is known or waits, as far as can be guessed: then handlers that may be called ahead are, and the transaction
 *   proves the guess. Where it fails for whatever reason of its own, all of it is done again without any guess.
 * @returns whether the guess was right, or would have been
 */
export async function processBatch(parts: BatchParts, intakes: Intake[], onlyNew = false): Promise<boolean> {
  const messages = intakes.filter((intake) => intake.kind === 'message');
  const unreadable = intakes.filter((intake) => intake.kind === 'unreadable');
  const letters = unreadable.map(({ record, error }) => toDeadLetter(record, error));
  if (messages.length === 0 && letters.length === 0) return true;

  const spans = startMessageSpans(messages);
  const batchSpan = startBatchSpan(parts.routes.group, spans);
  const times = measureBatch(parts.routes.group, intakes.length);
  const ofState = messages.filter(({ route }) => route.kind === 'state');
  const lockTimeoutMs = intakes.length > 1 ? LOCK_OF_MANY_MS : LOCK_ALONE_MS;
  const run = (ahead: boolean): Promise<boolean> =>
    parts.transaction(
      async (tx) => {
        tx.addDeadLetters(letters);
        for (const { message } of messages) {
          const span = spans.get(message.envelope.id);
          tx.traceBy(message.envelope.id, span ? traceparentOf(span) : message.envelope.traceparent);
        }
        tx.ahead = ahead;
        const takenIn = ahead ? takeInAhead(tx, parts, ofState) : await takeIn(tx, parts, ofState);
        const plan = planBatch(messages, ...takenIn);
        tx.addWork(plan.effects.map((intake) => ({ ...toWork(intake), consumer: parts.routes.group })));
        tx.addWork(plan.parked.map((intake) => toWork(intake)));
        times.handling();
        const ofHandlers = parts.rebuild ? parts.rebuild.withoutEffects(tx) : tx;
        await callHandlers(plan, ofHandlers);
        times.handled();
        return isAllNew(ofState, takenIn);
      },
      { lockTimeoutMs, workAlone: ofState.length === 0 && letters.length === 0 },
    );
  const inSpan = (ahead: boolean): Promise<boolean> =>
    batchSpan ? withActiveSpan(batchSpan, () => run(ahead)) : run(ahead);
  try {
    const ahead = onlyNew && !parts.rebuild && ofState.length > 0 && ofState.every(mayBeAhead);
    const asGuessed = await inSpan(ahead).catch((error: unknown) => {
      if (!ahead || !mayBeOfGuess(error)) throw error;
      countRepeated(parts.routes.group);
      return inSpan(false);
    });
    times.over();
    return asGuessed;
  } catch (error) {
    for (const span of spans.values()) failSpan(span, error);
    if (batchSpan) failSpan(batchSpan, error);
    throw error;
  } finally {
    for (const span of spans.values()) span.end();
    batchSpan?.end();
  }
}

/** What becomes of the one message that a batch failed for. */
export type Verdict = { kind: 'dead' } | { kind: 'parked'; delayMs: number };

/** Takes in a message that failed: it is not handled again from Kafka, but waits parked or is a dead letter. */
export async function giveUp(
  parts: BatchParts,
  intake: MessageIntake,
  error: unknown,
  verdict: Verdict,
): Promise<void> {
  const record = async (tx: MessagingTransaction): Promise<void> => {
    const [fresh, parked] = await takeIn(tx, parts, [intake]);
    if (!fresh.has(intake.message.envelope.id)) return;
    const held = intake.route.onDeadLetter === 'hold';
    // Another instance may have parked the key meanwhile, for a message of another topic: then this one dies in its turn.
    if (verdict.kind === 'dead' && !(held && parked.has(intake.key))) {
      const row = toWork(intake);
      if (held) void tx.query(holdKeys, [[row.queue], [row.key], 0]);
      tx.addDeadLetters([letterOf(row, error, held)]);
    } else {
      const delayMs = verdict.kind === 'parked' ? verdict.delayMs : 0;
      const lastError = withoutNul(describeError(error)).slice(0, 1_000);
      tx.addWork([{ ...toWork(intake), attempts: 1, lastError, delayMs }]);
    }
  };
  await parts.transaction(record, { lockTimeoutMs: LOCK_ALONE_MS });
}

/** Ids that the inbox did not know, and keys with parked messages. */
type TakenIn = [fresh: ReadonlySet<string>, parked: ReadonlySet<string>];

/** What a handler makes of a message that is known, or of what it took for granted, says nothing of the message. */
const mayBeOfGuess = (error: unknown): boolean =>
  postgresFailure(error) !== 'outage' && !isLockTimeout(error) && codeOf(error) !== REBUILDING;

const mayBeAhead = ({ route }: MessageIntake): boolean => route.kind === 'state' && route.ahead;

function allNew(messages: MessageIntake[]): TakenIn {
  return [new Set(messages.map(({ message }) => message.envelope.id)), new Set()];
}

function isAllNew(messages: MessageIntake[], [fresh, parked]: TakenIn): boolean {
  return fresh.size === allNew(messages)[0].size && parked.size === 0;
}

async function callHandlers({ calls }: BatchPlan, tx: MessagingTx): Promise<void> {
  for (const { handle, messages } of calls) await handle(messages, tx);
}

/** Which ids are new, and which keys have parked messages. The second statement waits behind the first, see lockParkedKeys. */
async function takeIn(
  tx: MessagingTransaction,
  { routes, rebuild }: BatchParts,
  messages: MessageIntake[],
): Promise<TakenIn> {
  if (messages.length === 0) return allNew(messages);
  const stateKeys = keysOf(messages.filter(({ route }) => route.kind === 'state'));
  const [fresh, parked] = await Promise.all([
    tx.query<{ message_id: string }>(insertInbox, [routes.group, idsOf(messages), rebuild?.id ?? null]),
    stateKeys.length > 0 ? tx.query<{ key: string }>(lockParkedKeys, [stateKeys]) : [],
  ]);
  return [new Set(fresh.map((row) => row.message_id)), new Set(parked.map((row) => row.key))];
}

/** Takes for granted that all ids are new and no key has parked messages: COMMIT, which follows without waiting for an answer, fails where not. */
function takeInAhead(tx: MessagingTransaction, { routes }: BatchParts, messages: MessageIntake[]): TakenIn {
  void tx.query(insertNewInbox, [routes.group, idsOf(messages)]);
  void tx.query(assertNoneParked, [keysOf(messages)]);
  return allNew(messages);
}

const idsOf = (messages: MessageIntake[]): string[] =>
  [...new Set(messages.map(({ message }) => message.envelope.id))].sort();
const keysOf = (messages: MessageIntake[]): string[] => [...new Set(messages.map(({ key }) => key))];

function toWork({ record, key, message, route }: MessageIntake): NewWork {
  return {
    queue: route.kind === 'state' ? STATE_DEPENDENCY : route.dependency,
    key,
    kind: route.kind,
    type: message.type,
    messageId: message.envelope.id,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    headers: toRawHeaders(record.headers),
    value: record.value,
    recordKey: record.key?.toString('utf8') === key ? null : record.key,
    job: null,
    traceparent: message.envelope.traceparent ?? null,
    attempts: 0,
    lastError: null,
    delayMs: 0,
    consumer: null,
    message,
  };
}

function toDeadLetter(record: KafkaRecord, error: unknown): DeadLetter {
  const headers = toRawHeaders(record.headers);
  const text = (name: string): string | null => (typeof headers[name] === 'string' ? headers[name] : null);
  return {
    kind: 'record',
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    key: record.key,
    messageId: null,
    type: text('ce_type'),
    headers,
    value: record.value,
    job: null,
    place: null,
    held: false,
    deadLetterId: null,
    traceparent: text('traceparent'),
    error,
    attempts: 1,
    firstFailedAt: null,
  };
}

/** A span per sampled message of a state route, so that one deal is one trace; effects have theirs when they run. */
function startMessageSpans(messages: MessageIntake[]): Map<string, Span> {
  const spans = new Map<string, Span>();
  for (const { message, route, record } of messages) {
    const { id, traceparent } = message.envelope;
    if (route.kind !== 'state' || !isSampled(traceparent) || spans.has(id)) continue;
    const span = startSpan(`process ${message.type}`, {
      parent: traceparent,
      kind: SpanKind.CONSUMER,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.destination.name': record.topic,
        'messaging.message.id': id,
        'throughline.correlation_id': message.envelope.correlationId,
      },
    });
    spans.set(id, span);
  }
  return spans;
}

/** The transaction and its SQL belong to many messages at once: a trace of its own, linked both ways. */
function startBatchSpan(group: string, spans: Map<string, Span>): Span | undefined {
  if (spans.size === 0) return undefined;
  const links = [...spans.values()].map((span) => traceparentOf(span));
  const batch = startSpan(`process batch ${group}`, {
    parent: null,
    kind: SpanKind.CONSUMER,
    links,
    attributes: { 'messaging.system': 'kafka', 'messaging.batch.message_count': spans.size },
  });
  for (const span of spans.values()) linkSpan(span, [traceparentOf(batch)]);
  return batch;
}
