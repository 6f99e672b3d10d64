import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ThroughlineError } from '@throughline/contracts';
import { defineRoutes, effect, type Message, type Messaging } from '@throughline/messaging';
import { cancelOrder, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { CONFIG, MESSAGING } from '../tokens.js';
import { DeadLettersController } from './dead-letters.controller.js';

jest.setTimeout(60_000);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
type Json = any;

describe('the HTTP API of dead letters', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  let app: INestApplication;
  let url: string;
  let broken = true;
  const handled: string[] = [];

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder']);
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        routes: {
          CancelOrder: effect(
            async ({ payload }: Message<'CancelOrder'>) => {
              if (broken) throw new ThroughlineError('no such order', { code: 'ORDER_MISSING', retry: 'never' });
              handled.push(payload.reason ?? '');
            },
            { dependency: 'vendor' },
          ),
        },
      }),
      { service: 'ops-adapter' },
    );
    @Module({
      controllers: [DeadLettersController],
      providers: [
        { provide: MESSAGING, useValue: messaging },
        { provide: CONFIG, useValue: { TRACE_VIEWER_URL: 'http://viewer:9411/' } },
      ],
    })
    class ApiModule {}
    app = await NestFactory.create(ApiModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    await until('ready', () => messaging.health().ready);
    await die('first', 'second', 'third');
  });
  afterAll(async () => {
    await app.close();
    await harness.close();
  });

  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  async function die(...reasons: string[]): Promise<void> {
    broken = true;
    const before = (await messaging.deadLetters.findLetters({ limit: 200 })).length;
    // One after the other: keys of their own would die in any order.
    for (const [index, reason] of reasons.entries()) {
      await messaging.transaction(async (tx) => tx.emit([{ ...cancelOrder(randomUUID(), reason), traceparent }]));
      await until(`${reason} died`, async () => {
        return (await messaging.deadLetters.findLetters({ limit: 200 })).length === before + index + 1;
      });
    }
  }
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    actor?: string,
  ): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${url}/v1/dead-letters${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(actor && { 'x-actor': actor }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }
  const newest = async (): Promise<Json> => (await ask('GET', '?status=new&limit=1')).body.letters[0];

  it('lists groups and letters, filtered and in pages, and names the service', async () => {
    const groups = await ask('GET', '/groups');
    expect(groups.body).toMatchObject({
      service: 'ops-adapter',
      groups: [{ status: 'new', owner: null, counts: { new: 3 }, errorCode: 'ORDER_MISSING', types: ['CancelOrder'] }],
      next: null,
    });
    const { fingerprint } = groups.body.groups[0];
    const first = await ask('GET', `?group=${fingerprint}&status=new&type=CancelOrder&limit=2`);
    expect(first.body.letters).toHaveLength(2);
    const second = await ask('GET', `?group=${fingerprint}&limit=2&before=${first.body.next}`);
    expect(second.body).toMatchObject({ letters: [{ status: 'new', held: true }], next: null });
    expect((await ask('GET', '?since=2099-01-01T00:00:00Z')).body.letters).toEqual([]);
    expect((await ask('GET', `?key=${first.body.letters[0].key}`)).body.letters).toHaveLength(1);
  });

  it('shows one with all that is kept of it and a link to its trace', async () => {
    const { id } = await newest();
    expect((await ask('GET', `/${id}`)).body).toMatchObject({
      id,
      service: 'ops-adapter',
      topic: harness.topics.nameOf('CancelOrder'),
      content: { payload: { reason: 'third' }, problem: null, headers: { 'content-type': 'application/avro' } },
      original: null,
      serviceVersion: '1.2.3',
      dependency: 'vendor',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      traceUrl: 'http://viewer:9411/zipkin/traces/4bf92f3577b34da6a3ce929d0e0e4736',
    });
  });

  it('asks who and why before it changes anything, and names every field at fault', async () => {
    const { id } = await newest();
    expect(await ask('POST', '/retry', { ids: [id], reason: 'why' })).toMatchObject({
      status: 400,
      body: { code: 'ACTOR_MISSING', message: expect.stringContaining('x-actor') },
    });
    expect(await ask('POST', '/retry', { ids: [id] }, 'ada')).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID', problems: [{ field: 'reason' }] },
    });
    for (const [method, path, body] of [
      ['POST', '/retry', { reason: 'x' }],
      ['POST', '/retry', { ids: ['1'], group: 'fp0123456789ab', reason: 'x' }],
      ['POST', '/archive', { ids: ['one'], reason: 'x' }],
      ['PATCH', '/groups/fp0123456789ab', { status: 'archived', reason: 'x' }],
      ['PATCH', '/groups/fp0123456789ab', { reason: 'x' }],
      ['PATCH', '/groups/nonsense', { status: 'fixed', reason: 'x' }],
      ['GET', '?limit=1000', undefined],
      ['GET', '?before=me', undefined],
      ['GET', '?colour=red', undefined],
      ['GET', '/audit?target=everything', undefined],
      ['GET', '/nonsense', undefined],
    ] as const) {
      expect([method, path, (await ask(method, path, body, 'ada')).status]).toEqual([method, path, 400]);
    }
    expect((await newest()).attempts).toBe(1);
  });

  it('says 404 for what is not there, with the next step', async () => {
    for (const [method, path, body] of [
      ['GET', '/999999', undefined],
      ['GET', '/groups/fp000000000000', undefined],
      ['GET', '/releases/77', undefined],
      ['POST', '/999999/preview', {}],
      ['POST', '/retry', { ids: ['999999'], reason: 'x' }],
      ['POST', '/archive', { group: 'fp000000000000', reason: 'x' }],
      ['PATCH', '/999999', { payload: {}, reason: 'x' }],
      ['POST', '/releases/77/cancel', { reason: 'x' }],
    ] as const) {
      const answer = await ask(method, path, body, 'ada');
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(answer.body.message).toContain('list');
    }
  });

  it('previews, edits, retries; each with who and why in the audit log', async () => {
    const { id, key } = await newest();
    expect((await ask('POST', `/${id}/preview`)).body).toMatchObject({
      outcome: 'fail',
      error: { code: 'ORDER_MISSING' },
    });
    broken = false;
    expect((await ask('POST', `/${id}/preview`, {})).body).toMatchObject({
      outcome: 'handled',
      emits: [],
      changes: [],
    });
    const { payload } = cancelOrder(key, 'corrected');
    expect(
      await ask('PATCH', `/${id}`, { payload: { ...payload, occurrence: 'x' }, reason: 'typo' }, 'ada'),
    ).toMatchObject({
      status: 400,
      body: { code: 'MSG_EDIT_INVALID', field: 'payload', message: expect.stringContaining('occurrence') },
    });
    for (const [name, value] of [
      ['note', 'a\0b'],
      ['note', 'a\udc00'],
      ['no\0te', 'ab'],
    ] as const) {
      expect(await ask('PATCH', `/${id}`, { headers: { [name]: value }, reason: 'typo' }, 'ada')).toMatchObject({
        status: 400,
        body: { code: 'MSG_EDIT_INVALID', field: `headers.${name}`, message: expect.stringContaining('surrogate') },
      });
    }
    expect(await ask('PATCH', `/${id}`, { payload, reason: 'typo' }, 'ada')).toMatchObject({
      status: 200,
      body: {
        content: { payload: { reason: 'corrected' } },
        original: { payload: { reason: 'third' } },
        edits: [{ actor: 'ada', reason: 'typo' }],
      },
    });
    expect(await ask('POST', '/retry', { ids: [id], reason: 'fixed', actor: 'bob' })).toMatchObject({
      status: 200,
      body: { done: [id], refused: [] },
    });
    await until('it was handled', async () => (await ask('GET', `/${id}`)).body.status === 'handled');
    // A preview runs the handler, and memory is nobody's to roll back.
    expect(handled).toEqual(['third', 'corrected']);
    expect(await ask('POST', '/retry', { ids: [id], reason: 'again' }, 'ada')).toMatchObject({
      status: 409,
      body: {
        code: 'MSG_DEAD_LETTER_CONFLICT',
        message: `Letter ${id} was handled since: nothing is left to be done.`,
      },
    });
    const { entries } = (await ask('GET', `/audit?target=letter:${id}`)).body;
    expect(entries).toMatchObject([
      { action: 'retried', actor: 'bob', reason: 'fixed', target: `letter:${id}` },
      {
        action: 'edited',
        actor: 'ada',
        before: { payload: { reason: 'third' } },
        after: { payload: { reason: 'corrected' } },
      },
    ]);
  });

  it('refuses the edit of who has seen another version than there is, and says who changed it', async () => {
    await die('seen');
    const { id, key } = await newest();
    const { version } = (await ask('GET', `/${id}`)).body;
    const edit = (reason: string, actor: string) =>
      ask('PATCH', `/${id}`, { payload: cancelOrder(key, reason).payload, version, reason: 'typo' }, actor);
    expect((await edit('by bob', 'bob')).body.version).not.toBe(version);
    expect(await edit('by ada', 'ada')).toMatchObject({
      status: 409,
      body: { code: 'MSG_DEAD_LETTER_CONFLICT', message: expect.stringContaining('edited by bob') },
    });
    expect((await ask('GET', `/${id}`)).body).toMatchObject({
      content: { payload: { reason: 'by bob' } },
      edits: [{ actor: 'bob' }],
    });
    broken = false;
    await ask('POST', '/retry', { ids: [id], reason: 'fixed' }, 'bob');
    await until('it was handled', async () => (await ask('GET', `/${id}`)).body.status === 'handled');
  });

  it('works on groups: owner and status, archive and restore, and a staged release that can be watched', async () => {
    await die('fourth');
    const [{ fingerprint }] = (await ask('GET', '/groups')).body.groups;
    const change = { owner: 'ada', status: 'investigating', notes: 'asked the vendor', reason: 'mine' };
    expect((await ask('PATCH', `/groups/${fingerprint}`, change, 'ada')).body).toMatchObject({
      owner: 'ada',
      status: 'investigating',
    });
    expect((await ask('POST', '/archive', { group: fingerprint, reason: 'x' }, 'ada')).body.done).toHaveLength(3);
    expect((await ask('GET', `/groups/${fingerprint}`)).body).toMatchObject({
      status: 'archived',
      counts: { archived: 3, handled: 2 },
    });
    expect((await ask('POST', '/restore', { group: fingerprint, reason: 'x' }, 'ada')).body.done).toHaveLength(3);
    broken = false;
    const started = await ask('POST', '/releases', { group: fingerprint, reason: 'repaired' }, 'ada');
    expect(started).toMatchObject({
      status: 201,
      body: { status: 'running', group: fingerprint, progress: { total: 3 } },
    });
    const release = await until('it is done', async () => {
      const { body } = await ask('GET', `/releases/${started.body.id}`);
      return body.status !== 'running' && (body as { status: string });
    });
    expect(release).toMatchObject({ status: 'done', progress: { handled: 3 } });
    expect((await ask('GET', '/releases')).body.releases).toHaveLength(1);
    expect((await ask('POST', `/releases/${started.body.id}/cancel`, { reason: 'x' }, 'ada')).status).toBe(409);
  });

  it('is described as OpenAPI, every path with its bodies and answers', () => {
    const { paths, components } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    const edit = paths['/v1/dead-letters/{id}']!.patch as Json;
    expect(edit.requestBody.content['application/json'].schema).toMatchObject({
      properties: { version: { type: 'string' } },
      required: ['reason'],
    });
    expect(components!.schemas!['LetterView']).toMatchObject({ required: expect.arrayContaining(['version']) });
    const all = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, Json>).map(([method, operation]) => ({
        name: `${method} ${path}`,
        operation,
      })),
    );
    expect(all).toHaveLength(15);
    for (const { name, operation } of all) {
      const [, answer] = Object.entries<Json>(operation.responses).find(([status]) => status.startsWith('2'))!;
      expect([name, Boolean(operation.summary), Boolean(answer.content)]).toEqual([name, true, true]);
      if (!name.startsWith('get'))
        expect([name, operation.requestBody?.content['application/json'].schema.type]).toEqual([name, 'object']);
    }
  });
});
