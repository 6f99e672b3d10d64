import { randomUUID } from 'node:crypto';
import { canonicalId, catalog, newMessageId, type Codec } from '@throughline/contracts';
import {
  mayHaveCommitted,
  type Database,
  type Statement,
  type TransactionOptions,
  type Tx,
} from '@throughline/postgres';
import { currentTraceparent } from '@throughline/telemetry';
import { deadLetterColumns, deathsAgainColumns, type DeadLetter } from './dead-letters/dead-letter.js';
import { insertDeadLetters, recordDeathsAgain } from './dead-letters/insert-dead-letters.js';
import { insertInboxes } from './consume/insert-inbox.js';
import { keyHeld, messageTooLarge, noRoute } from './errors.js';
import type { Job, MessagingTx, OutgoingMessage } from './message.js';
import { countDeadLetters } from './metrics.js';
import { insertOutbox, outboxColumns, type InsertedOutboxRow } from './outbox/insert-outbox.js';
import type { OutboxRow } from './outbox/outbox-row.js';
import { deleteOutbox } from './outbox/read-outbox.js';
import type { RelayQueue } from './outbox/relay-queue.js';
import type { Routes } from './routes.js';
import { insertWork, type InsertedWorkRow } from './work/insert-work.js';
import { lockFullKeys } from './work/lock-full-keys.js';
import { settleDone, type SettledRow } from './work/settle-done.js';
import { laneOf, letterOf, workColumns, type Lane, type NewWork, type WorkItem } from './work/work-item.js';

/** What a transaction tells the worker side. */
export interface WorkSink {
  /** Lease for a key that becomes busy with this row, in milliseconds; `undefined` while no more work is wanted. */
  leaseMs(queue: string): number | undefined;
  /** Leased rows, committed. */
  accept(items: WorkItem[]): void;
  /** The answer to the COMMIT of this lease was lost: these keys may bear it, and no row of theirs comes. */
  lost(lease: string, lanes: Lane[]): void;
  /** Whether a held key has no room for more rows, as of the last look at the table; and how many there may be. */
  isFull(queue: string, key: string): boolean;
  readonly heldRowsPerKey: number;
  /** A row was stored in each of these queues; in some there are rows that somebody has to claim. */
  stored(queues: string[], unclaimed: ReadonlySet<string>): void;
}

export interface TransactionParts {
  database: Database;
  codec: Codec;
  routes: Routes;
  relayQueue: RelayQueue;
  relay: { notify(): void };
  work: WorkSink;
  instanceId: string;
  /** Of the service, kept with its dead letters. */
  version: string | null;
  topicPrefix: string;
  messageBytes: number;
  /** Wall clock, in milliseconds since 1970. */
  now: () => number;
  monotonic: () => number;
}

export interface MessagingTransactionOptions extends TransactionOptions {
  /** Most probably nothing but work is stored: the statement that does it then sets its time limit itself, and is the whole transaction. */
  workAlone?: boolean;
}

/** Runs `fn` in a transaction that carries its messages and work, and hands both on from memory after the COMMIT. */
export async function inTransaction<T>(
  parts: TransactionParts,
  fn: (tx: MessagingTransaction) => Promise<T>,
  { workAlone = false, ...options }: MessagingTransactionOptions = {},
): Promise<T> {
  let current: MessagingTransaction | undefined;
  try {
    const result = await parts.database.transaction(
      async (raw) => {
        const tx = (current = new MessagingTransaction(parts, raw, workAlone ? options.lockTimeoutMs : undefined));
        const value = await fn(tx);
        await tx.flush();
        return value;
      },
      workAlone ? {} : options,
    );
    await current!.committed();
    return result;
  } catch (error) {
    current?.aborted(error);
    throw error;
  }
}

const limitLocks: Statement = {
  name: 'limit-lock-waits',
  text: `SELECT set_config('lock_timeout', $1, true)`,
};

