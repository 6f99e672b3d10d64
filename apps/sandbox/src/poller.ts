import { AsyncLocalStorage } from 'node:async_hooks';

/** Runs `work` every `intervalMs`, at once when nudged or while it reports that more is waiting; never twice at a time. */
export class Poller {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private nudged = false;
  private stopped = true;
  /** What waits may be anybody's: sent in the context of the request that nudged, it would appear in the trace of another deal. */
  private readonly apart = AsyncLocalStorage.snapshot();

  constructor(
    private readonly work: () => Promise<boolean>,
    private readonly intervalMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.stopped = false;
    this.nudge();
  }

  nudge(): void {
    this.nudged = true;
    if (!this.stopped) this.running ??= this.apart(() => this.run()).finally(() => (this.running = undefined));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    while (this.nudged && !this.stopped) {
      this.nudged = false;
      try {
        if (await this.work()) this.nudged = true;
      } catch (error) {
        this.onError(error);
        break;
      }
    }
    if (!this.stopped) {
      this.timer = setTimeout(() => this.nudge(), this.intervalMs);
    }
  }
}
