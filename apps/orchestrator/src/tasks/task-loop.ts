import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ServerClock, type Database } from '@throughline/postgres';
import { CONFIG, DATABASE, Loop } from '@throughline/service';
import { logger } from '@throughline/telemetry';
import type { OrchestratorConfig } from '../config.js';
import { countTasks } from './count-tasks.js';
import { findDueTasks } from './find-due-tasks.js';
import { observeTasks } from './task-metrics.js';
import { Tasks } from './tasks.js';

const log = logger('tasks');

/** How often the tasks that wait are counted, for whoever scrapes the metrics. */
const COUNT_EVERY_MS = 5_000;

/**
 * Looks for tasks whose time has come for as long as the service runs. Each has a transaction of its own: one that cannot go on, for
 * example because this release does not know the version of its process, holds up no other, and is found by the next look.
 */
@Injectable()
export class TaskLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: Loop;
  private failed = '';
  private countedAt = -Infinity;

  constructor(
    @Inject(CONFIG) private readonly config: OrchestratorConfig,
    @Inject(DATABASE) private readonly database: Database,
    private readonly tasks: Tasks,
    private readonly clock: ServerClock,
  ) {
    this.loop = new Loop(config.TIMER_INTERVAL_MS, (signal) => this.look(signal));
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async look(signal: AbortSignal): Promise<void> {
    try {
      const failures = await this.passTime(signal);
      this.tellFailed(failures);
      if (performance.now() - this.countedAt >= COUNT_EVERY_MS) await this.count();
    } catch (error) {
      log.warn({ err: error }, 'tasks could not be looked through; the next look finds what is due');
    }
  }

  private async count(): Promise<void> {
    this.countedAt = performance.now();
    observeTasks(await countTasks(this.database, this.clock.now()));
  }

  private async passTime(signal: AbortSignal): Promise<{ id: string; error: unknown }[]> {
    const failures: { id: string; error: unknown }[] = [];
    const now = await this.clock.readLately(this.database);
    for (let after = '0'; !signal.aborted;) {
      const ids = await findDueTasks(this.database, now, after, this.config.TIMER_BATCH_SIZE);
      for (const id of ids) {
        if (signal.aborted) break;
        await this.tasks.passTime(id).catch((error: unknown) => failures.push({ id, error }));
      }
      if (ids.length < this.config.TIMER_BATCH_SIZE) break;
      after = ids.at(-1)!;
    }
    return failures;
  }

  /** Said when it changes, not at every look. */
  private tellFailed(failures: { id: string; error: unknown }[]): void {
    const ids = failures.map(({ id }) => id).join(', ');
    if (ids !== this.failed && failures[0]) {
      log.warn({ err: failures[0].error, tasks: ids }, 'time could not pass for these tasks; they are tried again');
    }
    this.failed = ids;
  }
}
