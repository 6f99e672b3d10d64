import { Codec, type Messages, type MessageType } from '@throughline/contracts';
import type { Database } from '@throughline/postgres';
import { logger } from '@throughline/telemetry';
import { Messaging, messagingMigrations, type Limits, type OutgoingMessage, type Routes } from '@throughline/messaging';
import { testDatabase, type TestDatabase } from './database.js';
import { fixedSchemaIds, testTopics, type TestTopics } from './kafka.js';

/** Fresh topics and a fresh database, and services on them that are stopped at the end. */
export interface MessagingHarness {
  topics: TestTopics;
  test: TestDatabase;
  database: Database;
  /** An instance of one service; several share the database, as instances do. */
  service(routes: Routes, options?: HarnessServiceOptions): Promise<Messaging>;
  /** A further database, for a second service. */
  otherDatabase(): Promise<Database>;
  codec: Codec;
  rows<R extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]>;
  close(): Promise<void>;
}

export interface HarnessServiceOptions {
  service?: string;
  instanceId?: string;
  database?: Database;
  limits?: Partial<Limits>;
  /** Default true. */
  start?: boolean;
}

/** Fast, so that specs about recovery do not wait for production's patience. */
export const FAST_LIMITS: Partial<Limits> = {
  aliveEveryMs: 200,
  aliveForMs: 1_000,
  leaderTryMs: 100,
  workPollMs: 200,
  sessionTimeoutMs: 6_000,
};

export async function messagingHarness(
  types: MessageType[],
  options: { partitions?: number } = {},
): Promise<MessagingHarness> {
  const [topics, test] = await Promise.all([testTopics(types, options), testDatabase(messagingMigrations)]);
  const database = await test.connect({ poolSize: 20 });
  const codec = new Codec(fixedSchemaIds());
  await codec.prepare([
    'CreateOrder',
    'OrderCreated',
    'CancelOrder',
    'OrderCancelled',
    'OpportunityReopened',
    'UpdateOpportunity',
  ]);
  const running: Messaging[] = [];
  const others: TestDatabase[] = [];
  return {
    topics,
    test,
    database,
    codec,
    async service(routes, given = {}) {
      const messaging = new Messaging({
        service: given.service ?? 'spec',
        version: '1.2.3',
        ...(given.instanceId && { instanceId: given.instanceId }),
        database: given.database ?? database,
        codec,
        kafka: topics.kafka,
        routes,
        limits: { ...FAST_LIMITS, ...given.limits },
        log: logger('spec', { level: process.env['SPEC_LOG'] ?? 'silent' }),
      });
      running.push(messaging);
      if (given.start ?? true) await messaging.start();
      return messaging;
    },
    async otherDatabase() {
      const other = await testDatabase(messagingMigrations);
      others.push(other);
      return other.connect({ poolSize: 20 });
    },
    async rows<R extends object>(text: string, values: unknown[] = []) {
      return (await database.pool.query<R>(text, values)).rows;
    },
    async close() {
      await Promise.all(running.map((messaging) => messaging.stop(3_000)));
      await Promise.all([test, ...others].map((database) => database.drop()));
    },
  };
}

/** A command about an order; `reason` is free text to tell messages apart. */
export function cancelOrder(orderId: string, reason: string): OutgoingMessage<'CancelOrder'> {
  return {
    type: 'CancelOrder',
    payload: { orderId, opportunityId: orderId, occurrence: 1, reason },
    correlationId: orderId,
  };
}

export function orderCancelled(
  orderId: string,
  overrides: Partial<Messages['OrderCancelled']> = {},
): OutgoingMessage<'OrderCancelled'> {
  const payload = {
    orderId,
    opportunityId: orderId,
    occurrence: 1,
    cancelledAt: '2026-11-22T10:00:00.000Z',
    externalIds: [],
    ...overrides,
  };
  return { type: 'OrderCancelled', payload, correlationId: orderId };
}
