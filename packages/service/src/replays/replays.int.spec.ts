import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { defineRoutes, effect, type Messaging } from '@throughline/messaging';
import { cancelOrder, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { ConsumerController } from '../consumer.controller.js';
import { MESSAGING } from '../tokens.js';
import { ReplaysController } from './replays.controller.js';

jest.setTimeout(60_000);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
type Json = any;

describe('the HTTP API of replays and of the consumer', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder'], { partitions: 1 });
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: { CancelOrder: effect(async () => undefined, { dependency: 'vendor' }) },
      }),
      { service: 'ops-adapter' },
    );
    @Module({
      controllers: [ReplaysController, ConsumerController],
      providers: [{ provide: MESSAGING, useValue: messaging }],
    })
    class ApiModule {}
    app = await NestFactory.create(ApiModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    await until('ready', () => messaging.health().ready);
    await messaging.transaction(async (tx) =>
      tx.emit([cancelOrder(randomUUID(), '1'), cancelOrder(randomUUID(), '2')]),
    );
    await until('both are taken in', async () => (await harness.rows('SELECT 1 FROM inbox')).length === 2);
  });
  afterAll(async () => {
    await app.close();
    await harness.close();
  });

  async function ask(
    method: string,
    path: string,
    body?: object,
    actor?: string,
  ): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${url}/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(actor && { 'x-actor': actor }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }
  const over = (id: string): Promise<Json> =>
    until('it is over', async () => {
      const { body } = await ask('GET', `/replays/${id}`);
      return body.status !== 'running' && body;
    });

  it('begins one, says how it went, and lists it with who and why', async () => {
    const wanted = { mode: 'missed', reason: 'after the incident' };
    // The offsets are committed within a second; up to there a replay of what was missed reads.
    const replay = await until('the whole is read', async () => {
      const { status, body } = await ask('POST', '/replays', wanted, 'ada');
      expect([status, body.status]).toEqual([202, 'running']);
      const ended = await over(body.id);
      return ended.recordsTotal === 2 && ended;
    });
    expect(replay).toMatchObject({
      service: 'ops-adapter',
      status: 'done',
      recordsRead: 2,
      remainingMs: 0,
      types: { CancelOrder: { new: 0, known: 2 } },
      actor: 'ada',
      reason: 'after the incident',
    });
    expect((await ask('GET', '/replays?limit=1')).body).toMatchObject({ replays: [{ id: replay.id }] });
  });

  it('answers a dry run, which is not recorded', async () => {
    const { body } = await ask('POST', '/replays', { mode: 'missed', dryRun: true, actor: 'ada', reason: 'to see' });
    expect(body.id).toMatch(/^dry-/);
    expect(await over(body.id)).toMatchObject({
      status: 'done',
      dryRun: true,
      types: { CancelOrder: { new: 0, known: 2 } },
    });
    const { replays } = (await ask('GET', '/replays')).body;
    expect(replays.some(({ id }: Json) => id === body.id)).toBe(false);
    const cancelled = await ask('POST', `/replays/${body.id}/cancel`, { reason: 'too late' }, 'ada');
    expect([cancelled.status, cancelled.body.status]).toEqual([200, 'done']);
  });

  it('refuses with a code and the next step', async () => {
    const asked = async (body: object, actor?: string): Promise<unknown> => {
      const answer = await ask('POST', '/replays', { reason: 'x', ...body }, actor);
      return [answer.status, answer.body.code];
    };
    expect(await asked({ mode: 'missed' })).toEqual([400, 'ACTOR_MISSING']);
    expect(await asked({ mode: 'all' }, 'ada')).toEqual([400, 'REQUEST_INVALID']);
    expect(await asked({ mode: 'missed', type: 'Nothing' }, 'ada')).toEqual([400, 'REQUEST_INVALID']);
    expect(await asked({ mode: 'missed', from: 'yesterday' }, 'ada')).toEqual([400, 'MSG_REPLAY_PLACE_INVALID']);
    expect(await asked({ mode: 'missed', topic: 'elsewhere' }, 'ada')).toEqual([404, 'MSG_REPLAY_TOPIC_UNKNOWN']);
    expect(await asked({ mode: 'rebuild' }, 'ada')).toEqual([409, 'MSG_NOT_REPLAYABLE']);
    expect((await ask('GET', '/replays/4711')).body.code).toBe('MSG_REPLAY_UNKNOWN');
  });

  it('says what the consumer reads and what waits', async () => {
    const { status, body } = await ask('GET', '/consumer');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      service: 'ops-adapter',
      consumer: harness.topics.group,
      topics: [harness.topics.nameOf('CancelOrder')],
      ready: true,
      partitions: [
        { topic: harness.topics.nameOf('CancelOrder'), partition: 0, lagMessages: 0, lagSeconds: 0, paused: false },
      ],
      deadLetters: 0,
      rebuild: null,
    });
    expect(body.work).toContainEqual({
      dependency: 'vendor',
      pending: 0,
      parkedKeys: 0,
      parkedSeconds: 0,
      heldKeys: 0,
      paused: false,
    });
  });

  it('describes itself as OpenAPI', () => {
    const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/v1/replays', '/v1/replays/{id}', '/v1/replays/{id}/cancel', '/v1/consumer']),
    );
  });
});
