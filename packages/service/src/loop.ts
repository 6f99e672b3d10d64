/** Runs some work again and again, with a pause before each time and never twice at once, for as long as a service runs. */
export class Loop {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  /**
   * @param everyMs the pause
   * @param work deals with its own failures; the signal tells it to end early
   */
  constructor(
    private readonly everyMs: number,
    private readonly work: (signal: AbortSignal) => Promise<void>,
  ) {}

  start(): void {
    if (this.stopping.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.running = this.work(this.stopping.signal).finally(() => this.start());
    }, this.everyMs);
  }

  /** Waits for the work that is under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.running;
  }
}
