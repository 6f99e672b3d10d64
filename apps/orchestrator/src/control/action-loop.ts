import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Loop } from '@throughline/service';
import { logger } from '@throughline/telemetry';
import { InstanceActions } from './instance-actions.js';

const log = logger('actions');

/** Pause between two looks for actions that are not over: those of a request that has stopped waiting, and of an instance that ended. */
const INTERVAL_MS = 1_000;

/** Carries on with actions of people until each has ended; any number of instances may look. */
@Injectable()
export class ActionLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new Loop(INTERVAL_MS, (signal) => this.carryOn(signal));

  constructor(private readonly actions: InstanceActions) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async carryOn(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted && (await this.actions.carryOn()) === 'more');
    } catch (error) {
      log.warn({ err: error }, 'an action could not be carried on; the next look does');
    }
  }
}
