import type { PolicyOutcome } from './policies.js';
import type { State, Status } from './state.js';

/** What a course looks like from outside. */
export interface Course {
  status: Status;
  /** Units that are done, in the order in which they were. */
  path: string[];
  /** Checkpoints at which a person was asked. */
  approvals: string[];
  /** What the policy of each of these said: rule, roles, times, whether two decide. */
  terms: Record<string, string>;
  /** Types of the commands, in order. */
  commands: string[];
  /** Promises that were broken, and what was late. */
  breaches: string[];
}

export const differenceKinds = ['path', 'approvals', 'terms', 'commands', 'sla'] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

/** How two courses differ; nothing where they do not. What runs in parallel may come in any order. */
export function differencesOf(was: Course, would: Course): DifferenceKind[] {
  const sorted = (course: Course) => ({
    path: [course.status, ...course.path.toSorted()],
    approvals: course.approvals.toSorted(),
    commands: course.commands.toSorted(),
    sla: course.breaches.toSorted(),
  });
  const [before, after] = [sorted(was), sorted(would)];
  const differs = (kind: DifferenceKind): boolean =>
    kind === 'terms' ? otherTerms(was, would).length > 0 : before[kind].join() !== after[kind].join();
  // Where other people are asked, everything behind them would have happened at another time: what is late then says nothing.
  return differenceKinds.filter((kind) => differs(kind) && (kind !== 'sla' || !differs('approvals')));
}

/** Checkpoints at which people are asked both times, by other terms. */
export function otherTerms(was: Course, would: Course): string[] {
  return Object.keys(was.terms).filter((unit) => unit in would.terms && was.terms[unit] !== would.terms[unit]);
}

/** The course that an instance took. */
export function courseOf(state: State, commands: string[]): Course {
  const units = Object.entries(state.steps);
  return {
    status: state.status,
    path: state.completed,
    approvals: units.filter(([, { policy }]) => policy !== undefined).map(([unit]) => unit),
    terms: Object.fromEntries(
      units.flatMap(([unit, { policy }]) => (policy ? [[unit, termsOf(policy)] as const] : [])),
    ),
    commands,
    breaches: [
      ...(state.slaBreachedAt ? ['the whole'] : []),
      ...units.flatMap(([unit, { execution, compensation }]) => [
        ...(execution?.slaBreachedAt ? [unit] : []),
        ...((execution?.overdueSince ?? compensation?.overdueSince) ? [`${unit} late`] : []),
      ]),
    ],
  };
}

/** As text that is the same for the same terms; the version of the policy alone is no difference. */
const termsOf = ({ rule, outputs }: PolicyOutcome): string =>
  JSON.stringify([rule, Object.entries(outputs).toSorted(([a], [b]) => a.localeCompare(b))]);
