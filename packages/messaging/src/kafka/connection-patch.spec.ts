import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, connect, Socket, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ISocketFactory } from 'kafkajs';
import { cutConnections, patchKafkaConnections } from './connection-patch.js';

interface Answer {
  correlationId: number;
}
interface Connection {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  isConnected(): boolean;
  sendAuthRequest(of: { request: { encode(): Promise<Buffer> }; response: object }): Promise<unknown>;
  requestQueue: { fulfillRequest(answer: Answer): void; push(request: object): void };
}
const NewConnection = createRequire(import.meta.url)('kafkajs/src/network/connection.js') as new (
  options: object,
) => Connection;
const silent = { debug: () => undefined, error: () => undefined, namespace: (): unknown => silent };
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('patchKafkaConnections', () => {
  let server: Server;
  /** As the server has them. */
  const sockets: Socket[] = [];
  /** As the connections have them. */
  let made: Socket[];
  /** Whether the next socket meets a host that says nothing. */
  let isSilent: boolean;
  let logged: string[];
  let factory: ISocketFactory;

  beforeEach(async () => {
    // It closes nothing because the other side has.
    server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    made = [];
    isSilent = false;
    logged = [];
    factory = socketsOf();
    patchKafkaConnections();
    patchKafkaConnections();
  });
  afterEach(() => {
    for (const socket of [...sockets.splice(0), ...made]) socket.destroy();
    server.close();
  });

  const socketsOf = (): ISocketFactory => (of) => {
    made.push(isSilent ? new Socket() : connect({ host: of.host, port: of.port }, of.onConnect));
    return made.at(-1)!;
  };
  const newConnection = (options: object = {}): Connection =>
    new NewConnection({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      logger: { ...silent, namespace: () => ({ ...silent, error: (text: string) => void logged.push(text) }) },
      connectionTimeout: 200,
      requestTimeout: 15_000,
      socketFactory: factory,
      ...options,
    });
  /** A request that is sent, and waits for its answer. */
  function ask(connection: Connection, correlationId = 1): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers();
    const entry = { correlationId, apiKey: 3, apiName: 'Metadata', apiVersion: 6, resolve, reject };
    connection.requestQueue.push({ entry, expectResponse: true, sendRequest: () => undefined });
    return promise;
  }
  async function served(count: number): Promise<Socket> {
    while (sockets.length < count) await once(server, 'connection');
    return sockets[count - 1]!;
  }

  it('reads the first response of a new connection, whatever half an older one had brought', async () => {
    const connection = newConnection();
    const answered = Promise.withResolvers<Answer>();
    connection.requestQueue.fulfillRequest = answered.resolve;
    await connection.connect();
    (await served(1)).end(Buffer.from([0, 0, 0, 100, 1, 2, 3])); // 100 bytes are promised
    while (connection.isConnected()) await tick();
    await connection.connect();
    (await served(2)).write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 7]));
    expect(await answered.promise).toMatchObject({ correlationId: 7 });
    await connection.disconnect();
  });

  it('is not closed by a socket that was given up before, and several who want it share one', async () => {
    const connection = newConnection();
    isSilent = true;
    await expect(connection.connect()).rejects.toThrow('Connection timeout');
    expect(made[0]!.destroyed).toBe(true);
    isSilent = false;
    await Promise.all([connection.connect(), connection.connect()]);
    expect(made).toHaveLength(2);
    const asked = ask(connection);
    made[0]!.emit('end');
    made[0]!.emit('error', new Error('late'));
    made[0]!.emit('data', Buffer.from([0, 0, 0, 4, 0, 0, 0, 1]));
    await tick();
    expect(connection.isConnected()).toBe(true);
    (await served(1)).write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 1]));
    await expect(asked).resolves.toMatchObject({ correlationId: 1 });
    await connection.disconnect();
  });

  it('ends the attempt to connect that is on its way when it is disconnected, and is not bothered by it later', async () => {
    const connection = newConnection({ connectionTimeout: 300 });
    isSilent = true;
    const began = performance.now();
    const attempts = [connection.connect(), connection.connect()];
    await connection.disconnect();
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ name: 'KafkaJSConnectionError' });
    expect(performance.now() - began).toBeLessThan(200);
    isSilent = false;
    await connection.connect();
    const asked = ask(connection);
    await new Promise((resolve) => setTimeout(resolve, 400)); // the first attempt would be too late by now
    expect(connection.isConnected()).toBe(true);
    expect(logged).toEqual([]);
    (await served(1)).write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 1]));
    await asked;
    await connection.disconnect();
  });

  it.each(['a request that comes while it disconnects', 'one that waits when its socket ends'])(
    'leaves nobody waiting for an answer that will not come: %s',
    async (which) => {
      const connection = newConnection();
      await connection.connect();
      if (which.startsWith('one')) {
        const asked = ask(connection);
        (await served(1)).destroy();
        await expect(asked).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' });
      } else {
        const ended = connection.disconnect();
        const asked = ask(connection); // it is not disconnected yet
        await expect(asked).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' });
        await ended;
      }
      while (connection.isConnected()) await tick();
    },
  );

  it.each(['end', 'error'] as const)('tells who authenticates that its socket has met an %s', async (event) => {
    const connection = newConnection();
    await connection.connect();
    const request = { encode: () => Promise.resolve(Buffer.from('secret')) };
    const authenticated = connection.sendAuthRequest({ request, response: {} });
    const socket = await served(1);
    if (event === 'end') socket.end();
    else socket.resetAndDestroy();
    await expect(authenticated).rejects.toMatchObject({ name: 'KafkaJSConnectionError' });
  });

  it('may be disconnected again and again', async () => {
    const connection = newConnection();
    await connection.connect();
    await connection.disconnect();
    for (let n = 0; n < 3; n++) {
      const ended = connection.disconnect();
      expect(connection.isConnected()).toBe(false);
      await ended;
    }
    expect(made[0]!.listenerCount('connect')).toBeLessThan(2);
  });

  it('is cut with all that were made the same way: who waits is told so at once, and nothing follows', async () => {
    const connected = newConnection();
    await connected.connect();
    const asked = ask(connected);
    const ending = newConnection();
    await ending.connect();
    const due = ask(ending);
    const ended = ending.disconnect();
    const authenticating = newConnection();
    await authenticating.connect();
    const request = { encode: () => Promise.resolve(Buffer.from('secret')) };
    const authenticated = authenticating.sendAuthRequest({ request, response: {} });
    const other = newConnection({ socketFactory: socketsOf() });
    await other.connect();
    isSilent = true;
    const connecting = newConnection();
    const attempt = connecting.connect();
    const waiting = [asked, due, attempt].map((each) => expect(each).rejects.toMatchObject({ retriable: false }));
    const unauthenticated = expect(authenticated).rejects.toThrow();
    await tick();

    cutConnections(factory);
    cutConnections(factory);
    await Promise.all([...waiting, unauthenticated, ended]);
    for (const connection of [connected, ending, authenticating, connecting]) {
      expect(connection.isConnected()).toBe(false);
      await expect(connection.connect()).rejects.toMatchObject({ name: 'KafkaJSNonRetriableError' });
    }
    await new Promise((resolve) => setTimeout(resolve, 250)); // longer than an attempt may take
    expect(made.map(({ destroyed }) => destroyed)).toEqual([true, true, true, false, true]);
    expect([logged, other.isConnected()]).toEqual([[], true]);
    await other.disconnect();
  });
});
