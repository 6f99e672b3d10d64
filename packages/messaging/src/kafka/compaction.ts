import type { Kafka } from 'kafkajs';
import { TOPIC_RESOURCE } from './topics.js';

/** What Kafka has said holds for so long, in milliseconds; that it has not said, for the shorter time. */
const KNOWN_MS = 600_000;
const UNKNOWN_MS = 60_000;

/** Says whether a topic is compacted, so that offsets are missing in it by intent; `undefined` where Kafka does not say, or not to us. */
export type Compaction = (topic: string) => Promise<boolean | undefined>;

/** Asks only when it is asked, which is rarely: a client of its own is connected for each question. */
export function compaction(kafka: Kafka, monotonic: () => number = () => performance.now()): Compaction {
  const answers = new Map<string, { until: number; answer: Promise<boolean | undefined> }>();
  return (topic) => {
    const known = answers.get(topic);
    if (known && monotonic() < known.until) return known.answer;
    const answer = ask(kafka, topic);
    const entry = { until: Infinity, answer };
    answers.set(topic, entry);
    void answer.then((is) => (entry.until = monotonic() + (is === undefined ? UNKNOWN_MS : KNOWN_MS)));
    return answer;
  };
}

async function ask(kafka: Kafka, topic: string): Promise<boolean | undefined> {
  const admin = kafka.admin({ retry: { retries: 0 } });
  try {
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: ['cleanup.policy'] }],
    });
    return resources[0]?.configEntries[0]?.configValue.split(',').includes('compact');
  } catch {
    return undefined;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
