import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MedusaClient } from './client.js';

let server: Server;
let answer: RequestListener;
const seen: { url: string; authorization: string | undefined }[] = [];
const client = (timeoutMs = 2_000) =>
  new MedusaClient({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/medusa`,
    apiKey: 'sk_test',
    timeoutMs,
  });

beforeEach(async () => {
  seen.length = 0;
  server = createServer((request, response) => {
    seen.push({ url: decodeURIComponent(request.url ?? ''), authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterEach(async () => {
  server.closeAllConnections();
  if (server.listening) await new Promise((closed) => server.close(closed));
});

const status =
  (code: number, body: object | string = { type: 'x', message: 'why' }, headers = {}): RequestListener =>
  (_, response) => {
    response.writeHead(code, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };

describe('calls to Medusa', () => {
  it('keep a path prefix, nest filters as Medusa reads them, and authenticate as Medusa wants it', async () => {
    answer = status(200, { orders: [] });
    await client().listOrders({ updatedSince: '2026-11-22T10:00:00.000Z', limit: 2, offset: 4 });
    expect(seen[0]!.url).toMatch(
      /^\/medusa\/admin\/orders\?updated_at\[\$gte\]=2026-11-22T10:00:00.000Z&order=updated_at&limit=2&offset=4&fields=/,
    );
    expect(seen[0]!.authorization).toBe(`Basic ${Buffer.from('sk_test:').toString('base64')}`);
  });

  it.each([
    [429, 'MEDUSA_RATE_LIMITED', 'later'],
    [500, 'MEDUSA_SERVER_ERROR', 'later'],
    [502, 'MEDUSA_SERVER_ERROR', 'pause'],
    [503, 'MEDUSA_SERVER_ERROR', 'pause'],
    [504, 'MEDUSA_SERVER_ERROR', 'pause'],
    [409, 'MEDUSA_BUSY', 'later'],
    [401, 'MEDUSA_UNAUTHORIZED', 'pause'],
    [400, 'MEDUSA_REFUSED', 'never'],
    [404, 'MEDUSA_NOT_FOUND', 'never'],
  ])('tell what %i means: %s, %s', async (code, expected, retry) => {
    answer = status(code);
    await expect(client().cancelOrder('order_1')).rejects.toMatchObject({
      code: expected,
      retry,
      dependency: 'medusa',
    });
  });

  it('hand on how long Medusa wants to be left alone', async () => {
    answer = status(429, 'slow down', { 'retry-after': '7' });
    await expect(client().cancelOrder('order_1')).rejects.toMatchObject({
      retry: 'later',
      retryAfterMs: 7_000,
      rateLimited: true,
    });
  });

  it('end at the time limit and pause', async () => {
    answer = () => {};
    await expect(client(50).cancelOrder('order_1')).rejects.toMatchObject({ code: 'MEDUSA_TIMEOUT', retry: 'pause' });
  });

  it('end with the attempt they belong to', async () => {
    const attempt = new AbortController();
    answer = () => attempt.abort();
    const medusa = client();
    await expect(medusa.within(attempt.signal, () => medusa.cancelOrder('order_1'))).rejects.toMatchObject({
      code: 'MEDUSA_CONNECTION_LOST',
      retry: 'later',
    });
  });

  it('take a dropped connection and a refused one as an outage', async () => {
    answer = (request) => void request.socket.destroy();
    await expect(client().cancelOrder('order_1')).rejects.toMatchObject({
      code: 'MEDUSA_CONNECTION_LOST',
      retry: 'pause',
    });
    const gone = client();
    await new Promise((closed) => server.close(closed));
    await expect(gone.cancelOrder('order_1')).rejects.toMatchObject({ code: 'MEDUSA_UNREACHABLE', retry: 'pause' });
  });

  it('refuse an answer of another shape, so that a changed API shows at once', async () => {
    answer = status(200, { order: { id: 'order_1' } });
    await expect(client().findOrder('order_1')).rejects.toMatchObject({
      code: 'MEDUSA_ANSWER_UNREADABLE',
      retry: 'never',
    });
  });
});
