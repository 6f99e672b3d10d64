import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, type Codec } from '@throughline/contracts';
import { postgresFailure } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import { classify, decide } from '../advice.js';
import { backoff } from '../backoff.js';
import { Conflicts } from '../conflicts.js';
import { REBUILDING } from '../errors.js';
import { GroupCommit } from '../group-commit.js';
import type { Progress } from '../progress.js';
import { giveUp, processBatch, type BatchParts, type Verdict } from './process-batch.js';
import { readRecord, type Intake as Taken, type KafkaRecord } from './read-record.js';

export interface IntakeParts extends BatchParts {
  codec: Codec;
  progress: Progress;
  log: Logger;
  batchMessages: number;
  /** A batch waits because the consumer is being rebuilt. */
  onRebuilding?: () => void;
}

const REBUILD_WAIT_MS = 500;

/**
 * Gathers what Kafka brought from all partitions into one transaction after the other, and resolves when a record is durably taken
 * in. While PostgreSQL or the registry is away it waits and tries again; when a batch fails for a reason of its own it is halved
 * until the culprit stands alone, and only that one is parked or becomes a dead letter.
 */
export class Intake {
  private readonly group: GroupCommit<Taken>;
  private stopped = false;
  /** The inbox knew nothing of the last batch; so it is with the next one, unless something is read again. */
  private onlyNew = true;

  constructor(private readonly parts: IntakeParts) {
    this.group = new GroupCommit((intakes) => this.commit(intakes), parts.batchMessages);
  }

  /** @throws only when stopped; then nothing of these records may be counted as taken in. */
  async take(records: KafkaRecord[]): Promise<void> {
    const intakes: Taken[] = [];
    for (const record of records) {
      const reading = this.read(record);
      const taken = reading instanceof Promise ? await reading : reading;
      if (taken.kind !== 'other') intakes.push(taken);
    }
    if (intakes.length > 0) await this.group.add(intakes);
  }

  stop(): void {
    this.stopped = true;
  }

  private read(record: KafkaRecord): Taken | Promise<Taken> {
    const taken = readRecord(record, this.parts.routes, this.parts.codec);
    return taken instanceof Promise ? taken.catch((error: unknown) => this.readAgain(record, error)) : taken;
  }

  /**
   * The schema is new to us, and the registry or our own database is away: the only thing to do is to wait. Everything this consumer
   * reads stands still meanwhile, since the next fetch waits for all partitions of a broker.
   */
  private async readAgain(record: KafkaRecord, first: unknown): Promise<Taken> {
    let error = first;
    for (let failures = 1; ; failures++) {
      await this.waitFor(postgresFailure(error) === undefined ? 'schema-registry' : 'postgres', error, failures);
      try {
        return await readRecord(record, this.parts.routes, this.parts.codec);
      } catch (again) {
        error = again;
      }
    }
  }

  private async commit(intakes: Taken[]): Promise<void> {
    try {
      await this.bisect(intakes);
    } finally {
      this.parts.progress.idle();
    }
  }

  /** @param isPart of what has failed: then nothing is guessed, so that what fails is not done twice on the way to the culprit */
  private async bisect(intakes: Taken[], isPart = false): Promise<void> {
    try {
      const alone = intakes.length === 1;
      this.onlyNew = await this.whileAway(() => processBatch(this.parts, intakes, this.onlyNew && !isPart), alone);
    } catch (error) {
      if (this.stopped) throw error;
      this.onlyNew = false;
      if (intakes.length > 1) {
        const middle = Math.ceil(intakes.length / 2);
        await this.bisect(intakes.slice(0, middle), true);
        await this.bisect(intakes.slice(middle), true);
        return;
      }
      await this.setAside(intakes[0]!, error);
    }
  }

  private async setAside(intake: Taken, error: unknown): Promise<void> {
    const { log } = this.parts;
    const { topic, partition, offset } = intake.record;
    if (intake.kind !== 'message') {
      // The dead letter itself cannot be written; to drop it would lose the record, so this is told until somebody helps.
      log.error({ err: error, topic, partition, offset }, 'A dead letter cannot be stored; it is tried again.');
      await this.waitFor('postgres', error, 10);
      return this.bisect([intake]);
    }
    const { retry } = intake.route;
    const decision = decide(classify('state', error), 'up', { attempts: 1, failingMs: 0 }, retry, Math.random());
    const verdict: Verdict =
      decision.kind === 'retry' ? { kind: 'parked', delayMs: decision.delayMs } : { kind: 'dead' };
    log.warn(
      { err: error, topic, partition, offset, type: intake.message.type },
      `A message is ${verdict.kind}; the others go on.`,
    );
    try {
      await this.whileAway(() => giveUp(this.parts, intake, error, verdict));
    } catch (second) {
      if (this.stopped) throw second;
      await this.waitFor('postgres', second, 10);
      return this.bisect([intake]);
    }
  }

  /** Repeats while PostgreSQL is away, and some times after a conflict with another transaction. */
  private async whileAway<T>(run: () => Promise<T>, alone = true): Promise<T> {
    const conflicts = new Conflicts();
    for (let failures = 0; ;) {
      this.parts.progress.step();
      try {
        const result = await run();
        this.parts.progress.waitingFor = undefined;
        return result;
      } catch (error) {
        const failure = postgresFailure(error);
        failures++;
        if (codeOf(error) === REBUILDING) {
          await this.waitForRebuild(error);
        } else if (failure === 'outage') {
          conflicts.forget();
          await this.waitFor('postgres', error, failures);
        } else {
          const waitMs =
            failure === 'conflict' ? conflicts.next(error, alone, performance.now(), Math.random()) : undefined;
          if (waitMs === undefined) throw error;
          await sleep(waitMs);
        }
      }
    }
  }

  /** What this batch brings is in history as well: the rebuild takes it in, or we do after it. It is no reason not to be ready. */
  private async waitForRebuild(error: unknown): Promise<void> {
    if (this.stopped) throw error;
    this.parts.progress.step();
    this.parts.onRebuilding?.();
    await sleep(REBUILD_WAIT_MS);
    if (this.stopped) throw error;
  }

  private async waitFor(what: string, error: unknown, failures: number): Promise<void> {
    if (this.stopped) throw error;
    const { progress, log } = this.parts;
    progress.step();
    progress.waitingFor = what;
    log.warn({ err: error, failures }, `Waiting for ${what}; nothing is given up meanwhile.`);
    await sleep(backoff(failures, [100, 3_000], Math.random()));
    if (this.stopped) throw error;
  }
}
