import { describe, expect, it } from '@jest/globals';
import { joinSummaries, type BacktestSummary } from './join-backtests.js';

const share = (instances: number, amounts: Record<string, string> = {}) => ({ instances, amounts });
const part = (change: Partial<BacktestSummary>): BacktestSummary => ({
  instances: 10,
  unchanged: 8,
  differing: share(2, { EUR: '10.1000' }),
  blocked: 0,
  byKind: { path: 2, sla: 0 },
  approvals: {},
  terms: {},
  commands: {},
  sla: { more: 0, fewer: 1 },
  ...change,
});

describe('joinSummaries', () => {
  it('adds counts and exact money, by checkpoint, currency and command', () => {
    const more = share(1, { EUR: '0.2000' });
    const joined = joinSummaries(
      part({
        approvals: { credit: { more, fewer: share(0) } },
        commands: { CreateOrder: 2, IssueInvoice: -1 },
        terms: { credit: share(1) },
      }),
      part({
        differing: share(2, { EUR: '0.1000', USD: '5.0000' }),
        approvals: { credit: { more, fewer: share(0) }, review: { more: share(0), fewer: share(3) } },
        commands: { CreateOrder: 1, IssueInvoice: 1 },
        sla: { more: 4, fewer: 0 },
        blocked: 1,
      }),
    );
    expect(joined).toEqual({
      instances: 20,
      unchanged: 16,
      differing: share(4, { EUR: '10.2000', USD: '5.0000' }),
      blocked: 1,
      byKind: { path: 4, sla: 0 },
      approvals: {
        credit: { more: share(2, { EUR: '0.4000' }), fewer: share(0) },
        review: { more: share(0), fewer: share(3) },
      },
      terms: { credit: share(1) },
      commands: { CreateOrder: 3 },
      sla: { more: 4, fewer: 1 },
    });
  });
});
