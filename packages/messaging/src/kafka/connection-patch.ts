import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

interface Connection {
  host: string;
  port: number;
  socketFactory: ISocketFactory;
  socket?: Socket;
  /** Of whoever waits for an answer of SASL, which is no request. */
  authHandlers: { onError(): void } | null;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  processData(bytes: Buffer): void;
  rejectRequests(error: Error): void;
}

/** One socket of a connection, from the attempt to connect on. */
interface Line {
  isConnecting: boolean;
  /** What its socket still brings, and what waits for it to connect, is no business of the connection any more. */
  isGivenUp: boolean;
  connected: PromiseWithResolvers<unknown>;
}

const require = createRequire(import.meta.url);
const errors = require('kafkajs/src/errors.js') as Record<
  'KafkaJSConnectionClosedError' | 'KafkaJSConnectionError' | 'KafkaJSNonRetriableError',
  new (message: string, fields?: object) => Error
>;
const PATCHED = Symbol.for('throughline.kafkajs.connection-patch');
/** The size of a response comes first. */
const SIZE_BYTES = 4;

const lines = new WeakMap<Connection, Line>();
/** Connections with a socket, by what makes their sockets. */
const open = new WeakMap<ISocketFactory, Set<Connection>>();
const cut = new WeakSet<ISocketFactory>();

/**
 * A kafkajs 2.2.4 connection that is lost in the middle of a response keeps the half it has, and reads what the next connection
 * brings as its continuation: from then on no request of it is ever answered, and a consumer stands still until the process ends.
 * With this every connection begins with nothing. Nor does it part with its sockets: one that did not connect in time it only ends, which
 * connects once the host is there again, and closes the connection that was made in its place; and who was still waiting for an answer waits
 * for ever. With this a socket that is given up is gone: it touches nothing any more, and whoever waits for it is told. Idempotent.
 */
export function patchKafkaConnections(): void {
  const { prototype } = require('kafkajs/src/network/connection.js') as {
    prototype: Connection & { [PATCHED]?: true };
  };
  if (prototype[PATCHED]) return;
  const connect = methodOf(prototype, 'connect');
  const disconnect = methodOf(prototype, 'disconnect');

  prototype.connect = function (this: Connection): Promise<unknown> {
    if (cut.has(this.socketFactory)) return Promise.reject(isOver());
    if (this.isConnected()) return connect.call(this);
    const before = lines.get(this);
    // Several requests may want it: kafkajs would open a socket for each.
    if (before?.isConnecting) return before.connected.promise;
    if (before) giveUp(this, before, closed(this));
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = SIZE_BYTES;
    const line: Line = { isConnecting: true, isGivenUp: false, connected: Promise.withResolvers() };
    lines.set(this, line);
    openOf(this).add(this);
    const { promise, resolve, reject } = line.connected;
    const isSettled = (): void => {
      line.isConnecting = false;
      if (!this.isConnected()) openOf(this).delete(this);
    };
    promise.then(isSettled, isSettled);
    connect.call(asSeenBy(line, this)).then(resolve, reject);
    return promise;
  };

  prototype.disconnect = function (this: Connection): Promise<unknown> {
    const line = lines.get(this);
    if (line?.isConnecting && !this.isConnected()) giveUp(this, line, abandoned(this));
    return end(this);
  };
  prototype[PATCHED] = true;

  /** Waits for the answers that are due, as kafkajs does, and leaves nobody waiting for one that comes no more. */
  async function end(connection: Connection): Promise<unknown> {
    // kafkajs would take it for connected meanwhile, and add a listener to its last socket each time.
    if (!connection.isConnected()) return true;
    await disconnect.call(connection);
    if (!lines.get(connection)?.isConnecting) openOf(connection).delete(connection);
    connection.rejectRequests(closed(connection));
    return true;
  }

  /** The connection as kafkajs has it while this line is its own. What listens to the socket sees nothing else. */
  function asSeenBy(line: Line, connection: Connection): Connection {
    const socketHasEnded = async (): Promise<unknown> => {
      if (line.isGivenUp) return true;
      connection.authHandlers?.onError();
      connection.rejectRequests(closed(connection));
      const ended = end(connection);
      connection.socket?.destroy();
      return ended;
    };
    const processData = (bytes: Buffer): void => {
      if (!line.isGivenUp) connection.processData(bytes);
    };
    const own: Record<PropertyKey, unknown> = { disconnect: socketHasEnded, processData };
    return new Proxy(connection, {
      get: (target, key) => {
        if (Object.hasOwn(own, key)) return own[key];
        if (line.isGivenUp && Object.hasOwn(GONE, key)) return GONE[key];
        return Reflect.get(target, key) as unknown;
      },
      set: (target, key, value) => line.isGivenUp || Reflect.set(target, key, value),
    });
  }
}

/**
 * Ends every connection whose sockets are made by this, at once, and lets none be made any more: whoever waits for one, or for an answer, is
 * told, and that it makes no sense to try again.
 */
export function cutConnections(sockets: ISocketFactory): void {
  cut.add(sockets);
  for (const connection of [...(open.get(sockets) ?? [])]) {
    giveUp(connection, lines.get(connection)!, isOver());
    void connection.disconnect();
  }
}

/** What kafkajs finds in place of a connection that is no longer its socket's. */
const GONE: Record<PropertyKey, unknown> = {
  isConnected: () => false,
  rejectRequests: () => undefined,
  logDebug: () => undefined,
  logError: () => undefined,
  authHandlers: null,
  requestQueue: { scheduleRequestTimeoutCheck: () => undefined },
};

function giveUp(connection: Connection, line: Line, error: Error): void {
  line.isGivenUp = true;
  connection.authHandlers?.onError();
  connection.rejectRequests(error);
  // With an error, so that kafkajs hears of it, and stops waiting for the socket to connect.
  connection.socket?.destroy(error);
  line.connected.reject(error);
}

function openOf({ socketFactory }: Connection): Set<Connection> {
  const known = open.get(socketFactory);
  if (known) return known;
  const connections = new Set<Connection>();
  open.set(socketFactory, connections);
  return connections;
}

function closed({ host, port }: Connection): Error {
  return new errors.KafkaJSConnectionClosedError('Closed connection', { host, port });
}

function abandoned({ host, port }: Connection): Error {
  return new errors.KafkaJSConnectionError('Disconnected while it connected', { broker: `${host}:${port}` });
}

function isOver(): Error {
  return new errors.KafkaJSNonRetriableError('This client of Kafka was let go');
}

function methodOf(prototype: Connection, name: 'connect' | 'disconnect'): () => Promise<unknown> {
  const method = Object.getOwnPropertyDescriptor(prototype, name)?.value as (() => Promise<unknown>) | undefined;
  if (typeof method !== 'function') {
    throw new Error('kafkajs has changed: check whether connection-patch.ts is still needed, and remove or adapt it.');
  }
  return method;
}
