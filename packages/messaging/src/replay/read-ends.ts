import type { Admin, Kafka } from 'kafkajs';
import { replayTopicUnknown } from '../errors.js';
import type { Ends, Place } from './plan-ranges.js';

/** Where the partitions of these topics begin and end, and where the group is. Changes nothing. */
export async function readEnds(
  kafka: Kafka,
  group: string,
  topics: string[],
  from: Place | undefined,
  to: Place | undefined,
): Promise<Ends[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    for (const topic of topics) if (!existing.has(topic)) throw replayTopicUnknown(topic);
    const ends = await Promise.all(topics.map((topic) => endsOf(admin, group, topic, from, to)));
    return ends.flat();
  } finally {
    await admin.disconnect();
  }
}

async function endsOf(
  admin: Admin,
  group: string,
  topic: string,
  from: Place | undefined,
  to: Place | undefined,
): Promise<Ends[]> {
  const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  const [fromTime, toTime] = [await firstSince(admin, topic, from), await firstSince(admin, topic, to)];
  const ends = await admin.fetchTopicOffsets(topic);
  return ends.map(({ partition, low, high }) => ({
    topic,
    partition,
    low: Number(low),
    high: Number(high),
    committed: Number(committed?.partitions.find((entry) => entry.partition === partition)?.offset ?? -1),
    fromTime: fromTime?.get(partition),
    toTime: toTime?.get(partition),
  }));
}

/** Per partition the first record at or after a time; its end where there is none. */
async function firstSince(
  admin: Admin,
  topic: string,
  place: Place | undefined,
): Promise<Map<number, number> | undefined> {
  if (!place || !('timeMs' in place)) return undefined;
  const found = await admin.fetchTopicOffsetsByTimestamp(topic, place.timeMs);
  return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
}
