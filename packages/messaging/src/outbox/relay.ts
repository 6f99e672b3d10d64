import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { TopicMessages } from 'kafkajs';
import { dedicatedClient, type Database, type Statement } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import { backoff } from '../backoff.js';
import type { Publisher } from '../kafka/publisher.js';
import type { Limits } from '../limits.js';
import type { Progress } from '../progress.js';
import { Wake } from '../wake.js';
import { fromStored, toRecord, type OutboxRow } from './outbox-row.js';
import { deleteOutbox, readOutbox, type StoredOutboxRow } from './read-outbox.js';
import type { RelayQueue } from './relay-queue.js';

/** Any number that all instances of one service agree on; they share the database in which it is locked ("rely" in ASCII). */
const RELAY_LOCK = 0x7265_6c79;
const SEND_ROWS = 1_000;
const SEND_BYTES = 900_000;
/** What the topic does not take at once leaves in parts. */
const SEND_LESS = 'MESSAGE_TOO_LARGE';
const POLL_ROWS = 1_000;
const BUSY_POLL_MS = 5;
/** An outbox into which nobody else writes is polled so much less often. */
const ALONE = 4;
/** Acknowledged rows are deleted with the next transaction of the service; alone only after so long, or when so many. */
const DELETE_AFTER_MS = 100;
const DELETE_ROWS = 1_000;

/** A session is closed in this time, or its connection is cut. */
const CLOSE_MS = 500;

const probe: Statement = { name: 'probe-relay-session', text: 'SELECT 1' };
/** `oldest`: what a leader that does its work must have published soon. */
const tryLock: Statement = {
  name: 'try-relay-lock',
  text: 'SELECT pg_try_advisory_lock($1) AS ours, (SELECT min(id) FROM outbox) AS oldest',
};

export interface RelayParts {
  database: Database;
  queue: RelayQueue;
  publisher: Publisher;
  source: string;
  limits: Limits;
  progress: { send: Progress; poll: Progress };
  /** Nobody else writes into this outbox: what is found there is only what an earlier life left. */
  alone: () => boolean;
  log: Logger;
}

/**
 * Publishes the outbox. Of all instances of a service one leads, by a session lock; one send is in flight at a time, so order per
 * key holds, and under load the batches grow instead. A failed send keeps its place and is repeated.
 */
export class Relay {
  private readonly sendWake = new Wake();
  private readonly pollWake = new Wake();
  private stopping = false;
  private client: pg.Client | undefined;
  /** Set while this instance leads. */
  private epoch: string | undefined;
  private loops: Promise<unknown> | undefined;
  private deleteTimer: NodeJS.Timeout | undefined;
  private sending = false;
  /** The oldest row of the outbox while another instance leads, and since when it is that one, in monotonic milliseconds. */
  private unpublished: { id: string | null; since: number } = { id: null, since: 0 };

  constructor(private readonly parts: RelayParts) {}

  start(): void {
    this.loops = Promise.all([this.leadAndPoll(), this.send()]);
  }

  /** Rows were handed over, or refused and are to be polled. */
  notify(): void {
    this.pollIfBehind();
    if (this.parts.queue.length > 0) this.sendWake.wake();
  }

  /** Publishes what is in memory, within the bound, and gives the lead to another instance. */
  async stop(graceMs: number): Promise<void> {
    const end = performance.now() + graceMs;
    while ((this.sending || this.parts.queue.length > 0) && this.epoch && performance.now() < end) await sleep(5);
    this.stopping = true;
    this.pollWake.wake();
    this.sendWake.wake();
    clearTimeout(this.deleteTimer);
    await Promise.race([this.loops, sleep(Math.max(end - performance.now(), 100), undefined, { ref: false })]);
    await this.deleteAcknowledged();
    await this.resign();
    await this.parts.publisher.close();
  }

  private async leadAndPoll(): Promise<void> {
    const progress = this.parts.progress.poll;
    let failures = 0;
    let pollMs = this.parts.limits.relayPollMs;
    while (!this.stopping) {
      progress.step();
      try {
        if (!this.epoch && !(await this.tryToLead())) {
          progress.idle();
          if (this.leaderIsStuck()) progress.waitingFor = 'the instance that leads, which publishes nothing';
          await this.pollWake.sleep(this.parts.limits.leaderTryMs);
          continue;
        }
        const found = await this.poll();
        progress.idle();
        failures = 0;
        pollMs = found > 0 ? BUSY_POLL_MS : Math.min(Math.ceil(pollMs * 1.5), this.idlePollMs());
        if (this.parts.queue.catchingUp && this.parts.queue.wants(POLL_ROWS)) continue;
        await this.pollWake.sleep(pollMs);
      } catch (error) {
        progress.waitingFor = 'postgres';
        this.parts.log.warn({ err: error }, 'The outbox cannot be read; it is tried again.');
        await this.resign();
        await this.pollWake.sleep(backoff(++failures, [100, 5_000], Math.random()));
      }
    }
  }

  private idlePollMs(): number {
    const { alone, limits } = this.parts;
    if (!alone()) return limits.relayPollMs;
    // Each poll is a sign of life of the leader's session, which the server ends without one.
    return Math.min(limits.relayPollMs * ALONE, Math.max(limits.relayPollMs, limits.aliveForMs / 4));
  }

