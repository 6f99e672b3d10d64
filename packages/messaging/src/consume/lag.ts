/** How far a partition that this instance reads is behind. */
export interface PartitionLag {
  topic: string;
  partition: number;
  /** Records between what was taken in and the end of the partition. */
  lagMessages: number;
  /** Age of the oldest record not yet taken in; 0 at the end of the partition. */
  lagSeconds: number;
  paused: boolean;
  /** Its broker does not say where it ends, or where the group is: both figures are as they were seen last. */
  unknown?: true;
  /** From this offset on its broker serves nothing, because what it has there is damaged. */
  refusedAt?: string;
}

interface Place {
  topic: string;
  partition: number;
  /** Offset after the last record taken in; unknown until it is fetched from, or the place of the group is known. */
  next: bigint | undefined;
  /** Offset after the last record of the partition, as far as it was seen. */
  end: bigint | undefined;
  /** Its end was asked for in vain since it was last seen. */
  unseen: boolean;
  /** Timestamp of the oldest record that was fetched and is not taken in, in milliseconds since 1970. */
  oldestFetchedAt: number | undefined;
  fetchedAt: number;
  /** A record not fetched yet counts from here: it came after the last one taken in, and after we last saw none. */
  notBefore: number | undefined;
  paused: boolean;
  refusedAt: string | undefined;
}

/** What Kafka said of a partition. */
export interface Look {
  end: string;
  /** When it was asked, in milliseconds since 1970: it may have taken its time. */
  at: number;
}

/** A record as Kafka delivers it, as far as its place and age matter. */
interface Fetched {
  offset: string;
  timestamp: string;
}

/**
 * What is known of the distance between this instance and the ends of its partitions. Fed once per batch and by a look at the ends
 * every few seconds, because a partition that is paused, or waits for the database, fetches nothing and learns nothing by itself.
 */
export class Lag {
  private readonly places = new Map<string, Place>();
  /** Changes with every assignment: what was asked under an older one says nothing about the places of this one. */
  generation = 0;

  /** @param now wall clock, in milliseconds since 1970, like the timestamps of records */
  constructor(private readonly now: () => number) {}

  /** Whether the end of every partition is known, and the place in it. */
  get complete(): boolean {
    return [...this.places.values()].every((place) => !isUnknown(place));
  }

  /** Partitions in which the place is not known. */
  get withoutPlace(): { topic: string; partition: number }[] {
    return [...this.places.values()].filter(({ next }) => next === undefined);
  }

  assigned(assignment: Record<string, number[]>): void {
    this.generation++;
    const before = new Map(this.places);
    this.places.clear();
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        const id = idOf(topic, partition);
        // A broker may say but once that it serves nothing.
        this.places.set(id, { ...newPlace(topic, partition), refusedAt: before.get(id)?.refusedAt });
      }
    }
  }

  fetched(topic: string, partition: number, end: string, first: Fetched): void {
    const place = this.places.get(idOf(topic, partition));
    if (!place) return;
    goTo(place, BigInt(first.offset), BigInt(end));
    place.fetchedAt = this.now();
    place.oldestFetchedAt = Number(first.timestamp);
  }

  /** Nothing but offsets without a message was fetched, up to this one. */
  passed(topic: string, partition: number, lastOffset: string, end: string): void {
    const place = this.places.get(idOf(topic, partition));
    if (!place) return;
    goTo(place, BigInt(lastOffset) + 1n, BigInt(end));
    place.fetchedAt = this.now();
    place.oldestFetchedAt = undefined;
    if (isAtEnd(place)) place.notBefore = Math.max(place.notBefore ?? 0, place.fetchedAt);
  }

  /** @param following the first record that was fetched and is not taken in yet */
  took(topic: string, partition: number, last: Fetched, following: Fetched | undefined): void {
    const place = this.places.get(idOf(topic, partition));
    if (!place) return;
    place.next = BigInt(last.offset) + 1n;
    place.oldestFetchedAt = following && Number(following.timestamp);
    // Whether more was there is known as of the fetch, not as of now.
    place.notBefore = Math.max(place.notBefore ?? 0, isAtEnd(place) ? place.fetchedAt : Number(last.timestamp));
  }

  looked(topic: string, partition: number, { end, at }: Look): void {
    const place = this.places.get(idOf(topic, partition));
    if (!place) return;
    seen(place, BigInt(end));
    if (isAtEnd(place)) place.notBefore = at;
    place.notBefore ??= at;
  }

  /** Where the group begins, unless something was fetched meanwhile. */
  begins(topic: string, partition: number, next: string): void {
    const place = this.places.get(idOf(topic, partition));
    if (place) place.next ??= BigInt(next);
  }

  /** @returns whether that is news, of a partition that is read here */
  unseen(topic: string, partition: number): boolean {
    const place = this.places.get(idOf(topic, partition));
    if (!place || place.unseen) return false;
    place.unseen = true;
    return true;
  }

  /** Every partition was fetched from at this time or later, by our clock, and nothing that was fetched waits. */
  nothingWaited(at: number): void {
    for (const place of this.places.values()) {
      if (isAtEnd(place)) place.notBefore = Math.max(place.notBefore ?? 0, at);
    }
  }

  paused(topics: ReadonlySet<string>): void {
    for (const place of this.places.values()) place.paused = topics.has(place.topic);
  }

  /** @returns whether that is news, of a partition that is read here */
  refused(topic: string, partition: number, offset: string): boolean {
    const place = this.places.get(idOf(topic, partition));
    if (!place || place.refusedAt === offset) return false;
    // Of a replay, which reads again what was here before.
    if (place.next !== undefined && BigInt(offset) < place.next) return false;
    place.refusedAt = offset;
    return true;
  }

  read(): PartitionLag[] {
    return [...this.places.values()].map((place) => {
      const { topic, partition, next, end, paused, refusedAt } = place;
      const lagMessages = next === undefined || end === undefined || next >= end ? 0 : Number(end - next);
      const lagSeconds = lagMessages === 0 ? 0 : this.age(place);
      return {
        topic,
        partition,
        lagMessages,
        lagSeconds,
        paused,
        ...(isUnknown(place) && { unknown: true }),
        ...(refusedAt !== undefined && { refusedAt }),
      };
    });
  }

  private age({ oldestFetchedAt, notBefore }: Place): number {
    const now = this.now();
    return Math.max(0, now - (oldestFetchedAt ?? notBefore ?? now)) / 1_000;
  }
}

function isUnknown({ next, end, unseen }: Place): boolean {
  return next === undefined || end === undefined || unseen;
}

function isAtEnd({ next, end }: Place): boolean {
  return next !== undefined && end !== undefined && next >= end;
}

/** Where a fetch has come to. If that is before where it was, the topic was made again, or its log was cut: then its end is another one. */
function goTo(place: Place, next: bigint, end: bigint): void {
  if (place.next !== undefined && next < place.next) place.end = undefined;
  place.next = next;
  place.refusedAt = undefined;
  seen(place, end);
}

function seen(place: Place, end: bigint): void {
  place.unseen = false;
  if (place.end === undefined || end > place.end) place.end = end;
}

function newPlace(topic: string, partition: number): Place {
  return {
    topic,
    partition,
    next: undefined,
    end: undefined,
    unseen: false,
    oldestFetchedAt: undefined,
    fetchedAt: 0,
    notBefore: undefined,
    paused: false,
    refusedAt: undefined,
  };
}

function idOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}
