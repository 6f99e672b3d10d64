/** Lets one loop, and no second one, sleep until somebody wakes it or time is up. A wake while nobody sleeps is not lost. */
export class Wake {
  private pending = false;
  private wakeUp: (() => void) | undefined;

  wake(): void {
    if (this.wakeUp) this.wakeUp();
    else this.pending = true;
  }

  /** Resolves at the next wake, or after `ms` if given. */
  sleep(ms?: number): Promise<void> {
    if (this.wakeUp) throw new Error('Two loops sleep on one Wake: one of them would never be woken.');
    if (this.pending) {
      this.pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      this.wakeUp = () => {
        this.wakeUp = undefined;
        clearTimeout(timer);
        resolve();
      };
      if (ms !== undefined) timer = setTimeout(() => this.wakeUp?.(), ms);
    });
  }
}
