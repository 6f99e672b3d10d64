import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { StripeClient } from '@throughline/connectors/stripe';
import type { Messaging } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, Loop, MESSAGING } from '@throughline/service';
import { logger, type Logger } from '@throughline/telemetry';
import { randomUUID } from 'node:crypto';
import type { FinanceConfig } from '../config.js';
import { sweepEvents, type SweepDependencies } from './sweep-events.js';

/** Sweeps at an interval for as long as the service runs; a sweep that fails is logged and the next one covers its ground. */
@Injectable()
export class SweepLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly dependencies: SweepDependencies;
  private readonly log: Logger;
  private readonly loop: Loop;

  constructor(
    @Inject(CONFIG) config: FinanceConfig,
    @Inject(DATABASE) database: Database,
    @Inject(MESSAGING) messaging: Messaging,
    stripe: StripeClient,
  ) {
    this.log = logger('stripe-sweep', { level: config.LOG_LEVEL });
    this.dependencies = {
      stripe,
      database,
      messaging,
      instanceId: randomUUID(),
      now: () => new Date(),
      overlapMs: config.STRIPE_SWEEP_OVERLAP_MS,
      // Outlives a page and its time limit by far; a holder that died is replaced after it.
      leaseMs: Math.max(60_000, 2 * config.STRIPE_SWEEP_INTERVAL_MS),
    };
    this.loop = new Loop(config.STRIPE_SWEEP_INTERVAL_MS, () => this.sweep());
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async sweep(): Promise<void> {
    try {
      const found = await sweepEvents(this.dependencies);
      if (found) this.log.info({ found }, `the sweep found ${found} events that no webhook had brought`);
    } catch (error) {
      this.log.warn({ err: error }, 'the sweep failed; the next one starts where the last good one ended');
    }
  }
}
