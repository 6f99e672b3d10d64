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
 * With this every connection begins with nothing. Idempotent.
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
  prototype.connect = function connect(this: Connection): Promise<unknown> {
    if (!this.isConnected()) {
      // What the old socket may still bring belongs to no request any more.
      this.socket?.removeAllListeners('data');
      this.chunks = [];
      this.bytesBuffered = 0;
      this.bytesNeeded = SIZE_BYTES;
    }
    return original.call(this);
  };
  prototype[PATCHED] = true;
}
