import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A line between a program and a server that a spec can spoil. */
export interface TcpProxy {
  /** The address of the server, by way of the proxy: its user, password and path stay. */
  url: string;
  /** Nothing arrives any more, in either direction, and nobody is told; new connections are taken, and not answered. */
  freeze(): void;
  /** What had been sent meanwhile arrives. */
  thaw(): void;
  stop(): Promise<void>;
}

/** @param target `postgres://user:password@host:5432/database`, or any other URL with a host and a port */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const follow = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('data', (bytes) => void other.write(bytes));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
    if (isFrozen) socket.pause();
  };
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(target).port), new URL(target).hostname);
    follow(client, upstream);
    follow(upstream, client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      isFrozen = false;
      for (const socket of sockets) socket.resume();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
