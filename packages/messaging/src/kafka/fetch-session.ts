/** Partitions of one topic to fetch from. */
export interface FetchTopic {
  topic: string;
  partitions: { partition: number; fetchOffset: string; maxBytes: number }[];
}

export interface FetchTerms {
  isolationLevel: number;
  maxWaitTime: number;
  minBytes: number;
  maxBytes: number;
  topics: FetchTopic[];
  rackId?: string;
}

interface Place {
  fetchOffset: string;
  maxBytes: number;
}

/** The epoch of a fetch that asks for a new session, and closes the one that it names; the next ones count up from it. */
const NEW_SESSION = 0;
const MAX_EPOCH = 0x7fff_ffff;
const NO_SESSION = 0;
/** What brought nothing for so many fetches more is asked for first. */
const PATIENCE = 3;
/** The broker has closed the session, or lost it with a restart. */
const SESSION_NOT_FOUND = 70;
const ANY = -1;
const FIXED_BYTES = 4 * 4 + 1 + 4 + 4 + 4 + 4 + 2;
const TOPIC_BYTES = 2 + 4;
const PARTITION_BYTES = 4 + 4 + 8 + 8 + 4;

/**
 * What the broker knows of what we fetch (KIP-227). The first fetch names every partition and asks for a session; the next ones name
 * those that are new or have moved, and those that are no longer wanted. No I/O.
 */
export class FetchSession {
  private id = NO_SESSION;
  private epoch = NEW_SESSION;
  /** Fetches that named everything. */
  private named = 0;
  /** By topic and partition, as the broker has it once the fetch that is under way is answered. */
  private known = new Map<string, Map<number, Place>>();
  /** By topic and partition, what brought nothing although there is more, behind others that did; and since which fetch. */
  private readonly waiting = new Map<string, { fetchOffset: string; since: number }>();
  private fetches = 0;

  /** Begins anew: the next fetch names everything, and closes at the broker the session that there was. */
  reset(): void {
    this.epoch = NEW_SESSION;
    this.known = new Map();
  }

  /**
   * These brought nothing behind others, for want of room or because the broker does not serve them. Within a session it does not say so
   * again: where they do not come in turn they are asked for first, so that the answer tells which of the two it is.
   */
  withheld(partitions: { topic: string; partition: number; offset: string }[]): void {
    for (const { topic, partition, offset } of partitions)
      this.waiting.set(idOf(topic, partition), { fetchOffset: offset, since: this.fetches });
  }

  /**
   * The body of the next request, Fetch version 11. The broker fills its answer in the order in which it was asked: within a session it lets
   * those that brought something wait behind the others, without one each comes first in turn.
   */
  next(terms: FetchTerms): Buffer {
    let { topics } = terms;
    this.fetches++;
    if (this.waiting.size > 0 && this.isPatienceOver(topics)) this.reset();
    if (this.epoch === NEW_SESSION) {
      this.known = new Map();
      topics = this.waitingFirst(inTurn(topics, this.named++));
      this.waiting.clear(); // this answer says it anew
    }
    return encodeFetch(terms, this.id, this.epoch, this.changed(topics), this.forgotten(terms.topics));
  }

  /** A broker that has no room for a session says 0, and is asked for everything again. */
  answered({ errorCode, sessionId }: { errorCode: number; sessionId: number }): void {
    if (errorCode === 0 || errorCode === SESSION_NOT_FOUND) this.id = sessionId;
    if (errorCode !== 0 || sessionId === NO_SESSION) return this.reset();
    this.epoch = this.epoch === MAX_EPOCH ? 1 : this.epoch + 1;
  }

  private isPatienceOver(topics: FetchTopic[]): boolean {
    for (const [id, { fetchOffset, since }] of this.waiting) {
      const isStill = topics.some(({ topic, partitions }) =>
        partitions.some((place) => idOf(topic, place.partition) === id && place.fetchOffset === fetchOffset),
      );
      if (!isStill) this.waiting.delete(id);
      else if (this.fetches - since > PATIENCE) return true;
    }
    return false;
  }

