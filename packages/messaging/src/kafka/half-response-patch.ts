import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

interface Connection {
  socket?: Socket;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect(): Promise<unknown>;
}

const PATCHED = Symbol.for('throughline.kafkajs.half-response-patch');
/** The size of a response comes first. */
const SIZE_BYTES = 4;

/**
 * A kafkajs 2.2.4 connection that is lost in the middle of a response keeps the half it has, and reads what the next connection
 * brings as its continuation: from then on no request of it is ever answered, and a consumer stands still until the process ends.
 * With this every connection begins with nothing. A socket that it has given up, because it did not connect in time, it only ends: once the
 * host is there again that one connects, is ended, and closes the connection that was made in its place. With this it is gone. Idempotent.
 */
export function patchKafkaHalfResponses(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/connection.js') as {
    prototype: Connection & { [PATCHED]?: true };
  };
  if (prototype[PATCHED]) return;
  const original = Object.getOwnPropertyDescriptor(prototype, 'connect')?.value as
    ((this: Connection) => Promise<unknown>) | undefined;
  if (typeof original !== 'function') {
    throw new Error(
      'kafkajs has changed: check whether half-response-patch.ts is still needed, and remove or adapt it.',
    );
  }
  const connecting = new WeakMap<Connection, Promise<unknown>>();
  prototype.connect = function connect(this: Connection): Promise<unknown> {
    if (this.isConnected()) return original.call(this);
    // Several requests may want it: kafkajs would open a socket for each.
    const before = connecting.get(this);
    if (before) return before;
    // What the old socket may still bring belongs to no request any more; and where it still connects, or ends, it must not close this one.
    this.socket?.removeAllListeners();
    this.socket?.on('error', () => undefined);
    this.socket?.destroy();
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = SIZE_BYTES;
    const connected = original.call(this).finally(() => connecting.delete(this));
    connecting.set(this, connected);
    return connected;
  };
  prototype[PATCHED] = true;
}
