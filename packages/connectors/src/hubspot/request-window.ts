/**
 * HubSpot's burst limit, as its answers tell it: `X-HubSpot-RateLimit-Remaining` requests are left in the interval of
 * `X-HubSpot-RateLimit-Interval-Milliseconds`. Source: https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details
 */
export class RequestWindow {
  private closedUntil = -Infinity;

  /** @param now a clock that never jumps, in milliseconds */
  constructor(private readonly now: () => number) {}

  /** How long nothing should be asked; 0 where something may. In milliseconds. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(this.closedUntil - this.now()));
  }

  /** The headers of any answer; those of search, which has a limit of its own, carry none. */
  told(headers: Headers): void {
    const [remaining, intervalMs] = ['remaining', 'interval-milliseconds'].map((name) =>
      Number(headers.get(`x-hubspot-ratelimit-${name}`) ?? NaN),
    ) as [number, number];
    if (remaining <= 0 && intervalMs > 0) this.closedUntil = this.now() + intervalMs;
  }
}
