/**
 * OTLP/HTTP in (JSON or protobuf, gzip or not), Zipkin v2 out: `otlp-receiver <port> <zipkin url>`. A process of its own,
 * so that spans of services that start early or end late are not the launcher's work. Metrics and logs are taken and
 * dropped: the viewer shows traces.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import type * as Protobuf from './otlp-protobuf.js';
import type * as Zipkin from './zipkin-span.js';

// Runs as .js from dist and as .ts from src: a static import could only name one of the two.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const load = (name: string): Promise<unknown> => import(new URL(`./${name}.${extension}`, import.meta.url).href);
const { decodeOtlpTraces } = (await load('otlp-protobuf')) as typeof Protobuf;
const { toZipkinSpans } = (await load('zipkin-span')) as typeof Zipkin;

const [port, zipkinUrl] = [Number(process.argv[2]), process.argv[3]];
const bodyLimitBytes = 32 * 1024 * 1024;
/** What is kept while the viewer is starting or away; beyond it the oldest go, counted and said. */
const waitingLimit = 50_000;
const batchSize = 2_000;

const waiting: Zipkin.ZipkinSpan[] = [];
let dropped = 0;
let sending = false;

createServer((request, response) => {
  handle(request, response).catch((error: Error) => {
    answer(response, 400, { message: error.message });
  });
})
  .listen(port, '127.0.0.1')
  .once('error', (error) => {
    console.error(`cannot listen on 127.0.0.1:${port}: ${error.message}`);
    process.exit(1);
  });

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET' && request.url === '/health') {
    answer(response, 200, { waiting: waiting.length, dropped });
    return;
  }
  if (request.method !== 'POST' || !/^\/v1\/(traces|metrics|logs)$/.test(request.url ?? '')) {
    answer(response, 404, { message: 'POST /v1/traces' });
    return;
  }
  const body = await readBody(request);
  const isJson = (request.headers['content-type'] ?? '').includes('json');
  if (request.url === '/v1/traces') {
    const traces = isJson ? (JSON.parse(body.toString('utf8')) as Protobuf.OtlpTraces) : decodeOtlpTraces(body);
    waiting.push(...toZipkinSpans(traces));
    void send();
  }
  if (isJson) answer(response, 200, {});
  else response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
}

function answer(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyLimitBytes) throw new Error(`a body of more than ${bodyLimitBytes} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body, { maxOutputLength: bodyLimitBytes }) : body;
}

async function send(): Promise<void> {
  if (sending) return;
  sending = true;
  try {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchSize);
      if (await post(batch)) continue;
      waiting.unshift(...batch);
      if (waiting.length > waitingLimit) {
        dropped += waiting.splice(0, waiting.length - waitingLimit).length;
        console.error(`the viewer is away: ${dropped} spans dropped so far`);
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  } finally {
    sending = false;
  }
}

async function post(batch: Zipkin.ZipkinSpan[]): Promise<boolean> {
  try {
    const response = await fetch(`${zipkinUrl}/api/v2/spans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(batch),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (response.status >= 400 && response.status < 500) {
      console.error(`the viewer refused ${batch.length} spans: ${response.status} ${text.slice(0, 300)}`);
      return true;
    }
    return response.ok;
  } catch {
    return false;
  }
}
