import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { MedusaClient } from '@throughline/connectors/medusa';
import { codeOf } from '@throughline/contracts';
import type { Messaging } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, Loop, MESSAGING } from '@throughline/service';
import { counter, logger } from '@throughline/telemetry';
import { randomUUID } from 'node:crypto';
import type { OpsConfig } from '../config.js';
import { releaseCursors } from './cursor-store.js';
import { lookForStock } from './look-for-stock.js';
import { pollOrders, type PollDependencies } from './poll-orders.js';
import { sweepDrafts } from './sweep-drafts.js';

const log = logger('medusa-poll');
const failures = counter('throughline.medusa.polls.failed', {
  description: 'Polls of Medusa that failed, by error code.',
  unit: '{poll}',
});

/** Polls at an interval for as long as the service runs; a poll that fails is logged and the next one covers its ground. */
@Injectable()
export class PollLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly dependencies: PollDependencies;
  private readonly loop: Loop;

  constructor(
    @Inject(CONFIG) config: OpsConfig,
    @Inject(DATABASE) database: Database,
    @Inject(MESSAGING) messaging: Messaging,
    @Inject(MedusaClient) private readonly medusa: MedusaClient,
  ) {
    this.dependencies = {
      medusa,
      database,
      messaging,
      storeId: config.MEDUSA_STORE_ID,
      instanceId: randomUUID(),
      now: () => new Date(),
      overlapMs: config.MEDUSA_POLL_OVERLAP_MS,
      // Renewed with every page and poll; an instance that died is replaced after it.
      leaseMs: Math.max(3 * config.MEDUSA_TIMEOUT_MS, 2 * config.MEDUSA_POLL_INTERVAL_MS),
    };
    this.loop = new Loop(config.MEDUSA_POLL_INTERVAL_MS, (signal) => this.pollAll(signal));
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await releaseCursors(this.dependencies.database, this.dependencies.instanceId);
  }

  private pollAll(signal: AbortSignal): Promise<void> {
    return this.medusa.within(signal, async () => {
      const events = await this.attempt(signal, () => pollOrders(this.dependencies));
      if (events) log.info({ events }, `people changed orders in Medusa: ${events} events`);
      const served = events === undefined ? 0 : await this.attempt(signal, () => lookForStock(this.dependencies));
      if (served) log.info({ served }, `stock has come in for ${served} orders`);
      const deleted = await this.attempt(signal, () => sweepDrafts(this.dependencies));
      if (deleted) log.info({ deleted }, `${deleted} drafts that lost calls had left behind were deleted`);
    });
  }

  private async attempt(signal: AbortSignal, work: () => Promise<number | undefined>): Promise<number | undefined> {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return undefined;
      failures.add(1, { 'error.type': codeOf(error) });
      log.warn({ err: error }, 'the poll failed; the next one starts where the last good one ended');
      return undefined;
    }
  }
}
