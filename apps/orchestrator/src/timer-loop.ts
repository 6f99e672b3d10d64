import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Messaging } from '@throughline/messaging';
import { ProcessRunner, type Look } from '@throughline/process/postgres';
import { ServerClock } from '@throughline/postgres';
import { CONFIG, Loop, MESSAGING } from '@throughline/service';
import { logger } from '@throughline/telemetry';
import type { OrchestratorConfig } from './config.js';
import { countTransitions } from './metrics.js';
import { emitInto } from './take-events.js';

const log = logger('timers');

/** How long an instance whose timer cannot be fired is let be. */
const PUT_OFF_MS = 60_000;

/** Looks for due timers for as long as the service runs; what one look cannot do, the next one finds. */
@Injectable()
export class TimerLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: Loop;
  private skipped = '';

  constructor(
    @Inject(CONFIG) private readonly config: OrchestratorConfig,
    @Inject(MESSAGING) private readonly messaging: Messaging,
    private readonly runner: ProcessRunner,
    private readonly clock: ServerClock,
  ) {
    this.loop = new Loop(config.TIMER_INTERVAL_MS, (signal) => this.fireAllDue(signal));
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async fireAllDue(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted && (await this.lookAt(this.config.TIMER_BATCH_SIZE)) >= this.config.TIMER_BATCH_SIZE);
    } catch (error) {
      log.warn({ err: error }, 'due timers could not be fired together; they are fired one by one');
      await this.fireOneByOne(signal);
    }
  }

  /** One instance that cannot go on must not hold up the others: it is put off, and told. */
  private async fireOneByOne(signal: AbortSignal): Promise<void> {
    for (let fired = 0; !signal.aborted && fired < this.config.TIMER_BATCH_SIZE; fired += 1) {
      const tried: { look?: Look } = {};
      try {
        if ((await this.lookAt(1, ([look]) => Object.assign(tried, { look }))) === 0) return;
      } catch (error) {
        try {
          const { look } = tried;
          if (!look) throw error;
          await this.messaging.transaction(async (tx) =>
            this.runner.putOffTimer(tx, look, await this.clock.read(tx), PUT_OFF_MS),
          );
          log.error(
            { err: error, instance: look.id },
            'the timer of this instance cannot be fired; it is tried again in a minute',
          );
        } catch (cause) {
          log.warn({ err: cause }, 'due timers could not be fired; the next look finds them');
          return;
        }
      }
    }
  }

  /** Said when it changes, not at every look. */
  private tellSkipped(skipped: { instance: { id: string }; error: unknown }[]): void {
    const instances = skipped.map(({ instance }) => instance.id).join(', ');
    if (instances !== this.skipped && skipped[0]) {
      log.warn({ err: skipped[0].error, instances }, 'timers of instances that this release cannot run are left alone');
    }
    this.skipped = instances;
  }

  /** Fires what is due; returns at how many instances it looked. */
  private lookAt(limit: number, begins?: (looks: Look[]) => void): Promise<number> {
    return this.messaging.transaction(async (tx) => {
      const now = await this.clock.readLately(tx);
      const { looked, transitions, skipped } = await this.runner.runDueTimers(tx, now, limit, emitInto(tx), begins);
      tx.onCommit(() => countTransitions(transitions));
      this.tellSkipped(skipped);
      return looked;
    });
  }
}
