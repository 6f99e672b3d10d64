import type { OutboxRow } from './outbox-row.js';

/** Headers of a record and its framing, roughly. */
const HEADER_BYTES = 600;
/** What a poll brings at most, roughly. */
const POLL_BYTES = 8_000_000;
/** So many rows while nothing is known of what waits in the table. */
const POLL_ROWS_FIRST = 64;

/**
 * What the relay holds in memory, and the rule by which rows may skip the table on their way there. No I/O.
 *
 * Promise: rows of one key leave in the order of their ids. A row handed over right after its COMMIT would break it if an older row
 * of its key could still be waiting in the table. So a hand-over is refused unless every older row of the key went through this
 * queue too; after a refusal everything comes from the table (`catchingUp`) until a poll has seen all of it.
 */
export class RelayQueue {
  private epoch: string | undefined;
  /** What the rows of this leader are marked with: its epoch, and how many of its transactions have had no known outcome. */
  private mark: string | undefined;
  private unknownOutcomes = 0;
  private readonly rows: OutboxRow[] = [];
  /** Of `rows`. */
  private bytes = 0;
  /** New rows that a poll asks for at most: more and more of small ones, few of large ones. */
  private pollRows = POLL_ROWS_FIRST;
  /** Ids in `rows`, or acknowledged and not deleted yet: a poll reads them again and must not queue them again. */
  private readonly known = new Set<number>();
  private acknowledged: number[] = [];
  /** Transactions that write for a key and whose outcome this process has not heard yet. */
  private readonly writing = new Map<string, number>();
  private polling = false;
  private nudgedWhilePolling = false;
  /** Ids deleted while a poll is on its way: its snapshot may still hold them. */
  private deletedWhilePolling: number[] = [];
  catchingUp = false;

  constructor(
    private readonly instanceId: string,
    /** Rows held at most, and their bytes; beyond it they stay in the table. */
    private readonly bound = 10_000,
    private readonly boundBytes = 64_000_000,
  ) {}

  get leading(): boolean {
    return this.epoch !== undefined;
  }

  /** Marks written rows: as this leader's, or as somebody else's. */
  get writer(): string {
    return this.mark ?? `follower:${this.instanceId}`;
  }

  get length(): number {
    return this.rows.length;
  }

  /** Rows that were published and are still in the table. */
  get undeleted(): number {
    return this.acknowledged.length;
  }

  /** Starts over under a fresh epoch: what earlier leaders left is in the table alone. */
  lead(epoch: string): void {
    this.resign();
    this.epoch = this.mark = epoch;
    this.unknownOutcomes = 0;
    this.catchingUp = true;
  }

  resign(): void {
    this.epoch = this.mark = undefined;
    this.rows.length = this.bytes = 0;
    this.known.clear();
    for (const id of this.acknowledged) this.known.add(id);
    this.catchingUp = false;
  }

  /** A transaction is about to write for these keys. */
  begin(keys: Iterable<string>): void {
    for (const key of keys) this.writing.set(key, (this.writing.get(key) ?? 0) + 1);
  }

  /**
   * It did not commit, or nobody knows: the rows may be in the table, or come to it after the next poll. So the mark changes: the next
   * write for a key that bears the old one is refused, and comes from the table with whatever is older.
   */
  aborted(keys: Iterable<string>): void {
    this.end(keys);
    if (this.epoch) this.mark = `${this.epoch}:${++this.unknownOutcomes}`;
    this.nudge();
  }

  /**
   * It committed. Takes the rows, or leaves them to the poll and returns false.
   * @param writer what {@link writer} said when they were written
   */
  committed(keys: Iterable<string>, writer: string, rows: OutboxRow[], previousWriters: (string | null)[]): boolean {
    const accepted = writer === this.mark && this.mayTake(keys, rows, previousWriters);
    this.end(keys);
    if (accepted) this.append(rows);
    else this.nudge();
    return accepted;
  }

  /** Fewer than `n` rows wait here, or than fit, so that a poll for as many is worth its while. */
  wants(n: number): boolean {
    return this.rows.length < Math.min(n, this.pollRows);
  }

