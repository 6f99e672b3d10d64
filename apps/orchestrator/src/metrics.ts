import type { Transition } from '@throughline/process/postgres';
import { counter, durations } from '@throughline/telemetry';

const entered = counter('throughline.process.transitions', {
  description: 'Instances that entered a status. Alert on stopped and overdue: they wait for a person or an outcome.',
  unit: '{instance}',
});
const duration = durations('throughline.process.duration', {
  description: 'From the event that started an instance to its end.',
});

/** Counts what a committed transaction did to instances. */
export function countTransitions(transitions: Transition[]): void {
  for (const { process, to, durationMs } of transitions) {
    entered.add(1, { process, status: to });
    if (durationMs !== undefined) duration.record(durationMs / 1_000, { process, status: to });
  }
}
