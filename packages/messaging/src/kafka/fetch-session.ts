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

  /** Begins anew: the next fetch names everything, and closes at the broker the session that there was. */
  reset(): void {
    this.epoch = NEW_SESSION;
    this.known = new Map();
  }

  /**
   * The body of the next request, Fetch version 11. The broker fills its answer in the order in which it was asked: within a session it lets
   * those that brought something wait behind the others, without one each comes first in turn.
   */
  next(terms: FetchTerms): Buffer {
    let { topics } = terms;
    if (this.epoch === NEW_SESSION) {
      this.known = new Map();
      topics = inTurn(topics, this.named++);
    }
    return encodeFetch(terms, this.id, this.epoch, this.changed(topics), this.forgotten(topics));
  }

  /** A broker that has no room for a session says 0, and is asked for everything again. */
  answered({ errorCode, sessionId }: { errorCode: number; sessionId: number }): void {
    if (errorCode === 0 || errorCode === SESSION_NOT_FOUND) this.id = sessionId;
    if (errorCode !== 0 || sessionId === NO_SESSION) return this.reset();
    this.epoch = this.epoch === MAX_EPOCH ? 1 : this.epoch + 1;
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
