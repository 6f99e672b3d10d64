/** Clock of the process that never jumps, in milliseconds. */
export type MonotonicClock = () => number;

/**
 * Watches one loop: it is stuck when it has had something to do for too long without a step forward. Waiting for a dependency
 * that is down, and trying again, is a step: restarting us would not help.
 */
export class Progress {
  private busySince: number | undefined;
  /** What the loop is waiting for, if something is down; makes the instance not ready. */
  waitingFor: string | undefined;

  constructor(
    readonly name: string,
    private readonly now: MonotonicClock,
  ) {}

  /** Something to do has begun, or the next step of it. */
  step(): void {
    this.busySince = this.now();
  }

  idle(): void {
    this.busySince = undefined;
    this.waitingFor = undefined;
  }

  stuckForMs(limitMs: number): number | undefined {
    if (this.busySince === undefined) return undefined;
    const ms = this.now() - this.busySince;
    return ms > limitMs ? ms : undefined;
  }
}
