/** A part that ends this often within the window does not recover by being started again. */
const MAX_RESTARTS = 5;
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 250;

/** How often what ended by itself may be started again, and after which pause. No I/O. */
export class RestartBudget {
  private readonly restarts = new Map<string, number[]>();

  /** The pause before the next start of `part`, doubling with every restart of the last minute; `undefined`: give up. */
  next(part: string, now: number): number | undefined {
    const recent = (this.restarts.get(part) ?? []).filter((time) => now - time < WINDOW_MS);
    if (recent.length >= MAX_RESTARTS) return undefined;
    this.restarts.set(part, [...recent, now]);
    return FIRST_DELAY_MS * 2 ** recent.length;
  }
}
