import type { Database, Tx } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import { isLockTimeout, LOCK_OF_MANY_MS } from '../conflicts.js';
import type { Limits } from '../limits.js';
import {
  keepAlive,
  keepAliveAmongOthers,
  releasing,
  releasingUnlocked,
  removeDeadInstances,
  removeInstance,
  type Releases,
} from './instance.js';

/** So often in a row the same last sign of an instance must be too old. */
const LOOKS = 3;

/**
 * Signs of life. A killed instance cannot give its leases back, and to wait for them to end would hold its keys for a whole time
 * limit; so the others release them when it has been silent for a while. A silent instance that lives after all loses its leases,
 * not its effects: outcomes are fenced by the lease, calls by their records.
 */
export class Instances {
  private timer: NodeJS.Timeout | undefined;
  private beats = 0;
  /** Last signs of life of those that are silent, and in how many looks in a row they were. */
  private silent = new Map<string, number>();
  /** No other instance of this service was alive at the last look. */
  alone = false;

  constructor(
    private readonly parts: {
      database: Database;
      instanceId: string;
      limits: Limits;
      log: Logger;
      released: () => void;
    },
  ) {}

  /** What an earlier life of this instance had leased is released at once. */
  async start(): Promise<void> {
    const { instanceId, limits } = this.parts;
    await this.release(async (tx) => {
      await tx.query(keepAlive, [instanceId, limits.aliveForMs]);
      return [instanceId];
    });
    this.schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.parts.database.query(removeInstance, [this.parts.instanceId]).catch(() => undefined);
  }

  private schedule(): void {
    this.timer = setTimeout(() => void this.beat(), this.parts.limits.aliveEveryMs);
  }

  private async beat(): Promise<void> {
    const { database, instanceId, limits, log } = this.parts;
    try {
      const [others] = await database.query<{ living: boolean; silent: string[] }>(keepAliveAmongOthers, [
        instanceId,
        limits.aliveForMs,
      ]);
      this.alone = !others!.living;
      // After an outage of the database everybody looks dead for a moment: give them time for a sign.
      const enough = ++this.beats * limits.aliveEveryMs > limits.aliveForMs;
      // So do they when its clock is set forward: whoever lives gives a sign between three looks, also one that is slower than we are.
      this.silent = new Map(others!.silent.map((sign) => [sign, (this.silent.get(sign) ?? 0) + 1]));
      const dead = others!.silent.filter((sign) => this.silent.get(sign)! >= LOOKS);
      if (enough && dead.length > 0) await this.removeDead(dead);
    } catch (error) {
      this.beats = 0;
      log.debug({ err: error }, 'No sign of life could be given.');
    }
    if (this.timer) this.schedule();
  }

  private async removeDead(signs: string[]): Promise<void> {
    const dead = await this.release(async (tx) =>
      (await tx.query<{ id: string }>(removeDeadInstances, [signs])).map(({ id }) => id),
    );
    if (dead.length === 0) return;
    this.parts.log.warn({ instances: dead }, 'Instances are gone: their leases are released.');
    this.parts.released();
  }

  /** A row that somebody keeps locked must keep neither the others, nor a start, waiting. */
  private async release(whose: (tx: Tx) => Promise<string[]>): Promise<string[]> {
    const run = ({ keys, calls }: Releases): Promise<string[]> =>
      this.parts.database.transaction(
        async (tx) => {
          const ids = await whose(tx);
          if (ids.length === 0) return ids;
          await tx.query(keys, [ids]);
          await tx.query(calls, [ids]);
          return ids;
        },
        { lockTimeoutMs: LOCK_OF_MANY_MS },
      );
    try {
      return await run(releasing);
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      return run(releasingUnlocked);
    }
  }
}
