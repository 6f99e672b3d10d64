import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { logger } from '@throughline/telemetry';
import { kafkaClient, type KafkaOptions } from './client.js';

/** Longer than any session time limit: a member that was killed leaves its group only then. */
const GROUPS_LIMIT_MS = 30_000;

/**
 * Deletes every topic and every consumer group whose name begins with the prefix, for a run that leaves nothing behind on a Kafka it
 * shares. Nobody may read or write them any more.
 */
export async function removeTopicsAndGroups(kafka: KafkaOptions & { topicPrefix: string }): Promise<void> {
  const { topicPrefix } = kafka;
  if (topicPrefix === '') throw new Error('An empty prefix would delete everything on this Kafka.');
  const admin = kafkaClient(kafka, logger('messaging', { level: 'silent' })).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(topicPrefix));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    await deleteGroups(admin, topicPrefix);
  } finally {
    await admin.disconnect();
  }
}

async function deleteGroups(admin: Admin, prefix: string): Promise<void> {
  const deadline = performance.now() + GROUPS_LIMIT_MS;
  for (;;) {
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    const own = groups.filter((groupId) => groupId.startsWith(prefix));
    if (own.length === 0) return;
    try {
      await admin.deleteGroups(own);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(500);
    }
  }
}
