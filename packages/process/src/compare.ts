import type { PolicyOutcome } from './policies.js';
import { inFlight } from './standing.js';
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
  return differenceKinds.filter((kind) =>
    kind === 'terms' ? otherTerms(was, would).length > 0 : before[kind].join() !== after[kind].join(),
  );
}

/** Checkpoints at which people are asked both times, by other terms. */
export function otherTerms(was: Course, would: Course): string[] {
  return Object.keys(was.terms).filter((unit) => unit in would.terms && was.terms[unit] !== would.terms[unit]);
}

/**
 * The course that an instance took, or would have taken.
 * @param recorded of a course that was not taken: types of the commands that were sent then. What waits for the outcome of any other
 * waits for what was never asked for, and says nothing about what would have been late.
 */
export function courseOf(state: State, commands: string[], recorded?: ReadonlySet<string>): Course {
  const units = Object.entries(state.steps);
  const unanswered = new Set(
    inFlight(state).flatMap(([unit, { command }]) => (recorded && command && !recorded.has(command) ? [unit] : [])),
  );
  return {
    status: state.status,
    path: state.completed,
    approvals: units.filter(([, { policy }]) => policy !== undefined).map(([unit]) => unit),
    terms: Object.fromEntries(
      units.flatMap(([unit, { policy }]) => (policy ? [[unit, termsOf(policy)] as const] : [])),
    ),
    commands,
    breaches: [
      ...(state.slaBreachedAt && unanswered.size === 0 ? ['the whole'] : []),
      ...units.flatMap(([unit, { execution, compensation }]) => [
        ...(execution?.slaBreachedAt && !unanswered.has(unit) ? [unit] : []),
        ...((execution?.overdueSince ?? compensation?.overdueSince) && !unanswered.has(unit) ? [`${unit} late`] : []),
      ]),
    ],
  };
}

/** As text that is the same for the same terms; the version of the policy alone is no difference. */
const termsOf = ({ rule, outputs }: PolicyOutcome): string =>
  JSON.stringify([rule, Object.entries(outputs).toSorted(([a], [b]) => a.localeCompare(b))]);