  /**
   * How many rows a poll has to ask for to see `n` new ones, or as many as fit; `undefined` while as many wait here: then the rest stays
   * in the table, which a poll would only read again and again.
   */
  pollStarted(n: number): number | undefined {
    if (!this.wants(n)) return undefined;
    this.polling = true;
    this.nudgedWhilePolling = false;
    return this.known.size + Math.min(n, this.pollRows);
  }

  /** Takes what is new among the rows of a poll, in their order, and returns how many that were. */
  pollEnded(epoch: string, rows: OutboxRow[], limit: number): number {
    if (epoch !== this.epoch) {
      this.pollOver();
      return 0;
    }
    const fresh = this.append(rows);
    this.pollRows = rowsOfNextPoll(this.pollRows, rows);
    if (rows.length < limit && !this.nudgedWhilePolling) this.catchingUp = false;
    this.pollOver();
    return fresh;
  }

  pollFailed(): void {
    this.nudgedWhilePolling = true;
    this.pollOver();
  }

  /** The oldest rows, within both bounds; at least one. They stay in the queue until acknowledged. */
  peek(maxRows: number, maxBytes: number): OutboxRow[] {
    let bytes = 0;
    let n = 0;
    while (n < this.rows.length && n < maxRows) {
      bytes += bytesOf(this.rows[n]!);
      if (n > 0 && bytes > maxBytes) break;
      n++;
    }
    return this.rows.slice(0, n);
  }

  /** Kafka has them. Under another epoch the queue is no longer theirs, but from the table they may still go. */
  acknowledge(epoch: string, rows: OutboxRow[]): void {
    if (epoch === this.epoch) for (const row of this.rows.splice(0, rows.length)) this.bytes -= bytesOf(row);
    for (const row of rows) {
      this.known.add(row.id);
      this.acknowledged.push(row.id);
    }
  }

  /** Ids to delete from the table; afterwards call `deleted` or `notDeleted`. */
  takeAcknowledged(): number[] {
    const ids = this.acknowledged;
    this.acknowledged = [];
    return ids;
  }

  deleted(ids: number[]): void {
    if (this.polling) this.deletedWhilePolling.push(...ids);
    else for (const id of ids) this.known.delete(id);
  }

  notDeleted(ids: number[]): void {
    this.acknowledged.push(...ids);
  }

  private mayTake(keys: Iterable<string>, rows: OutboxRow[], previousWriters: (string | null)[]): boolean {
    if (this.catchingUp || this.rows.length + rows.length > this.bound) return false;
    if (this.bytes + sum(rows) > this.boundBytes) return false;
    if (previousWriters.some((writer) => writer !== null && writer !== this.mark)) return false;
    // An older transaction of the same key has committed, but its answer has not been read yet.
    for (const key of keys) if (this.writing.get(key)! > 1) return false;
    return true;
  }

  private end(keys: Iterable<string>): void {
    for (const key of keys) {
      const left = this.writing.get(key)! - 1;
      if (left === 0) this.writing.delete(key);
      else this.writing.set(key, left);
    }
  }

  private nudge(): void {
    if (this.polling) this.nudgedWhilePolling = true;
    if (this.leading) this.catchingUp = true;
  }

  private append(rows: OutboxRow[]): number {
    let added = 0;
    for (const row of rows) {
      if (this.known.has(row.id)) continue;
      this.known.add(row.id);
      this.rows.push(row);
      this.bytes += bytesOf(row);
      added++;
    }
    return added;
  }

  private pollOver(): void {
    this.polling = false;
    for (const id of this.deletedWhilePolling) this.known.delete(id);
    this.deletedWhilePolling = [];
  }
}

/** More and more, as long as what comes is small; from the beginning again where nothing came, for the next ones may be large. */
function rowsOfNextPoll(before: number, rows: OutboxRow[]): number {
  if (rows.length === 0) return POLL_ROWS_FIRST;
  const fitting = Math.floor((rows.length * POLL_BYTES) / sum(rows));
  return Math.max(1, Math.min(before * 2, fitting));
}

function bytesOf(row: OutboxRow): number {
  return row.value.length + row.key.length + HEADER_BYTES;
}

function sum(rows: OutboxRow[]): number {
  return rows.reduce((bytes, row) => bytes + bytesOf(row), 0);
}
