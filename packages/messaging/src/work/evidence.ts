/** So many different keys, and most of what is called, must fail within the window for it to be the dependency and not the messages. */
const MANY_KEYS = 5;
const WINDOW_MS = 10_000;

/**
 * What the calls of one dependency said lately. Many different keys that fail while few are answered are an outage, also where a probe
 * succeeds: a vendor may answer reads and refuse every write. No I/O; time comes in.
 */
export class Evidence {
  private readonly failing = new Map<string, number>();
  /** Answers in this half of the window, and in the one before. */
  private answers = 0;
  private answersBefore = 0;
  private halfSince = -Infinity;

  failed(key: string, now: number): void {
    this.roll(now);
    this.failing.delete(key);
    this.failing.set(key, now);
  }

  /** It answered, if only to refuse. */
  answered(key: string, now: number): void {
    this.roll(now);
    this.failing.delete(key);
    this.answers++;
  }

  manyFail(now: number): boolean {
    this.roll(now);
    return this.failing.size >= MANY_KEYS && this.failing.size > this.answers + this.answersBefore;
  }

  private roll(now: number): void {
    // Oldest first: a key is put last each time it fails.
    for (const [key, at] of this.failing) {
      if (now - at <= WINDOW_MS) break;
      this.failing.delete(key);
    }
    const half = WINDOW_MS / 2;
    if (now - this.halfSince < half) return;
    this.answersBefore = now - this.halfSince < WINDOW_MS ? this.answers : 0;
    this.answers = 0;
    this.halfSince = now;
  }
}
