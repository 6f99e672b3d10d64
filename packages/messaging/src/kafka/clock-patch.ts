import { createRequire } from 'node:module';

interface ConsumerGroup {
  /** Wall clock. */
  lastRequest: number;
  heartbeat(options: { interval: number }): Promise<void>;
}

const PATCHED = Symbol.for('throughline.kafkajs.clock-patch');

/**
 * kafkajs 2.2.4 gives a heartbeat when the wall clock says that an interval is over. After the clock was set back by an hour it would be
 * silent for an hour: the group would go on without this member, and it would go on reading what is no longer its own. With this it
 * never waits for a time that lies behind the one of its last heartbeat. Idempotent.
 */
export function patchKafkaClock(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup.js') as {
    prototype: ConsumerGroup & { [PATCHED]?: true };
  };
  if (prototype[PATCHED]) return;
  const original = Object.getOwnPropertyDescriptor(prototype, 'heartbeat')?.value as
    ConsumerGroup['heartbeat'] | undefined;
  if (typeof original !== 'function') {
    throw new Error('kafkajs has changed: check whether clock-patch.ts is still needed, and remove or adapt it.');
  }
  prototype.heartbeat = function heartbeat(this: ConsumerGroup, options): Promise<void> {
    this.lastRequest = Math.min(this.lastRequest, Date.now());
    return original.call(this, options);
  };
  prototype[PATCHED] = true;
}
