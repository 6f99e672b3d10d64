import { sumMoney } from '@throughline/contracts';
import { differenceKinds, otherTerms, type Course, type DifferenceKind } from '@throughline/process';

/** What one recorded instance was, and would have been. */
export interface Comparison {
  id: string;
  process: string;
  version: number;
  key: string;
  occurrence: number;
  amount: string | null;
  currency: string | null;
  differs: DifferenceKind[];
  was: Course;
  would: Course;
  /** Checkpoints at which nobody was asked then, taken as approved. */
  assumed: string[];
  /** Why it could not be compared. */
  blocked: string | null;
}

/** How many instances, and how much money by currency. */
export interface Share {
  instances: number;
  amounts: Record<string, string>;
}

export interface Summary {
  instances: number;
  unchanged: number;
  differing: Share;
  /** Could not be taken again to their end. */
  blocked: number;
  byKind: Record<DifferenceKind, number>;
  /** By checkpoint: asked only then, and only now. */
  approvals: Record<string, { more: Share; fewer: Share }>;
  /** By checkpoint: asked both times, by other terms (roles, times, two pairs of eyes). */
  terms: Record<string, Share>;
  /** By command: how many more would be sent, or fewer where negative. */
  commands: Record<string, number>;
  /** Instances that broke a promise then and would not, or the other way round. */
  sla: { more: number; fewer: number };
}

/** Counts and sums what a candidate would change. */
export function summarise(comparisons: Comparison[]): Summary {
  const comparable = comparisons.filter(({ blocked }) => blocked === null);
  const differing = comparable.filter(({ differs }) => differs.length > 0);
  const asked = (course: (one: Comparison) => Course, checkpoint: string) => (one: Comparison) =>
    course(one).approvals.includes(checkpoint);
  const was = ({ was: course }: Comparison): Course => course;
  const would = ({ would: course }: Comparison): Course => course;
  const checkpoints = new Set(differing.flatMap((one) => [...one.was.approvals, ...one.would.approvals]));
  const approvals = [...checkpoints].map((checkpoint) => {
    const [then, now] = [asked(was, checkpoint), asked(would, checkpoint)];
    const more = shareOf(differing.filter((one) => now(one) && !then(one)));
    const fewer = shareOf(differing.filter((one) => then(one) && !now(one)));
    return [checkpoint, { more, fewer }] as const;
  });
  const late = differing.filter(({ differs }) => differs.includes('sla'));
  const breaks = ({ breaches }: Course): boolean => breaches.length > 0;
  return {
    instances: comparisons.length,
    unchanged: comparable.length - differing.length,
    differing: shareOf(differing),
    blocked: comparisons.length - comparable.length,
    byKind: Object.fromEntries(
      differenceKinds.map((kind) => [kind, differing.filter(({ differs }) => differs.includes(kind)).length]),
    ) as Record<DifferenceKind, number>,
    approvals: Object.fromEntries(approvals.filter(([, { more, fewer }]) => more.instances + fewer.instances > 0)),
    terms: termsByCheckpoint(differing),
    commands: countCommands(differing),
    sla: {
      more: late.filter((one) => breaks(one.would) && !breaks(one.was)).length,
      fewer: late.filter((one) => breaks(one.was) && !breaks(one.would)).length,
    },
  };
}

function termsByCheckpoint(comparisons: Comparison[]): Record<string, Share> {
  const changed = comparisons.flatMap((one) =>
    otherTerms(one.was, one.would).map((checkpoint) => ({ checkpoint, one })),
  );
  const byCheckpoint = Map.groupBy(changed, ({ checkpoint }) => checkpoint);
  return Object.fromEntries(
    [...byCheckpoint].map(([checkpoint, all]) => [checkpoint, shareOf(all.map(({ one }) => one))]),
  );
}

function shareOf(comparisons: Comparison[]): Share {
  const known = comparisons.filter(({ amount, currency }) => amount !== null && currency !== null);
  const byCurrency = Map.groupBy(known, ({ currency }) => currency!);
  return {
    instances: comparisons.length,
    amounts: Object.fromEntries(
      [...byCurrency].map(([currency, all]) => [currency, sumMoney(all.map(({ amount }) => amount!))]),
    ),
  };
}

function countCommands(comparisons: Comparison[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { was, would } of comparisons) {
    for (const type of would.commands) counts.set(type, (counts.get(type) ?? 0) + 1);
    for (const type of was.commands) counts.set(type, (counts.get(type) ?? 0) - 1);
  }
  return Object.fromEntries([...counts].filter(([, count]) => count !== 0));
}