export class MessagingTransaction implements MessagingTx {
  ahead = false;
  private readonly outgoing: OutboxRow[] = [];
  private readonly jobs: Job[] = [];
  private work: NewWork[] = [];
  private readonly deadLetters: DeadLetter[] = [];
  private readonly callbacks: (() => void)[] = [];
  /** Traceparent of the span that handles a message, by message id. */
  private readonly spans = new Map<string, string>();

  private written: { keys: Set<string>; writer: string; rows: Promise<InsertedOutboxRow[]> } | undefined;
  private stored: { lease: string; rows: Promise<InsertedWorkRow[]>; leasedUntil: Map<string, number> } | undefined;
  private readonly leases = new Map<string, Lane[]>();
  private deleting: number[] = [];
  private statements = 0;
  private over = false;

  constructor(
    private readonly parts: TransactionParts,
    private readonly raw: Tx,
    /** For one lock, where the transaction was begun without it. */
    private readonly lockTimeoutMs?: number,
  ) {}

  query<R extends object = Record<string, unknown>>(statement: Statement, values?: unknown[]): Promise<R[]> {
    this.statements++;
    return this.raw.query<R>(statement, values);
  }

  /** Encodes at once, so that a payload that does not fit fails where it was made; then none of them is emitted. */
  emit(messages: OutgoingMessage[]): void {
    const { codec, topicPrefix, messageBytes } = this.parts;
    const now = this.parts.now();
    const rows = messages.map((message): OutboxRow => {
      const entry = catalog[message.type];
      const value = codec.encode(message.type, message.payload);
      if (value.length > messageBytes) throw messageTooLarge(message.type, value.length, messageBytes);
      const span = message.traceparent ?? (message.causationId && this.spans.get(message.causationId));
      return {
        id: 0,
        messageId: newMessageId(now),
        topic: topicPrefix + entry.topic,
        key: String((message.payload as unknown as Record<string, unknown>)[entry.keyField]),
        type: message.type,
        sequence: 0,
        time: new Date(now).toISOString(),
        correlationId: message.correlationId,
        causationId: message.causationId ?? null,
        traceparent: span || currentTraceparent() || null,
        value,
      };
    });
    this.outgoing.push(...rows);
  }

  enqueue(jobs: Job[]): void {
    for (const job of jobs) if (!this.parts.routes.jobs[job.type]) throw noRoute('job', job.type);
    this.jobs.push(...jobs);
  }

  onCommit(fn: () => void): void {
    this.callbacks.push(fn);
  }

  /** This transaction leases keys under `lease`; whoever asked for it takes their rows once it is committed. */
  leasing(lease: string, lanes: Lane[]): void {
    this.leases.set(lease, lanes);
  }

  addWork(rows: NewWork[]): void {
    this.work.push(...rows);
  }

  addDeadLetters(letters: DeadLetter[]): void {
    this.deadLetters.push(...letters);
  }

  /** Messages caused by this one carry on its span's trace. */
  traceBy(messageId: string, traceparent: string | undefined): void {
    if (traceparent) this.spans.set(messageId, traceparent);
  }

  /**
   * Ends rows of the work queue, each with what it emits. Answers the positions of those it ended; the others, whose lease is lost or
   * whose key has more rows, are as before. Nothing else may be emitted in this transaction.
   * @throws at once where a message cannot be encoded, so that the transaction fails with it
   */
  settleDone(rows: { item: WorkItem; emit: OutgoingMessage[] }[]): Promise<ReadonlySet<number>> {
    const emitters: number[] = [];
    for (const [index, { emit }] of rows.entries()) {
      this.emit(emit);
      for (let n = 0; n < emit.length; n++) emitters.push(index + 1);
    }
    const written = this.writing((writer) =>
      this.query<SettledRow>(settleDone, [
        rows.map(({ item }) => item.queue),
        rows.map(({ item }) => item.key),
        rows.map(({ item }) => item.lease),
        rows.map(({ item }) => item.id),
        writer,
        ...outboxColumns(this.outgoing),
        emitters,
      ]),
    );
    const rowsOfOutbox = written.rows.then((all) => all.filter((row) => row.settled === null));
    rowsOfOutbox.catch(() => undefined); // it fails the transaction, which says so
    this.written = { ...written, rows: rowsOfOutbox };
    return written.rows.then(
      (all) => new Set(all.flatMap(({ settled }) => (settled === null ? [] : [Number(settled) - 1]))),
    );
  }

