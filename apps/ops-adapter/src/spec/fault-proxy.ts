import { EventEmitter, once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one call on its way to Medusa. */
export type Fault = 'drop' | 'apply-then-drop' | 'apply-then-hang' | 'timeout-then-apply';

export interface Call {
  method: string;
  path: string;
}

/**
 * For specs: stands between the adapter and Medusa (or the sandbox) and spoils single calls, the way networks do. What it lets
 * through is answered by the other side, so a spec is as good against a real Medusa as against the sandbox.
 */
export class FaultProxy {
  /** Every call that came, faults included. */
  readonly calls: Call[] = [];
  private readonly server: Server;
  private readonly late: Promise<void>[] = [];
  private decide: (call: Call, index: number) => Fault | undefined = () => undefined;

  private constructor(private readonly target: URL) {
    this.server = createServer((request, response) => void this.forward(request, response));
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(new URL(target));
    await new Promise<void>((listening) => proxy.server.listen(0, '127.0.0.1', listening));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on, `decide` says what happens to each call; `index` counts from 0. Forgets the calls so far. */
  spoil(decide: (call: Call, index: number) => Fault | undefined): void {
    this.calls.length = 0;
    this.decide = decide;
  }

  /** Applies what timed out. */
  async applyLate(): Promise<void> {
    this.release.forEach((apply) => apply());
    this.release.length = 0;
    await Promise.all(this.late.splice(0));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  /** Resolves when a call has been applied whose answer never comes. */
  async hangs(): Promise<void> {
    await once(this.hanging, 'applied');
  }

  private readonly hanging = new EventEmitter();
  private readonly release: (() => void)[] = [];

  private async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const call = { method: request.method ?? '', path: (request.url ?? '').split('?')[0]! };
    const fault = this.decide(call, this.calls.push(call) - 1);
    if (fault === 'timeout-then-apply') {
      const released = new Promise<void>((apply) => this.release.push(apply));
      this.late.push(released.then(async () => void (await this.send(request, body))));
    }
    if (fault === 'drop' || fault === 'timeout-then-apply') return void response.destroy();
    const answer = await this.send(request, body);
    if (fault === 'apply-then-drop') return void response.destroy();
    if (fault === 'apply-then-hang') return void this.hanging.emit('applied');
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text);
  }

  private send(request: IncomingMessage, body: Buffer): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const { authorization, 'content-type': contentType } = request.headers;
      const headers = { authorization, 'content-type': contentType, 'content-length': body.length };
      const path = this.target.pathname.replace(/\/$/, '') + request.url;
      const options = { host: this.target.hostname, port: this.target.port, method: request.method, path, headers };
      httpRequest(options as never, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      })
        .on('error', reject)
        .end(body);
    });
  }
}
