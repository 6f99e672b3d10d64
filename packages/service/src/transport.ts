import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { Messaging } from '@throughline/messaging';

/**
 * Hands the message bus to Nest's life cycle: Nest starts and stops it with the application. The routes table calls the handlers
 * directly, because Nest's RPC exception path would turn every error into `{status, message}` and lose its `retry` advice.
 */
export class MessagingTransport extends Server implements CustomTransportStrategy {
  constructor(
    private readonly messaging: Messaging,
    private readonly graceMs: number,
  ) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.messaging.start().then(() => callback(), callback);
  }

  close(): Promise<void> {
    return this.messaging.stop(this.graceMs);
  }

  on(): never {
    throw new Error('The message bus has no events to listen to: read Messaging.health() instead.');
  }

  unwrap<T>(): T {
    return this.messaging as T;
  }
}
