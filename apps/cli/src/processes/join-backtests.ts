import { sumMoney } from '@throughline/contracts';

export interface Share {
  instances: number;
  amounts: Record<string, string>;
}

/** Counts and sums of what a candidate would change, as the orchestrator answers them. */
export interface BacktestSummary {
  instances: number;
  unchanged: number;
  differing: Share;
  blocked: number;
  byKind: Record<string, number>;
  approvals: Record<string, { more: Share; fewer: Share }>;
  terms: Record<string, Share>;
  commands: Record<string, number>;
  sla: { more: number; fewer: number };
}

/** Two parts of one backtest as one. */
export function joinSummaries(a: BacktestSummary, b: BacktestSummary): BacktestSummary {
  const counts = joinBy<number>((x = 0, y = 0) => x + y);
  return {
    instances: a.instances + b.instances,
    unchanged: a.unchanged + b.unchanged,
    differing: joinShares(a.differing, b.differing),
    blocked: a.blocked + b.blocked,
    byKind: counts(a.byKind, b.byKind),
    approvals: joinBy<{ more: Share; fewer: Share }>((x, y) => ({
      more: joinShares(x?.more, y?.more),
      fewer: joinShares(x?.fewer, y?.fewer),
    }))(a.approvals, b.approvals),
    terms: joinBy(joinShares)(a.terms, b.terms),
    // What one part would send more and the other less comes to nothing.
    commands: Object.fromEntries(Object.entries(counts(a.commands, b.commands)).filter(([, count]) => count !== 0)),
    sla: { more: a.sla.more + b.sla.more, fewer: a.sla.fewer + b.sla.fewer },
  };
}

function joinShares(a: Share = NONE, b: Share = NONE): Share {
  const sums = joinBy<string>((x = '0', y = '0') => sumMoney([x, y]));
  return { instances: a.instances + b.instances, amounts: sums(a.amounts, b.amounts) };
}

const NONE: Share = { instances: 0, amounts: {} };

function joinBy<V>(join: (a: V | undefined, b: V | undefined) => V) {
  return (a: Record<string, V>, b: Record<string, V>): Record<string, V> =>
    Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, join(a[key], b[key])]));
}
