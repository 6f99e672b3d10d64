/**
 * Wait before attempt `attempt + 1`, in milliseconds: doubles from the first to the longest, of which between half and all is
 * drawn, so that what failed together does not come back together. What the other side asked for is the least.
 *
 * @param attempt failed attempts so far, from 1
 * @param random in [0, 1)
 */
export function backoff(attempt: number, [first, longest]: [number, number], random: number, retryAfterMs = 0): number {
  const full = Math.min(longest, first * 2 ** Math.min(attempt - 1, 30));
  return Math.max(Math.round(full * (0.5 + random / 2)), retryAfterMs);
}
