import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { patchKafkaHalfResponses } from './half-response-patch.js';

interface Answer {
  correlationId: number;
}
const Connection = createRequire(import.meta.url)('kafkajs/src/network/connection.js') as new (options: object) => {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  isConnected(): boolean;
  requestQueue: { fulfillRequest(answer: Answer): void };
};
const silent = { debug: () => undefined, error: () => undefined, namespace: (): unknown => silent };

describe('patchKafkaHalfResponses', () => {
  let server: Server;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
  });

  it('reads the first response of a new connection, whatever half an older one had brought', async () => {
    patchKafkaHalfResponses();
    patchKafkaHalfResponses();
    const connection = new Connection({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      logger: silent,
      connectionTimeout: 3_000,
      socketFactory: ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }) =>
        connect({ host, port }, onConnect),
    });
    const answered = Promise.withResolvers<Answer>();
    connection.requestQueue.fulfillRequest = answered.resolve;

    await connection.connect();
    while (sockets.length < 1) await once(server, 'connection');
    sockets[0]!.end(Buffer.from([0, 0, 0, 100, 1, 2, 3])); // 100 bytes are promised
    while (connection.isConnected()) await new Promise((resolve) => setImmediate(resolve));

    await connection.connect();
    while (sockets.length < 2) await once(server, 'connection');
    sockets[1]!.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 7]));
    expect(await answered.promise).toMatchObject({ correlationId: 7 });
    await connection.disconnect();
  });
});
