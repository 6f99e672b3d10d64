import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What a network does to connections.
 * - `refuse`: nobody listens any more, what was open is reset.
 * - `reset`: each connection is reset in the middle of what it sends next, new ones a little later.
 * - `blackhole`: connections stay and nothing passes; what was on its way arrives when the cut is over.
 * - `slow`: everything passes, late.
 */
export const CUTS = ['refuse', 'reset', 'blackhole', 'slow'] as const;
export type Cut = (typeof CUTS)[number];

/** Latency of each piece in each direction while the network is slow, in milliseconds. */
const SLOW_MS = 150;
/** A connection made during `reset` gets so many pieces through before it is reset, so that some work is half done. */
const PIECES_BEFORE_RESET = 6;

/** Stands on the loopback between a client and a server, and can be told to be a bad network. */
export class TcpProxy {
  private readonly server: Server;
  private readonly connections = new Set<Connection>();
  private cut: Cut | undefined;
  private mended = Promise.withResolvers<void>();

  private constructor(
    readonly port: number,
    private readonly target: { host: string; port: number },
  ) {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.accept(client));
    // Ends with the server's listening; a client that is gone is no error of ours.
    this.server.on('error', () => undefined);
  }

  static async start(port: number, target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(port, target);
    await proxy.listen();
    return proxy;
  }

  /** From now on the network is like this, until {@link mend}. */
  break(cut: Cut): void {
    this.cut = cut;
    this.mended = Promise.withResolvers<void>();
    if (cut === 'refuse') {
      this.server.close();
      for (const connection of this.connections) connection.reset();
    }
    if (cut === 'reset') for (const connection of this.connections) connection.piecesLeft = 0;
  }

  /** Everything passes again, first what was held. */
  async mend(): Promise<void> {
    const { cut } = this;
    this.cut = undefined;
    for (const connection of this.connections) connection.piecesLeft = Infinity;
    this.mended.resolve();
    if (cut === 'refuse') await this.listen();
  }

  async close(): Promise<void> {
    this.mended.resolve();
    for (const connection of this.connections) connection.reset();
    if (this.server.listening) await new Promise((closed) => this.server.close(closed));
  }

  private listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host: '127.0.0.1', port: this.port }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  private accept(client: Socket): void {
    const connection = new Connection(client, this.target, (piece, to) => this.pass(piece, to));
    if (this.cut === 'reset') connection.piecesLeft = PIECES_BEFORE_RESET;
    this.connections.add(connection);
    client.once('close', () => this.connections.delete(connection));
  }

  /** What becomes of a piece: now or later, whole or half. */
  private async pass(piece: Buffer, on: Connection): Promise<Buffer> {
    if (this.cut === 'slow') await sleep(SLOW_MS);
    while (this.cut === 'blackhole') await this.mended.promise;
    if (--on.piecesLeft >= 0) return piece;
    setImmediate(() => on.reset());
    return piece.subarray(0, Math.ceil(piece.length / 2));
  }
}

/** One client with its own connection to the server, both directions. */
class Connection {
  piecesLeft = Infinity;
  private readonly upstream: Socket;

  constructor(
    private readonly client: Socket,
    target: { host: string; port: number },
    pass: (piece: Buffer, on: Connection) => Promise<Buffer>,
  ) {
    this.upstream = createConnection({ ...target, allowHalfOpen: true, noDelay: true });
    const gate = (): Transform =>
      new Transform({
        transform: (piece: Buffer, _, done) =>
          void pass(piece, this).then(
            (rest) => done(null, rest),
            (error: Error) => done(error),
          ),
      });
    const over = (error: Error | null | undefined): void => void (error && this.reset());
    pipeline(client, gate(), this.upstream, over);
    pipeline(this.upstream, gate(), client, over);
  }

  reset(): void {
    for (const socket of [this.client, this.upstream]) if (!socket.destroyed) socket.resetAndDestroy();
  }
}