  /** Sends what was collected. The statements are not awaited: they travel with COMMIT, and decide it. */
  async flush(): Promise<void> {
    if (this.jobs.length > 0) this.work.push(...this.jobsAsWork());
    if (this.outgoing.length > 0) this.written ??= this.writing((writer) => this.insertOutbox(writer));
    await this.turnAwayOverflow();
    if (this.work.length > 0) this.storeWork();
    if (this.deadLetters.length > 0) this.writeDeadLetters();
    // A statement that is alone needs no BEGIN and COMMIT: then what was acknowledged leaves by itself, a little later.
    if (this.statements <= 1) return;
    this.deleting = this.parts.relayQueue.takeAcknowledged();
    if (this.deleting.length > 0) void this.query(deleteOutbox, [this.deleting]);
  }

  async committed(): Promise<void> {
    this.over = true;
    const { relayQueue, relay, work } = this.parts;
    relayQueue.deleted(this.deleting);
    countDeadLetters(this.deadLetters);
    if (this.written) {
      const inserted = new Map((await this.written.rows).map((row) => [row.message_id, row]));
      const rows = this.outgoing.flatMap((row) => {
        const found = inserted.get(row.messageId);
        return found ? [{ ...row, id: Number(found.id), sequence: Number(found.sequence) }] : [];
      });
      const previous = [...inserted.values()].map((row) => row.previous_writer);
      relayQueue.committed(this.written.keys, this.written.writer, rows, previous);
      relay.notify();
    }
    if (this.stored) {
      const { lease, leasedUntil } = this.stored;
      const byMessage = new Map((await this.stored.rows).map((row) => [row.message_id, row]));
      const items: WorkItem[] = [];
      const stored: string[] = [];
      const unclaimed = new Set<string>();
      for (const row of this.work) {
        const inserted = byMessage.get(row.messageId);
        if (!inserted) continue; // the inbox knew it
        stored.push(row.queue);
        const { id, ours } = inserted;
        if (ours)
          items.push({
            ...row,
            id,
            lease,
            leasedUntil: leasedUntil.get(row.queue)!,
            firstFailedAt: null,
            failingMs: 0,
            deadLetterId: null,
          });
        else unclaimed.add(row.queue);
      }
      work.stored(stored, unclaimed);
      work.accept(items);
    }
    for (const callback of this.callbacks) callback();
  }

  /** It did not commit, or the answer was lost: then the polls find what it left. */
  aborted(error: unknown): void {
    if (this.over) return;
    this.over = true;
    this.parts.relayQueue.notDeleted(this.deleting);
    if (mayHaveCommitted(error)) for (const [lease, lanes] of this.leases) this.parts.work.lost(lease, lanes);
    if (this.written) {
      this.parts.relayQueue.aborted(this.written.keys);
      this.parts.relay.notify();
    }
  }

  private writing<R>(write: (writer: string) => Promise<R[]>): {
    keys: Set<string>;
    writer: string;
    rows: Promise<R[]>;
  } {
    const keys = new Set(this.outgoing.map((row) => row.key));
    const { relayQueue } = this.parts;
    const { writer } = relayQueue;
    relayQueue.begin(keys);
    return { keys, writer, rows: write(writer) };
  }

  private insertOutbox(writer: string): Promise<InsertedOutboxRow[]> {
    return this.query<InsertedOutboxRow>(insertOutbox, [writer, ...outboxColumns(this.outgoing)]);
  }

