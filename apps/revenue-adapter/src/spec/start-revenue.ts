import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Codec, publishSchemas, registrySchemaIds, topics, type MessageType } from '@throughline/contracts';
import {
  defineRoutes,
  ensureTopics,
  Messaging,
  messagingMigrations,
  state,
  type Message,
  type OutgoingMessage,
  type Routes,
} from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, MESSAGING, ROUTES } from '@throughline/service';
import { runNamespace, stackAddress, testDatabase } from '@throughline/testing';
import { z } from 'zod';
import { configShape, type RevenueConfig } from '../config.js';
import { revenueMigrations } from '../migrations/index.js';
import { RevenueAdapterModule } from '../revenue-adapter.module.js';

/** A prefix of its own keeps the topics of one spec file apart from everybody else's. */
export interface Bus {
  brokers: string[];
  topicPrefix: string;
}

export async function createBus(): Promise<Bus> {
  const bus = { brokers: stackAddress('kafkaBrokers'), topicPrefix: `${runNamespace}.${randomUUID()}.` };
  const registry = stackAddress('schemaRegistryUrl');
  await Promise.all([ensureTopics({ ...bus, clientId: 'spec' }, topics), publishSchemas(registry)]);
  return bus;
}

function newMessaging(service: string, database: Database, bus: Bus, routes: Routes): Messaging {
  const codec = new Codec(registrySchemaIds({ url: stackAddress('schemaRegistryUrl') }));
  return new Messaging({ service, database, codec, kafka: { ...bus, clientId: service }, routes });
}

@Module({})
class SpecModule {}

export interface RunningAdapter {
  url: string;
  messaging: Messaging;
  database: Database;
  stop(): Promise<void>;
}

/** One instance of the service in this process: everything of it but the reading of the environment. */
export async function startAdapter(
  bus: Bus,
  databaseUrl: string,
  connect: () => Promise<Database>,
  env: Record<string, string>,
): Promise<RunningAdapter> {
  const config: RevenueConfig = z.object(configShape).parse({
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: bus.brokers.join(','),
    SCHEMA_REGISTRY_URL: stackAddress('schemaRegistryUrl'),
    HUBSPOT_SWEEP_INTERVAL_MS: '300',
    HUBSPOT_RECHECK_INTERVAL_MS: '1000',
    HUBSPOT_TIMEOUT_MS: '3000',
    ...env,
  });
  const database = await connect();
  const root = {
    module: SpecModule,
    global: true,
    imports: [{ module: RevenueAdapterModule, global: true, exports: [ROUTES] }],
    providers: [
      { provide: DATABASE, useValue: database },
      { provide: CONFIG, useValue: config },
      {
        provide: MESSAGING,
        inject: [ROUTES],
        useFactory: (routes: Routes) => newMessaging('revenue-adapter', database, bus, routes),
      },
    ],
    exports: [DATABASE, CONFIG, MESSAGING],
  };
  const app = await NestFactory.create<NestExpressApplication>(root, { rawBody: true, logger: ['error'] });
  const messaging = app.get<Messaging>(MESSAGING);
  await app.listen(config.PORT, '127.0.0.1');
  await messaging.start();
  return {
    url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`,
    messaging,
    database,
    async stop() {
      await app.close();
      await messaging.stop(5_000);
    },
  };
}

export const adapterMigrations = [...messagingMigrations, ...revenueMigrations];

/** Another service on the bus, as the orchestrator would be: keeps what it is told, and sends commands. */
export interface Downstream {
  received: Message[];
  send(...messages: OutgoingMessage[]): Promise<void>;
  /** Resolves once `predicate` holds for what has been received. */
  until(predicate: (received: Message[]) => boolean, timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startDownstream(bus: Bus): Promise<Downstream> {
  const test = await testDatabase(messagingMigrations);
  const received: Message[] = [];
  const waiting = new Set<() => void>();
  const keep = state(async (messages, tx) => {
    tx.onCommit(() => {
      received.push(...messages);
      for (const check of waiting) check();
    });
  });
  const heard: MessageType[] = [
    'OpportunityClosedWon',
    'OpportunityAmended',
    'OpportunityAmendmentRejected',
    'OpportunityRejected',
    'OpportunityReopened',
    'OpportunityUpdated',
    'OpportunityUpdateRejected',
  ];
  const routes = defineRoutes({
    group: `spec-${randomUUID()}`,
    routes: Object.fromEntries(heard.map((type) => [type, keep])),
    emits: ['UpdateOpportunity'],
  });
  const messaging = newMessaging('orchestrator', await test.connect(), bus, routes);
  await messaging.start();
  return {
    received,
    send: (...messages) => messaging.transaction(async (tx) => tx.emit(messages)),
    until: (predicate, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        const tell = (): string =>
          received.map(({ type, payload }) => `${type} ${JSON.stringify(payload).slice(0, 300)}`).join('\n');
        const late = setTimeout(() => reject(new Error(`received so far:\n${tell()}`)), timeoutMs);
        const check = (): void => {
          if (!predicate(received)) return;
          clearTimeout(late);
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    async stop() {
      await messaging.stop(5_000);
      await test.drop();
    },
  };
}
