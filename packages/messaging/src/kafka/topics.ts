import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '@throughline/contracts';
import type { Admin } from 'kafkajs';
import { logger } from '@throughline/telemetry';
import { kafkaClient, type KafkaOptions } from './client.js';

export interface TopicReport {
  created: string[];
  /** What stands differently from infra/topics.yaml. Nothing of it is changed: each line says what a person should decide. */
  differences: string[];
}

/**
 * Creates the topics that are missing; a deploy command, idempotent. Topics that exist are compared and never altered: more
 * partitions would move keys to other partitions and break their order.
 */
export async function ensureTopics(
  kafka: KafkaOptions,
  topics: readonly Topic[],
  options: { replicationFactor?: number } = {},
): Promise<TopicReport> {
  const admin = kafkaClient(kafka, logger('messaging', { standardError: true })).admin();
  await admin.connect();
  try {
    return await ensure(admin, topics, kafka.topicPrefix ?? '', options.replicationFactor ?? -1);
  } finally {
    await admin.disconnect();
  }
}

async function ensure(
  admin: Admin,
  topics: readonly Topic[],
  prefix: string,
  replication: number,
): Promise<TopicReport> {
  const wanted = topics.map((topic) => ({ ...topic, name: prefix + topic.name }));
  const existing = new Set(await admin.listTopics());
  const missing = wanted.filter((topic) => !existing.has(topic.name));
  if (missing.length > 0) {
    await admin.createTopics({
      // kafkajs' own wait fails at once where a KRaft broker does not know the new topic yet.
      waitForLeaders: false,
      topics: missing.map((topic) => ({
        topic: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: replication,
        configEntries: Object.entries(configOf(topic)).map(([name, value]) => ({ name, value })),
      })),
    });
  }
  await untilLed(admin, missing);
  const present = wanted.filter((topic) => existing.has(topic.name));
  return { created: missing.map((topic) => topic.name), differences: await differences(admin, present) };
}

/** Waits until every partition has a leader; a broker answers "unknown topic" for a moment after it created one. */
async function untilLed(admin: Admin, topics: Topic[]): Promise<void> {
  if (topics.length === 0) return;
  const deadline = performance.now() + LEADERS_LIMIT_MS;
  for (;;) {
    try {
      const { topics: found } = await admin.fetchTopicMetadata({ topics: topics.map(({ name }) => name) });
      if (found.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)))
        return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `Topics were created but have no leader after ${LEADERS_LIMIT_MS / 1000} s: look at the brokers' logs.`,
      );
    }
    await sleep(100);
  }
}

async function differences(admin: Admin, topics: Topic[]): Promise<string[]> {
  if (topics.length === 0) return [];
  const found: string[] = [];
  const metadata = await admin.fetchTopicMetadata({ topics: topics.map((topic) => topic.name) });
  for (const topic of topics) {
    const partitions = metadata.topics.find(({ name }) => name === topic.name)?.partitions.length;
    if (partitions !== topic.partitions) {
      found.push(
        `${topic.name} has ${partitions} partitions, not ${topic.partitions}: changing it moves keys, so plan it as a migration.`,
      );
    }
  }
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((topic) => ({
      type: TOPIC_RESOURCE,
      name: topic.name,
      configNames: Object.keys(configOf(topic)),
    })),
  });
  for (const topic of topics) {
    const entries = resources.find(({ resourceName }) => resourceName === topic.name)?.configEntries ?? [];
    for (const [name, value] of Object.entries(configOf(topic))) {
      const actual = entries.find(({ configName }) => configName === name)?.configValue;
      if (actual !== value)
        found.push(`${topic.name} has ${name}=${actual}, not ${value}: alter it with your Kafka tools.`);
    }
  }
  return found;
}

/** Kafka's protocol: a configuration is that of a topic. */
export const TOPIC_RESOURCE = 2;
const LEADERS_LIMIT_MS = 30_000;

function configOf(topic: Topic): Record<string, string> {
  return {
    'cleanup.policy': 'delete',
    'retention.ms': String(topic.retentionMs),
    'min.insync.replicas': String(topic.minInSyncReplicas),
  };
}
