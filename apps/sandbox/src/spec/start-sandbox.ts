import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { CONFIG, DATABASE } from '@throughline/service';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { z } from 'zod';
import { configShape } from '../config.js';
import { Initial1732200000000 } from '../migrations/1732200000000-initial.js';
import { SandboxModule } from '../sandbox.module.js';
import type { Json } from './json.js';

export interface RunningSandbox {
  url: string;
  port: number;
  databaseUrl: string;
  /** POSTs or GETs the control API. */
  control<T = Json>(method: string, path: string, body?: unknown): Promise<T>;
  stop(): Promise<void>;
}

export const secrets = {
  HUBSPOT_ACCESS_TOKEN: 'pat-spec',
  HUBSPOT_CLIENT_SECRET: 'hubspot-spec-secret',
  STRIPE_SECRET_KEY: 'sk_test_spec',
  STRIPE_WEBHOOK_SECRET: 'whsec_spec',
  MEDUSA_API_KEY: 'sk_medusa_spec',
};

@Module({})
class SpecModule {}

/** The sandbox in this process, on a free port and a database of its own. */
export async function startSandbox(environment: Record<string, string> = {}): Promise<RunningSandbox> {
  const testing: TestDatabase = await testDatabase([Initial1732200000000]);
  const database = await testing.connect();
  const config = z.object(configShape).parse({
    PORT: '0',
    DATABASE_URL: testing.url,
    SEARCH_LAG_MS: '0',
    WEBHOOK_RETRY_MS: '50',
    ...secrets,
    ...environment,
  });
  const root = {
    module: SpecModule,
    global: true,
    imports: [SandboxModule],
    providers: [
      { provide: DATABASE, useValue: database },
      { provide: CONFIG, useValue: config },
    ],
    exports: [DATABASE, CONFIG],
  };
  const app = await NestFactory.create<NestExpressApplication>(root, { rawBody: true, logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    databaseUrl: testing.url,
    control: (method, path, body) => callControl(url, method, path, body),
    async stop() {
      await app.close();
      await testing.drop();
    },
  };
}

export async function callControl(url: string, method: string, path: string, body?: unknown): Promise<Json> {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
