import type { Process } from './compile.js';
import type { State } from './state.js';

/** What is known of an earlier occurrence of the same key and process when a later one starts. */
export type EarlierOccurrence = Pick<State, 'occurrence' | 'phase' | 'status'>;

/** Says which earlier occurrences stand, why that matters, and what a person can choose; undefined where none does. */
export function whatStandsBefore(process: Process, earlier: EarlierOccurrence[]): string | undefined {
  const standing = earlier.filter(stands);
  if (standing.length === 0) return undefined;
  const which = standing.map(({ occurrence, status }) => `occurrence ${occurrence} (${status})`).join(', ');
  const again = process.steps.flatMap(({ name, command, repeat }) => (command && !repeat?.on ? [name] : [])).join(', ');
  return (
    `The same ${process.key} still stands as ${which}, and would be done a second time: ${again}. ` +
    'Now resume, to do it again beside what stands; or cancel, where what stands is all there is to be.'
  );
}

/** It was never turned back, was kept, or stays half undone until a person does something; what goes on being undone does not. */
function stands({ phase, status }: EarlierOccurrence): boolean {
  if (phase === 'compensating') return status === 'stopped' || status === 'paused';
  if (phase === 'ended') return status === 'completed' || status === 'stopped';
  return phase !== 'new';
}