  private storeWork(): void {
    const lease = randomUUID();
    this.leasing(lease, this.work);
    const leasedUntil = new Map<string, number>();
    const leaseMs = new Map<string, number | undefined>();
    for (const { queue } of this.work) {
      if (leaseMs.has(queue)) continue;
      const ms = this.parts.work.leaseMs(queue);
      leaseMs.set(queue, ms);
      if (ms !== undefined) leasedUntil.set(queue, this.parts.monotonic() + ms);
    }
    const rows = this.query<InsertedWorkRow>(insertWork, [
      lease,
      this.parts.instanceId,
      this.parts.routes.group,
      ...workColumns(this.work, (queue) => leaseMs.get(queue)),
      this.lockTimeoutMs ?? null,
    ]);
    this.stored = { lease, rows, leasedUntil };
  }

  /** One poison deal must not fill the queue: what finds no room behind its held key is a dead letter too, in order. */
  private async turnAwayOverflow(): Promise<void> {
    const { work } = this.parts;
    const suspects = this.work.filter(({ queue, key }) => work.isFull(queue, key));
    if (suspects.length === 0) return;
    if (this.lockTimeoutMs !== undefined) void this.query(limitLocks, [String(this.lockTimeoutMs)]);
    const lanes = [suspects.map(({ queue }) => queue), suspects.map(({ key }) => key)];
    const rows = await this.query<{ queue: string; key: string }>(lockFullKeys, [...lanes, work.heldRowsPerKey]);
    const full = new Set(rows.map(laneOf));
    const over = await this.fresh(this.work.filter((row) => full.has(laneOf(row))));
    this.work = this.work.filter((row) => !full.has(laneOf(row)));
    this.addDeadLetters(over.map((row) => letterOf(row, keyHeld(row.queue, row.key, work.heldRowsPerKey), true)));
  }

  /** Those that the inbox did not know, where they go through it. */
  private async fresh(rows: NewWork[]): Promise<NewWork[]> {
    const through = rows.filter(({ consumer }) => consumer !== null);
    if (through.length === 0) return rows;
    const taken = await this.query<{ message_id: string }>(insertInboxes, [
      this.parts.routes.group,
      through.map(({ consumer }) => consumer),
      through.map(({ messageId }) => messageId),
    ]);
    const ids = new Set(taken.map((row) => row.message_id));
    return rows.filter(({ consumer, messageId }) => consumer === null || ids.has(messageId));
  }

  private writeDeadLetters(): void {
    const { routes, version } = this.parts;
    const again = this.deadLetters.filter(({ deadLetterId }) => deadLetterId !== null);
    const first = this.deadLetters.filter(({ deadLetterId }) => deadLetterId === null);
    if (again.length > 0) void this.query(recordDeathsAgain, deathsAgainColumns(version, again));
    if (first.length > 0) void this.query(insertDeadLetters, deadLetterColumns(routes.group, version, first));
  }

  private jobsAsWork(): NewWork[] {
    const all = new Map<string, NewWork>();
    for (const job of this.jobs) {
      const messageId = canonicalId('job', job.type, job.id);
      if (!all.has(messageId)) all.set(messageId, toWork(job, messageId, this.parts.routes.jobs[job.type]!.dependency));
    }
    return [...all.values()];
  }
}

function toWork(job: Job, messageId: string, queue: string): NewWork {
  return {
    queue,
    key: job.key,
    kind: 'job',
    type: job.type,
    messageId,
    topic: null,
    partition: null,
    offset: null,
    headers: null,
    value: null,
    recordKey: null,
    job: { id: job.id, payload: job.payload },
    traceparent: job.traceparent ?? currentTraceparent() ?? null,
    attempts: 0,
    lastError: null,
    delayMs: 0,
    // Each type of job is a consumer of its own.
    consumer: `job:${job.type}`,
  };
}
