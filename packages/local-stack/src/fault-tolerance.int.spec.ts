import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { removePostgresData } from './postgres.js';
import { type Stack, type StackPart, type StackProgress, startStack } from './stack.js';

// A stack of its own, whatever the environment names: its parts are killed.
const { PATH, HOME, JAVA_HOME } = process.env;
const env = { PATH, HOME, JAVA_HOME };

describe('the stack under faults', () => {
  let directory: string;
  let stack: Stack;
  let squatter: Server;
  let takenPort: number;
  const events: StackProgress[] = [];
  const part = (name: StackPart['name']): StackPart => {
    const found = stack.parts[name];
    if (!found) throw new Error(`no part ${name}`);
    return found;
  };
  const kafka = () =>
    new Kafka({
      brokers: stack.addresses.kafkaBrokers,
      logLevel: logLevel.NOTHING,
      retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 1_000 },
    });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'throughline-stack-'));
    squatter = createServer();
    takenPort = await new Promise((resolve) =>
      squatter.listen(0, '127.0.0.1', () => resolve((squatter.address() as { port: number }).port)),
    );
    stack = await startStack({
      directory,
      env,
      preferredPorts: { postgres: takenPort },
      onProgress: (event) => events.push(event),
    });
  }, 240_000);

  afterAll(async () => {
    await stack?.stop();
    squatter?.close();
    removePostgresData(directory);
    rmSync(directory, { recursive: true, force: true });
  }, 120_000);

  it('chooses another port where one is taken, and says so', () => {
    expect(stack.addresses.postgresAdminUrl).not.toContain(`:${takenPort}/`);
    expect(events).toContainEqual(
      expect.objectContaining({ part: 'postgres', detail: expect.stringContaining(`port ${takenPort} is taken`) }),
    );
  });

  it('refuses a second stack in the same directory', async () => {
    await expect(startStack({ directory, env })).rejects.toMatchObject({ code: 'STACK_ALREADY_RUNNING' });
  });

  it('joins a group and sends idempotently with kafkajs, and keeps messages over kill -9 on the same port', async () => {
    const topic = `fault-${Date.now()}`;
    const admin = kafka().admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }], waitForLeaders: true });
    await admin.disconnect();
    await send(topic, ['before']);

    const { kafkaBrokers } = stack.addresses;
    await part('kafka').kill('SIGKILL');
    expect(part('kafka').pid).toBeUndefined();
    await part('kafka').start();
    expect(stack.addresses.kafkaBrokers).toEqual(kafkaBrokers);
    await send(topic, ['after']);

    expect(await consume(topic, 2)).toEqual(['before', 'after']);
  }, 120_000);

  it('keeps schemas and their ids over a restart of registry and database', async () => {
    const { registryUrl } = stack.addresses;
    const schema = JSON.stringify({ type: 'record', name: 'Kept', fields: [{ name: 'a', type: 'string' }] });
    const registered = await fetch(`${registryUrl}/subjects/kept/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema }),
    });
    const { id } = (await registered.json()) as { id: number };
    await part('registry').kill('SIGKILL');
    await part('postgres').kill('SIGKILL');
    await part('postgres').start();
    await part('registry').start();
    const kept = (await (await fetch(`${registryUrl}/schemas/ids/${id}`)).json()) as { schema: string };
    expect(JSON.parse(kept.schema)).toEqual(JSON.parse(schema));
  }, 120_000);

  it('has fsync on and asks for a password', async () => {
    const client = new Client({ connectionString: stack.addresses.postgresAdminUrl });
    await client.connect();
    const { rows } = await client.query<{ fsync: string; encoding: string }>(
      "select current_setting('fsync') as fsync, current_setting('server_encoding') as encoding",
    );
    await client.end();
    expect(rows).toEqual([{ fsync: 'on', encoding: 'UTF8' }]);
    const url = new URL(stack.addresses.postgresAdminUrl);
    url.password = 'guessed';
    await expect(new Client({ connectionString: url.href }).connect()).rejects.toThrow(
      /password authentication failed/,
    );
  });

  it('shows a span that came in by OTLP', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const span = {
      traceId,
      spanId: 'b7ad6b7169203331',
      name: 'hello',
      startTimeUnixNano: `${Date.now()}000000`,
      endTimeUnixNano: `${Date.now() + 5}000000`,
    };
    await fetch(`${stack.addresses.otlpEndpoint}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
    });
    // Sent before the viewer is ready: the receiver keeps it.
    await part('viewer').ready;
    await expect(shown(`${stack.addresses.viewerUrl}/api/v2/trace/${traceId}`)).resolves.toMatchObject([
      { name: 'hello' },
    ]);
  }, 120_000);

  it('listens on loopback alone', () => {
    const pids = Object.values(stack.parts).map(({ pid }) => pid);
    const lines = execFileSync('ss', ['-H', '-ltnp'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)));
    expect(lines.length).toBeGreaterThanOrEqual(5);
    for (const line of lines) expect(line.split(/\s+/)[3]).toMatch(/^(\[::ffff:)?127\.0\.0\.1\]?:/);
  });

  async function send(topic: string, values: string[]): Promise<void> {
    const producer = kafka().producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    await producer.send({ topic, acks: -1, messages: values.map((value) => ({ key: 'same', value })) });
    await producer.disconnect();
  }

  async function consume(topic: string, count: number): Promise<string[]> {
    const consumer = kafka().consumer({ groupId: `${topic}-group` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: string[] = [];
    await new Promise<void>((resolve, reject) => {
      // A coordinator that is still loading is no failure: kafkajs joins again by itself.
      consumer.on('consumer.crash', ({ payload }) => void (payload.restart || reject(payload.error)));
      void consumer.run({
        eachMessage: async ({ message }) => {
          values.push(message.value?.toString() ?? '');
          if (values.length >= count) resolve();
        },
      });
    });
    await consumer.disconnect();
    return values;
  }

  async function shown(url: string): Promise<unknown> {
    for (let attempt = 0; ; attempt += 1) {
      const response = await fetch(url);
      if (response.ok || attempt > 100) return response.json();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});
