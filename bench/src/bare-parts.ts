import type { Statement } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import type { Kafka, TopicMessages } from 'kafkajs';
import { root } from './path.js';

/** What the bare loop has in common with the product: its statements, and its Kafka client. */
export interface Parts {
  insertInbox: Statement;
  lockParkedKeys: Statement;
  insertWork: Statement;
  workColumns(rows: object[], leaseMs: () => number): unknown[];
  lockLeasedKeys: Statement;
  deleteWork: Statement;
  deleteKeys: Statement;
  insertOutbox: Statement;
  deleteOutbox: Statement;
  kafkaClient(options: { brokers: string[]; clientId: string }, log: Logger): Kafka;
  kafkaPublisher(kafka: Kafka): { send(topicMessages: TopicMessages[]): Promise<void> };
}

const FILES = [
  'consume/insert-inbox.js',
  'work/insert-work.js',
  'work/work-item.js',
  'work/settle-work.js',
  'outbox/insert-outbox.js',
  'outbox/read-outbox.js',
  'kafka/client.js',
  'kafka/publisher.js',
];

/**
 * No package exports these, because nobody else may use them. They are loaded from their files, so that "the same SQL" stays true
 * whatever becomes of it: a copy would drift, and the ratio with it.
 */
export async function loadParts(): Promise<Parts> {
  const modules = await Promise.all(
    FILES.map((file) => import(`${root}/packages/messaging/dist/${file}`) as Promise<object>),
  );
  return Object.assign({}, ...modules) as Parts;
}
