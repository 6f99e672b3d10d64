import type { Database, Tx } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import { Wake } from '../wake.js';
import { appendAudit, SYSTEM } from './audit.js';
import { decideRelease } from './decide-release.js';
import { endRelease, findReleases, findRunningReleases, lockRelease, takeTurns } from './release.js';

/** A release begins where this process is told, so that others look so much less often whether one needs somebody to carry it on. */
const UNLESS_RUNNING = 5;

export interface ReleaseLoopParts {
  database: Database;
  log: Logger;
  /** How often an instance looks for releases, and at those that run, in milliseconds. */
  pollMs: number;
  /** Puts back those of these letters that can be; returns their ids. */
  retry: (tx: Tx, ids: string[], by: { actor: string; reason: string }) => Promise<string[]>;
  /** Work is there to be claimed. */
  look: () => void;
}

/**
 * Carries releases on, stage by stage. A release is rows in the database and nothing in memory: any instance takes the next step, under
 * the release's lock, also after all of them were restarted.
 */
export class ReleaseLoop {
  private readonly wake = new Wake();
  private stopped = false;
  private loop: Promise<void> | undefined;

  constructor(private readonly parts: ReleaseLoopParts) {}

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.wake.wake();
    await this.loop;
  }

  /** A release has begun. */
  look(): void {
    this.wake.wake();
  }

  private async run(): Promise<void> {
    const { database, log, pollMs } = this.parts;
    while (!this.stopped) {
      let waitMs = pollMs * UNLESS_RUNNING;
      try {
        const running = await database.query<{ id: string }>(findRunningReleases);
        if (running.length > 0) waitMs = pollMs;
        for (const { id } of running) if (!this.stopped) await this.advance(id);
      } catch (error) {
        log.warn({ err: error }, 'Releases of dead letters do not go on at the moment; it is tried again.');
      }
      if (!this.stopped) await this.wake.sleep(waitMs);
    }
  }

  /** One step of one release. What it puts back and what it notes of it are one transaction. */
  private async advance(id: string): Promise<void> {
    const { database, log } = this.parts;
    const step = await database.transaction(async (tx) => {
      if ((await tx.query(lockRelease, [id])).length === 0) return undefined;
      const [release] = await findReleases(tx, { id, limit: 1 });
      const { progress, actor, reason } = release!;
      const decision = decideRelease(progress);
      const note = (action: string, reason: string | null, after: unknown): Promise<void> =>
        appendAudit(tx, [{ actor: SYSTEM, action, target: { type: 'release', id }, reason, before: null, after }]);
      switch (decision.kind) {
        case 'wait':
          break;
        case 'release': {
          const turns = await tx.query<{ id: string }>(takeTurns, [id, decision.upTo]);
          const ids = turns.map((turn) => turn.id);
          const retried = await this.parts.retry(tx, ids, { actor, reason: `release ${id}: ${reason}` });
          await note('release-advanced', null, {
            released: decision.upTo,
            of: progress.total,
            putBack: retried.length,
          });
          break;
        }
        case 'stop':
          await tx.query(endRelease, [id, 'stopped', decision.why]);
          await note('release-stopped', decision.why, progress);
          break;
        case 'done':
          await tx.query(endRelease, [id, 'done', null]);
          await note('release-done', null, progress);
      }
      return decision;
    });
    if (step?.kind === 'release') this.parts.look();
    if (step?.kind === 'stop') log.warn({ release: id, why: step.why }, 'A release of dead letters stops.');
  }
}
