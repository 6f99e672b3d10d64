import { describe, expect, it } from '@jest/globals';
import { financeRoutes } from './routes.js';

describe('routes', () => {
  const { routes: messages, jobs } = financeRoutes({ tenant: { accountId: 'acct_spec' } } as never);
  const calls = Object.entries({ ...messages, ...jobs }).filter(([, route]) => route.kind !== 'state');

  it.each(calls)('%s outlasts a quarter of an hour of failures at the vendor', (_, { retry }) => {
    const [first, longest] = retry.backoffMs;
    // Back-off doubles, and draws at least half of it.
    const waits = Array.from({ length: retry.maxAttempts - 1 }, (_, n) => Math.min(longest, first * 2 ** n) / 2);
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(15 * 60_000);
  });
});
