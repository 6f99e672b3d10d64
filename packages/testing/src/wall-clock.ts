const RealDate = Date;

/**
 * From now on this process takes the time for so much later than it is, in milliseconds; 0 sets the clock right again. Waits and the
 * monotonic clock go on, as in a machine whose clock somebody sets. Other processes, PostgreSQL and Kafka know nothing of it.
 */
export function setWallClock(aheadMs: number): void {
  const now = (): number => RealDate.now() + aheadMs;
  globalThis.Date =
    aheadMs === 0
      ? RealDate
      : new Proxy(RealDate, {
          construct: (target, args: unknown[], newTarget) =>
            Reflect.construct(target, args.length > 0 ? args : [now()], newTarget) as object,
          get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
        });
}
