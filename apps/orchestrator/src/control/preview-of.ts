import { retryOf } from '@throughline/contracts';
import { changesOf, decide, type Decision, type Input, type Process } from '@throughline/process';
import type { StoredInstance } from '@throughline/process/postgres';
import type { InstancePreviewView } from './views.js';

export type InstancePreview = InstancePreviewView;

/** What an input would do to an instance as it stands: the commands, the status and every place that changes, or why it is refused. */
export function previewOf(process: Process, instance: StoredInstance, input: Input, now: string): InstancePreview {
  return previewBy(instance, () => decide(process, instance.state, input, now));
}

/** The same of anything that decides about an instance. Throws what is no refusal. */
export function previewBy(instance: StoredInstance, turn: () => Decision): InstancePreview {
  const { id, process, version, key, occurrence, status, state: before } = instance;
  const shown = { id, process, version, key, occurrence, status, seen: before.attention.length };
  try {
    const { state, commands, tasks } = turn();
    return {
      ...shown,
      outcome: 'done',
      why: null,
      statusAfter: state.status,
      commands: commands.map(({ step, ...command }) => ({ ...command, unit: step })),
      asks: tasks.opened.map(({ unit }) => unit),
      ...changesOf(before, state),
    };
  } catch (error) {
    // A refusal, or a condition that cannot be told: what another try would not help.
    if (retryOf(error) !== 'never') throw error;
    const nothing = { statusAfter: null, commands: [], asks: [], before: null, after: null };
    return { ...shown, outcome: 'refused', why: (error as Error).message, ...nothing };
  }
}