  /** The lock lives as long as its connection; whoever polls over that connection is the leader, or gets an error. */
  private async tryToLead(): Promise<boolean> {
    const client = (this.client ??= await this.connect());
    const { rows } = await client.query<{ ours: boolean; oldest: string | null }>({ ...tryLock, values: [RELAY_LOCK] });
    const { ours, oldest } = rows[0]!;
    if (ours || oldest !== this.unpublished.id) this.unpublished = { id: oldest, since: performance.now() };
    if (!ours || this.client !== client) return false;
    this.epoch = randomUUID();
    this.parts.queue.lead(this.epoch);
    return true;
  }

  /** Nobody publishes what we and the others write: this cannot be mended from here, but has to be seen. */
  private leaderIsStuck(): boolean {
    const { id, since } = this.unpublished;
    return id !== null && performance.now() - since > this.parts.limits.stuckAfterMs;
  }

  private async connect(): Promise<pg.Client> {
    // A leader that stands still, yet keeps its connection, must not keep the lead.
    const client = dedicatedClient(this.parts.database, { idleMs: this.parts.limits.aliveForMs });
    client.on('error', () => undefined); // the query that meets it tells, and so does 'end'
    client.once('end', () => {
      if (this.client === client) this.forgetSession();
    });
    await client.connect();
    return client;
  }

  private async resign(): Promise<void> {
    const client = this.client;
    this.forgetSession();
    if (!client) return;
    const cut = setTimeout(() => client.connection.stream.destroy(), CLOSE_MS); // what hangs does not say goodbye
    await client.end().catch(() => undefined);
    clearTimeout(cut);
  }

  private forgetSession(): void {
    this.client = undefined;
    this.epoch = undefined;
    this.parts.queue.resign();
  }

  private pollIfBehind(): void {
    if (this.parts.queue.catchingUp && this.parts.queue.wants(POLL_ROWS)) this.pollWake.wake();
  }

  /** Returns how many rows it found that memory did not have. */
  private async poll(): Promise<number> {
    const { queue } = this.parts;
    const [client, epoch] = [this.client!, this.epoch!];
    const limit = queue.pollStarted(POLL_ROWS);
    if (limit === undefined) {
      await client.query(probe); // the lead still has to be ours
      return 0;
    }
    let rows: OutboxRow[];
    try {
      const stored = await client.query<StoredOutboxRow>({ ...readOutbox, values: [limit] });
      rows = stored.rows.map(fromStored);
    } catch (error) {
      queue.pollFailed();
      throw error;
    }
    const found = queue.pollEnded(epoch, rows, limit);
    if (found > 0) this.sendWake.wake();
    return found;
  }

  private async send(): Promise<void> {
    const { queue, publisher, log } = this.parts;
    const progress = this.parts.progress.send;
    let failures = 0;
    let atOnce = SEND_ROWS;
    while (!this.stopping) {
      const epoch = this.epoch;
      const rows = epoch ? queue.peek(atOnce, SEND_BYTES) : [];
      if (!epoch || rows.length === 0) {
        progress.idle();
        await this.sendWake.sleep();
        continue;
      }
      progress.step();
      this.sending = true;
      try {
        await publisher.send(toTopicMessages(rows, this.parts.source));
        queue.acknowledge(epoch, rows);
        failures = 0;
        atOnce = Math.min(SEND_ROWS, atOnce * 2);
        progress.waitingFor = undefined;
        this.scheduleDelete();
        this.pollIfBehind();
      } catch (error) {
        failures++;
        if (isTooLarge(error)) atOnce = Math.max(1, Math.floor(rows.length / 2));
        progress.waitingFor = 'kafka';
        log.warn(
          { err: error, rows: rows.length, failures },
          'The outbox could not be published; it is tried again in order.',
        );
        if (!isTooLarge(error) || rows.length === 1) await sleep(backoff(failures, [50, 2_000], Math.random()));
      } finally {
        this.sending = false;
      }
    }
  }

  private scheduleDelete(): void {
    if (this.parts.queue.undeleted >= DELETE_ROWS) {
      void this.deleteAcknowledged();
      return;
    }
    this.deleteTimer ??= setTimeout(() => {
      this.deleteTimer = undefined;
      void this.deleteAcknowledged();
    }, DELETE_AFTER_MS);
  }

  private async deleteAcknowledged(): Promise<void> {
    const { queue, database } = this.parts;
    const ids = queue.takeAcknowledged();
    if (ids.length === 0) return;
    try {
      await database.query(deleteOutbox, [ids]);
      queue.deleted(ids);
    } catch {
      queue.notDeleted(ids);
      if (!this.stopping) this.scheduleDelete();
    }
  }
}

/** kafkajs wraps what the broker said. */
function isTooLarge(error: unknown): boolean {
  for (let at = error as { type?: unknown; cause?: unknown } | null | undefined; at; at = at.cause as typeof at) {
    if (at.type === SEND_LESS) return true;
  }
  return false;
}

function toTopicMessages(rows: OutboxRow[], source: string): TopicMessages[] {
  const byTopic = new Map<string, TopicMessages>();
  for (const row of rows) {
    let topic = byTopic.get(row.topic);
    if (!topic) byTopic.set(row.topic, (topic = { topic: row.topic, messages: [] }));
    topic.messages.push(toRecord(row, source));
  }
  return [...byTopic.values()];
}
