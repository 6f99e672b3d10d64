export interface ProbeParts {
  /** A cheap read. It is up where this resolves, or is refused with an answer. */
  ask: (signal: AbortSignal) => Promise<unknown>;
  timeoutMs: number;
  monotonic: () => number;
  /** Aborts when the service stops. */
  stop: AbortSignal;
}

interface Asked {
  at: number;
  over: boolean;
  up: Promise<boolean>;
}

/** Asks a dependency whether it is up. One question is on its way at a time; whoever wants to know meanwhile shares the answer. */
export class Probe {
  private asked: Asked | undefined;

  constructor(private readonly parts: ProbeParts) {}

  /** @param notBefore an answer to a question asked earlier than this does not count, in milliseconds of the monotonic clock */
  async isUp(notBefore: number): Promise<boolean> {
    for (;;) {
      if (!this.asked || (this.asked.over && this.asked.at < notBefore)) this.asked = this.ask();
      const { at, up } = this.asked;
      const answer = await up;
      if (at >= notBefore) return answer;
    }
  }

  private ask(): Asked {
    const { monotonic } = this.parts;
    const asked: Asked = { at: monotonic(), over: false, up: this.answer().finally(() => (asked.over = true)) };
    return asked;
  }

  private async answer(): Promise<boolean> {
    const { ask, timeoutMs, stop } = this.parts;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
    if (signal.aborted) return false;
    // Also for one that does not listen to its signal.
    const ended = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));
    try {
      await Promise.race([ask(signal), ended]);
      return true;
    } catch (error) {
      const { retry, rateLimited } = (error ?? {}) as { retry?: unknown; rateLimited?: boolean };
      return !signal.aborted && (retry === 'never' || rateLimited === true);
    }
  }
}
