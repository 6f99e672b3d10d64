import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Codec, publishSchemas, registrySchemaIds, toHeaders } from '@throughline/contracts';
import { choosePort } from '@throughline/local-stack';
import {
  stackAddress,
  testDatabase,
  testTopics,
  until,
  type TestDatabase,
  type TestTopics,
} from '@throughline/testing';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

jest.setTimeout(90_000);

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const SERVICE = fileURLToPath(new URL('../../../ops-adapter/dist/main.js', import.meta.url));

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a script reads it
type Json = any;

/** The command line as a person types it, against ops-adapter as it is shipped; nobody listens where its vendor should be. */
describe('npx throughline dead-letters', () => {
  let database: TestDatabase;
  let topics: TestTopics;
  let service: ChildProcess;
  let codec: Codec;
  let url: string;
  const home = mkdtempSync(join(tmpdir(), 'throughline-cli-'));

  beforeAll(async () => {
    const registryUrl = stackAddress('schemaRegistryUrl');
    await publishSchemas(registryUrl);
    [database, topics] = await Promise.all([
      testDatabase([]),
      testTopics(['CreateOrder', 'OrderCreated'], { partitions: 1 }),
    ]);
    const forgetful = {
      findId: () => Promise.resolve(undefined),
      findSchema: () => Promise.resolve(undefined),
      save: () => Promise.resolve(),
    };
    codec = new Codec(registrySchemaIds({ url: registryUrl, store: forgetful }));
    await codec.prepare(['CancelOrder']);
    const port = await choosePort();
    url = `http://127.0.0.1:${port}`;
    const env = {
      PATH: process.env['PATH'],
      PORT: String(port),
      DATABASE_URL: database.url,
      KAFKA_BROKERS: stackAddress('kafkaBrokers').join(','),
      KAFKA_PREFIX: topics.kafka.topicPrefix,
      SCHEMA_REGISTRY_URL: registryUrl,
      MEDUSA_BASE_URL: 'http://127.0.0.1:9',
      MEDUSA_API_KEY: 'sk_spec',
      MEDUSA_STORE_ID: 'store_spec',
      SERVICE_VERSION: 'build-7',
      LOG_LEVEL: 'silent',
    };
    const [code] = (await once(spawn(process.execPath, [SERVICE, 'migrate'], { env }), 'exit')) as [number];
    expect(code).toBe(0);
    service = spawn(process.execPath, [SERVICE], { env, stdio: 'ignore' });
    await until('the service is ready', async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok, {
      timeoutMs: 60_000,
      everyMs: 100,
    });
  });
  afterAll(async () => {
    const ended = once(service, 'exit');
    service.kill('SIGKILL');
    await ended;
    await database.drop();
    rmSync(home, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const env = {
      PATH: process.env['PATH'],
      THROUGHLINE_HOME: home,
      THROUGHLINE_SERVICE_URLS: `ops-adapter=${url}`,
      THROUGHLINE_ACTOR: 'ada',
    };
    return new Promise((resolve) => {
      execFile(process.execPath, [MAIN, 'dead-letters', ...args], { env }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
    });
  }
  async function json(...args: string[]): Promise<Json> {
    const { out } = await run(...args, '--json');
    return JSON.parse(out);
  }
  /** A cancellation of an order whose id is none: the handler's SQL refuses it for good. */
  async function cancel(key: string, orderId: string): Promise<void> {
    const headers = toHeaders({
      id: randomUUID(),
      type: 'CancelOrder',
      source: 'spec',
      subject: key,
      time: new Date().toISOString(),
      sequence: 1,
      correlationId: key,
    });
    const payload = { orderId, opportunityId: randomUUID(), occurrence: 1, reason: 'spec' };
    await topics.produce('CancelOrder', [{ key, value: codec.encode('CancelOrder', payload), headers }]);
  }

  it('says what there is, across services, as a table and as one JSON line', async () => {
    expect((await run('list')).out).toBe('No dead letters.\n');
    const keys = [randomUUID(), randomUUID(), randomUUID()];
    for (const [i, key] of keys.entries()) await cancel(key, `order-${i}`);
    const { groups } = await until('three letters of one defect', async () => {
      const listed = await json('list');
      return listed.groups[0]?.counts.new === 3 && listed;
    });
    expect(groups).toMatchObject([
      { service: 'ops-adapter', status: 'new', errorCode: '22P02', types: ['CancelOrder'] },
    ]);
    const { code, out } = await run('list', '--letters', '--status', 'new');
    expect(code).toBe(0);
    for (const key of keys) expect(out).toContain(key);
    expect(out).not.toContain('\u001b[');
    const shown = await run('show', 'ops-adapter/1');
    expect(shown.out).toMatch(/version +build-7/);
    expect(shown.out).toMatch(/"orderId": "order-\d"/);
    expect((await run('show', `ops-adapter/${groups[0].fingerprint}`)).out).toContain('3 new, 0 retrying');
  });

  it('shows first, then does, and says by its exit code whether it held', async () => {
    expect((await run('retry', 'ops-adapter/1', '--preview')).out).toContain('would fail again');
    expect(await run('retry', 'ops-adapter/1')).toMatchObject({ code: 1, err: expect.stringContaining('--reason') });
    expect((await run('retry', 'ops-adapter/1', '--reason', 'hope', '--wait')).code).toBe(1);
    const { key, attempts } = await json('show', 'ops-adapter/1');
    expect(attempts).toBe(2);

    const change = ['--set', `orderId=${key}`];
    expect(await run('edit', 'ops-adapter/1', ...change, '--preview')).toMatchObject({
      code: 0,
      out: expect.stringContaining('would send      OrderCancelled'),
    });
    expect((await run('edit', 'ops-adapter/1', '--set', 'ordreId=x', '--reason', 'typo')).err).toContain(
      'no field ordreId',
    );
    const { version, content } = await json('show', 'ops-adapter/1');
    expect((await run('show', 'ops-adapter/1')).out).toMatch(new RegExp(`letter version +${version}\n`));
    expect((await run('edit', 'ops-adapter/1', ...change, '--reason', 'typo')).out).toContain('edited');
    const payload = join(home, 'payload.json');
    writeFileSync(payload, JSON.stringify({ ...content.payload, reason: 'by bob' }));
    const whole = ['edit', 'ops-adapter/1', '--payload', payload, '--reason', 'mine'];
    expect(await run(...whole)).toMatchObject({ code: 1, err: expect.stringContaining('--letter-version') });
    expect(await run(...whole, '--letter-version', version)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/refuses: Letter 1 has changed meanwhile \(last edited by ada at/),
    });
    expect(await json('show', 'ops-adapter/1')).toMatchObject({
      content: { payload: { orderId: key, reason: 'spec' } },
      edits: [{ actor: 'ada', reason: 'typo' }],
    });
    expect(await run('retry', 'ops-adapter/1', '--reason', 'corrected', '--wait')).toMatchObject({
      code: 0,
      out: expect.stringContaining('handled'),
    });
    const audit = await json('audit', 'ops-adapter/1');
    expect(audit.entries.map((entry: Json) => [entry.actor, entry.action, entry.reason])).toEqual([
      ['ada', 'retried', 'corrected'],
      ['ada', 'edited', 'typo'],
      ['ada', 'retried', 'hope'],
    ]);
  });

  it('works on a group: owner, staged release that stops, archive and restore', async () => {
    const [{ fingerprint }] = (await json('list')).groups;
    const group = `ops-adapter/${fingerprint}`;
    expect(await json('edit', group, '--owner', 'ada', '--status', 'investigating', '--reason', 'mine')).toMatchObject({
      owner: 'ada',
    });
    expect((await json('list', '--owner', 'ada')).groups).toHaveLength(1);
    const release = await run('retry', group, '--reason', 'hope', '--wait');
    expect(release).toMatchObject({ code: 1, out: expect.stringMatching(/release-1 +stopped[^]*1 of 2/) });
    expect((await run('show', 'ops-adapter/release-1')).out).toContain('1 letter died again');
    expect((await run('cancel', 'ops-adapter/release-1', '--reason', 'x')).code).toBe(1);
    expect((await run('archive', group, '--reason', 'never mind')).out).toContain('2 letters of ops-adapter archived');
    expect((await json('list', '--status', 'archived')).groups).toHaveLength(1);
    expect((await run('restore', 'ops-adapter/2', '--reason', 'after all')).code).toBe(0);
    expect(await run('restore', 'ops-adapter/2', '--reason', 'again')).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not archived'),
    });
  });

  it('names what it does not understand, and says by 3 that a service did not answer', async () => {
    expect(await run('show', '12')).toMatchObject({ code: 1, err: expect.stringContaining('ops-adapter/12') });
    expect(await run('show', 'crm/12')).toMatchObject({
      code: 1,
      err: expect.stringContaining('known are ops-adapter'),
    });
    const partly = await run('--url', `ops-adapter=${url}`, '--url', 'finance-adapter=http://127.0.0.1:9', 'list');
    expect(partly).toMatchObject({
      code: 3,
      out: expect.stringContaining('ops-adapter/fp'),
      err: expect.stringContaining('finance-adapter does not answer'),
    });
    expect((await run('--help')).out).toContain('Exit codes');
  });
});
