import type { Logger } from '@throughline/telemetry';
import type { Led, PartitionEnds } from '../kafka/partition-ends.js';
import type { Lag } from './lag.js';

/** How often the ends of the partitions are looked at, in milliseconds; a broker that has not answered by then is told as one that does not. */
const LOOK_EVERY_MS = 5_000;
/** While all brokers answer fetches and nothing waits, what comes is fetched at once and tells its place by itself: then every so many times. */
const WHILE_FLOWING = 6;

export interface LagWatchParts {
  ends: PartitionEnds;
  group: string;
  topics: string[];
  lag: Lag;
  /** Since it was last asked, every broker has answered a fetch, and nothing fetched waits now. */
  flowing: () => boolean;
  /** Wall clock in milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/**
 * Tells {@link Lag} where partitions end that are not being fetched just now. Each broker is asked by itself for what it leads: one that is
 * away hides no partition of another. Without Kafka it tells nothing, and lag only ages.
 */
export class LagWatch {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private placing: Promise<void> | undefined;
  /** Brokers that were asked and have not answered yet. */
  private readonly asked = new Map<number, Promise<void>>();
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
    this.looking ??= this.lookAtAll().finally(() => (this.looking = undefined));
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
    await Promise.all([this.placing, ...this.asked.values()]);
    await this.parts.ends.close();
  }

  private async lookAtAll(): Promise<void> {
    const { ends, topics, lag } = this.parts;
    const { generation } = lag;
    let leaders: Led[];
    try {
      leaders = await ends.leaders(topics);
    } catch (error) {
      const partitions = lag.read().map(({ topic, partition }) => ({ topic, partition }));
      return this.notSeen({ nodeId: undefined, partitions }, generation, error);
    }
    if (lag.withoutPlace.length > 0) {
      // Not awaited: it comes from another broker.
      this.placing ??= this.findPlaces(leaders, generation).finally(() => (this.placing = undefined));
    }
    for (const led of leaders) {
      const { nodeId } = led;
      if (nodeId === undefined) this.notSeen(led, generation);
      else if (!this.asked.has(nodeId)) {
        // Not awaited: a broker that is away must not keep the others from being asked.
        this.asked.set(
          nodeId,
          this.lookAt(led, generation).finally(() => void this.asked.delete(nodeId)),
        );
      }
    }
  }

  private async lookAt(led: Led, generation: number): Promise<void> {
    const { ends, lag, now } = this.parts;
    const late = setTimeout(() => this.notSeen(led, generation), LOOK_EVERY_MS);
    const at = now();
    try {
      const places = await ends.places(led, 'end');
      if (generation !== lag.generation) return;
      for (const { topic, partition, offset } of places) {
        if (offset === undefined) this.notSeen({ ...led, partitions: [{ topic, partition }] }, generation);
        else lag.looked(topic, partition, { end: offset, at });
      }
    } catch (error) {
      this.notSeen(led, generation, error);
    } finally {
      clearTimeout(late);
    }
  }

  /** Where nothing was fetched yet: what the group has committed; and where it has committed nothing, the oldest record there is. */
  private async findPlaces(leaders: Led[], generation: number): Promise<void> {
    const { ends, group, lag } = this.parts;
    try {
      const committed = await ends.committed(group, lag.withoutPlace);
      if (generation !== lag.generation) return;
      const open = new Set<string>();
      for (const { topic, partition, offset } of committed) {
        if (offset === undefined) open.add(`${topic} ${partition}`);
        else lag.begins(topic, partition, offset);
      }
      const beginning = leaders.map(async ({ nodeId, partitions }) => {
        const unknown = partitions.filter(({ topic, partition }) => open.has(`${topic} ${partition}`));
        if (unknown.length === 0) return;
        const places = await ends.places({ nodeId, partitions: unknown }, 'oldest');
        if (generation !== lag.generation) return;
        for (const { topic, partition, offset } of places)
          if (offset !== undefined) lag.begins(topic, partition, offset);
      });
      await Promise.all(beginning.map((each) => each.catch((error: unknown) => this.notNow(error))));
    } catch (error) {
      this.notNow(error);
    }
  }

  /** What was asked under an older assignment says nothing. */
  private notSeen({ nodeId, partitions }: Led, generation: number, error?: unknown): void {
    const { lag, log } = this.parts;
    if (generation !== lag.generation) return;
    const news = partitions.filter(({ topic, partition }) => lag.unseen(topic, partition));
    if (news.length === 0) return;
    log.warn(
      { ...(error !== undefined && { err: error }), nodeId, partitions: news },
      'How far these partitions are behind is not known: they have no leader, or it does not answer. What was seen last is told meanwhile.',
    );
  }

  private notNow(error: unknown): void {
    this.parts.log.debug({ err: error }, 'The places of the group cannot be read now.');
  }
}
