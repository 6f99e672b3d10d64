interface Entry<T> {
  items: T[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers what arrives while a flush is on its way into the next one: alone, an item waits for nobody; under load one transaction
 * carries hundreds. Entries keep their order; an entry is never split.
 */
export class GroupCommit<T> {
  private readonly waiting: Entry<T>[] = [];
  private running = false;

  constructor(
    private readonly flush: (items: T[]) => Promise<void>,
    private readonly maxItems: number,
  ) {}

  /** Resolves when the flush that carried these items has ended, rejects with its error. */
  add(items: T[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ items, resolve, reject });
      if (this.running) return;
      this.running = true;
      // One turn of the event loop, so that what arrived together goes together.
      setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const entries = this.take();
      try {
        await this.flush(entries.flatMap((entry) => entry.items));
        for (const entry of entries) entry.resolve();
      } catch (error) {
        for (const entry of entries) entry.reject(error);
      }
    }
    this.running = false;
  }

  private take(): Entry<T>[] {
    let count = 0;
    let n = 0;
    while (n < this.waiting.length && (n === 0 || count + this.waiting[n]!.items.length <= this.maxItems)) {
      count += this.waiting[n]!.items.length;
      n++;
    }
    return this.waiting.splice(0, n);
  }
}
