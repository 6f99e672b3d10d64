import type { Kafka, Producer, TopicMessages } from 'kafkajs';
import { countSent, measureRequest } from '../metrics.js';
import { keyPartitioner } from './partitioner.js';

/** Sends batches in order, one at a time, acknowledged by all in-sync replicas. */
export interface Publisher {
  /** One request per broker for all of it. Rejects when any part is not acknowledged; then all of it must be sent again. */
  send(topicMessages: TopicMessages[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * An idempotent kafkajs producer. After a failure its sequence numbers can no longer be trusted, so the next send makes a new one.
 */
export function kafkaPublisher(kafka: Kafka): Publisher {
  let producer: Promise<Producer> | undefined;

  return {
    async send(topicMessages) {
      producer ??= connect();
      const current = producer;
      try {
        const open = await current;
        await measureRequest('send', open.sendBatch({ acks: -1, timeout: 10_000, topicMessages }));
        countSent(topicMessages);
      } catch (error) {
        producer = undefined;
        void current.then((broken) => broken.disconnect()).catch(() => undefined);
        throw error;
      }
    },
    async close() {
      const current = producer;
      producer = undefined;
      await current?.then((open) => open.disconnect()).catch(() => undefined);
    },
  };

  async function connect(): Promise<Producer> {
    const fresh = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: keyPartitioner,
      retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 3 },
    });
    await fresh.connect();
    return fresh;
  }
}
