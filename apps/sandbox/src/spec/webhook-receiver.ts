import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './json.js';

export interface ReceivedWebhook {
  headers: IncomingHttpHeaders;
  body: string;
  json: Json;
}

export interface WebhookReceiver {
  url: string;
  received: ReceivedWebhook[];
  /** Answers the next webhooks with these statuses, then 200. */
  answers: number[];
  /** Resolves once `predicate` holds for what has been received. */
  until(predicate: (received: ReceivedWebhook[]) => boolean, timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** A web server that keeps what it is sent, as one of our adapters would see it. */
export async function receiveWebhooks(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const answers: number[] = [];
  let check = (): void => {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const status = answers.shift() ?? 200;
      received.push({ headers: request.headers, body, json: JSON.parse(body) });
      response.writeHead(status).end();
      check();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    received,
    answers,
    until: (predicate, timeoutMs = 10_000) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`webhooks so far: ${JSON.stringify(received.map(({ json }) => json))}`)),
          timeoutMs,
        );
        check = () => {
          if (!predicate(received)) return;
          clearTimeout(late);
          resolve();
        };
        check();
      }),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
