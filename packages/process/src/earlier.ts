import type { Process } from './process.js';
import type { State, StepStatus } from './state.js';
import { stepOf } from './units.js';

/** What is known of an earlier occurrence of the same key and process when a later one starts. */
export interface EarlierOccurrence extends Pick<State, 'occurrence' | 'phase' | 'status'> {
  /** Units that stand or may still stand although it turned back, of what a refusal or its nature can keep; absent where there are none. */
  standing?: string[];
}

/** Done, or perhaps done, and not undone. */
const MAY_STAND: ReadonlySet<StepStatus> = new Set([
  'done',
  'commanded',
  'awaited',
  'compensating',
  'compensation-refused',
  'kept',
]);

/** What a later occurrence is told of this one. */
export function earlierOccurrence(process: Process, state: State): EarlierOccurrence {
  const { occurrence, phase, status, cause, steps } = state;
  const standing = Object.keys(cause ? steps : {}).filter((id) => {
    const { undoneFirst, irreversible } = stepOf(process, id);
    return (undoneFirst !== undefined || irreversible) && MAY_STAND.has(steps[id]!.status) && !steps[id]!.undone;
  });
  return { occurrence, phase, status, ...(standing.length > 0 && { standing }) };
}

/** Says which earlier occurrences stand, why that matters, and what a person can choose; undefined where none does. */
export function whatStandsBefore(process: Process, earlier: EarlierOccurrence[]): string | undefined {
  const before = earlier.filter(stands);
  if (before.length === 0) return undefined;
  const which = before.map(
    ({ occurrence, status, standing = [] }) =>
      `occurrence ${occurrence} (${status}${standing.map((id) => `, ${id} not undone`).join('')})`,
  );
  const again = process.steps.flatMap(({ name, command, repeat }) => (command && !repeat?.on ? [name] : [])).join(', ');
  return (
    `The same ${process.key} still stands as ${which.join(', ')}, and would be done a second time: ${again}. ` +
    'Now resume, to do it again beside what stands; or cancel, where what stands is all there is to be.'
  );
}

/**
 * It was never turned back, was kept, or stays half undone until a person does something. While it is being undone it stands as long as
 * that can still be refused; what goes on being undone after that does not.
 */
function stands({ phase, status, standing }: EarlierOccurrence): boolean {
  if (phase === 'new') return false;
  if (standing) return true;
  if (phase === 'compensating') return status === 'stopped' || status === 'paused';
  return phase !== 'ended' || status === 'completed' || status === 'stopped';
}