  private waitingFirst(topics: FetchTopic[]): FetchTopic[] {
    if (this.waiting.size === 0) return topics;
    const part = (isWaiting: boolean): FetchTopic[] =>
      topics
        .map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.filter(({ partition }) => this.waiting.has(idOf(topic, partition)) === isWaiting),
        }))
        .filter(({ partitions }) => partitions.length > 0);
    return [...part(true), ...part(false)];
  }

  private changed(topics: FetchTopic[]): FetchTopic[] {
    const changed: FetchTopic[] = [];
    for (const { topic, partitions } of topics) {
      let known = this.known.get(topic);
      if (!known) this.known.set(topic, (known = new Map<number, Place>()));
      const moved: FetchTopic['partitions'] = [];
      for (const place of partitions) {
        const before = known.get(place.partition);
        if (before?.fetchOffset === place.fetchOffset && before.maxBytes === place.maxBytes) continue;
        known.set(place.partition, place);
        moved.push(place);
      }
      if (moved.length > 0) changed.push({ topic, partitions: moved });
    }
    return changed;
  }

  private forgotten(topics: FetchTopic[]): { topic: string; partitions: number[] }[] {
    const forgotten: { topic: string; partitions: number[] }[] = [];
    for (const [topic, known] of this.known) {
      const wanted = topics.find((each) => each.topic === topic)?.partitions ?? [];
      if (wanted.length === known.size) continue; // all that is wanted is known by now
      const gone = [...known.keys()].filter((partition) => !wanted.some((each) => each.partition === partition));
      for (const partition of gone) known.delete(partition);
      if (known.size === 0) this.known.delete(topic);
      forgotten.push({ topic, partitions: gone });
    }
    return forgotten;
  }
}

function idOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}

function inTurn(topics: FetchTopic[], turn: number): FetchTopic[] {
  const turns = Math.floor(turn / Math.max(1, topics.length));
  return rotated(topics, turn).map(({ topic, partitions }) => ({ topic, partitions: rotated(partitions, turns) }));
}

function rotated<T>(list: T[], by: number): T[] {
  const first = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

function encodeFetch(
  { maxWaitTime, minBytes, maxBytes, isolationLevel, rackId = '' }: FetchTerms,
  sessionId: number,
  epoch: number,
  topics: FetchTopic[],
  forgotten: { topic: string; partitions: number[] }[],
): Buffer {
  let size = FIXED_BYTES + Buffer.byteLength(rackId) + 2;
  for (const { topic, partitions } of topics)
    size += TOPIC_BYTES + Buffer.byteLength(topic) + partitions.length * PARTITION_BYTES;
  for (const { topic, partitions } of forgotten) size += TOPIC_BYTES + Buffer.byteLength(topic) + partitions.length * 4;
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.writeInt32BE(ANY, 0); // no replica
  at = bytes.writeInt32BE(maxWaitTime, at);
  at = bytes.writeInt32BE(minBytes, at);
  at = bytes.writeInt32BE(maxBytes, at);
  at = bytes.writeInt8(isolationLevel, at);
  at = bytes.writeInt32BE(sessionId, at);
  at = bytes.writeInt32BE(epoch, at);
  at = bytes.writeInt32BE(topics.length, at);
  for (const { topic, partitions } of topics) {
    at = writeText(bytes, topic, at);
    at = bytes.writeInt32BE(partitions.length, at);
    for (const { partition, fetchOffset, maxBytes: most } of partitions) {
      at = bytes.writeInt32BE(partition, at);
      at = bytes.writeInt32BE(ANY, at); // leader epoch
      at = bytes.writeBigInt64BE(BigInt(fetchOffset), at);
      at = bytes.writeBigInt64BE(BigInt(ANY), at); // log start, of followers
      at = bytes.writeInt32BE(most, at);
    }
  }
  at = bytes.writeInt32BE(forgotten.length, at);
  for (const { topic, partitions } of forgotten) {
    at = writeText(bytes, topic, at);
    at = bytes.writeInt32BE(partitions.length, at);
    for (const partition of partitions) at = bytes.writeInt32BE(partition, at);
  }
  at = writeText(bytes, rackId, at);
  return bytes.subarray(0, at);
}

function writeText(bytes: Buffer, text: string, at: number): number {
  const length = bytes.write(text, at + 2);
  bytes.writeInt16BE(length, at);
  return at + 2 + length;
}
