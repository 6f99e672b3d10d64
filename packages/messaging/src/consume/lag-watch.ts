import type { Admin, Kafka } from 'kafkajs';
import type { Logger } from '@throughline/telemetry';
import type { Lag } from './lag.js';

/** How often the ends of the partitions are looked at, in milliseconds. */
const LOOK_EVERY_MS = 5_000;
/** While all brokers answer fetches and nothing waits, what comes is fetched at once and tells its place by itself: then every so many times. */
const WHILE_FLOWING = 6;

export interface LagWatchParts {
  kafka: Kafka;
  group: string;
  topics: string[];
  lag: Lag;
  /** Since it was last asked, every broker has answered a fetch, and nothing fetched waits now. */
  flowing: () => boolean;
  /** Wall clock in milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/** Tells {@link Lag} where partitions end that are not being fetched just now. Without Kafka it tells nothing, and lag only ages. */
export class LagWatch {
  private admin: Admin | undefined;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  /** By topic whose ends were asked for and are not known yet: settles once they are, or cannot be. */
  private readonly asked = new Map<string, Promise<void>>();
  private skipped = 0;
  /** When it was last asked whether all flows. */
  private askedAt: number | undefined;

  constructor(private readonly parts: LagWatchParts) {}

  start(): void {
    this.timer = setInterval(() => this.lookUnlessFlowing(), LOOK_EVERY_MS);
  }

  /** Looks now at what no look on its way asks for. */
  look(): void {
    this.skipped = 0;
    this.looking ??= this.readEnds()
      .catch((error: unknown) => this.notNow(error))
      .finally(() => (this.looking = undefined));
  }

  private lookUnlessFlowing(): void {
    const { lag, flowing, now } = this.parts;
    const since = this.askedAt;
    this.askedAt = now();
    const flows = flowing() && lag.complete;
    if (flows && since !== undefined) lag.nothingWaited(since);
    if (!flows || ++this.skipped >= WHILE_FLOWING) this.look();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    await Promise.all(this.asked.values());
    await this.admin?.disconnect().catch(() => undefined);
  }

  private async readEnds(): Promise<void> {
    const { kafka, group, topics, lag } = this.parts;
    const { generation } = lag;
    if (!this.admin) {
      const admin = kafka.admin({ retry: { retries: 0 } });
      await admin.connect();
      this.admin = admin;
    }
    const committed = lag.complete ? [] : await this.admin.fetchOffsets({ groupId: group, topics });
    for (const topic of topics.filter((each) => !this.asked.has(each))) {
      const places = committed.find((entry) => entry.topic === topic)?.partitions ?? [];
      const next = new Map(places.map(({ partition, offset }) => [partition, Number(offset)]));
      // Not awaited: a broker that is away must not keep the others' topics from being looked at.
      const answered = this.readEndsOf(this.admin, topic, { next, generation })
        .catch((error: unknown) => this.notNow(error))
        .finally(() => void this.asked.delete(topic));
      this.asked.set(topic, answered);
    }
  }

  private notNow(error: unknown): void {
    this.parts.log.debug({ err: error }, 'The ends of the partitions cannot be read now.');
  }

  private async readEndsOf(
    admin: Admin,
    topic: string,
    committed: { next: ReadonlyMap<number, number>; generation: number },
  ): Promise<void> {
    const { lag, now } = this.parts;
    const at = now();
    const ends = await admin.fetchTopicOffsets(topic);
    if (committed.generation !== lag.generation) return;
    for (const { partition, high, low } of ends) {
      const offset = committed.next.get(partition) ?? -1;
      // A group that has committed nothing begins at the oldest record.
      lag.looked(topic, partition, { end: high, next: offset < 0 ? low : String(offset), at });
    }
  }
}
