import { counter, durations, gauge } from '@throughline/telemetry';
import type { TaskCount } from './count-tasks.js';
import type { DecidedTask } from './decide-task.js';

const acted = counter('throughline.task.events', {
  description:
    'What was done with tasks, by checkpoint and kind. Alert on escalated and expired: nobody decided in time.',
  unit: '{event}',
});
const decisionTime = durations('throughline.task.duration', {
  description: 'From the opening of a task to its decision.',
});

/** As of the last look at the table, so that a scrape costs no SQL. */
let counts: TaskCount[] = [];

gauge('throughline.task.open', { description: 'Tasks that wait for a person, of all instances.', unit: '{task}' }, () =>
  counts.map(({ checkpoint, status, count }) => ({ value: count, attributes: { checkpoint, status } })),
);
gauge(
  'throughline.task.overdue',
  { description: 'Those that are later than their policy allows.', unit: '{task}' },
  () => counts.map(({ checkpoint, status, overdue }) => ({ value: overdue, attributes: { checkpoint, status } })),
);
gauge('throughline.task.age', { description: 'Since the opening of the one that has waited longest.', unit: 's' }, () =>
  counts.map(({ checkpoint, status, ageSeconds }) => ({ value: ageSeconds, attributes: { checkpoint, status } })),
);

/** Where nothing waits any more there is still a 0, or the last value would stay. */
export function observeTasks(found: TaskCount[]): void {
  const gone = counts.filter(
    ({ checkpoint, status }) => !found.some((one) => one.checkpoint === checkpoint && one.status === status),
  );
  counts = [...found, ...gone.map((one) => ({ ...one, count: 0, overdue: 0, ageSeconds: 0 }))];
}

/** Counts what a committed transaction did to a task. */
export function countEvents({ task, audit, verdict }: DecidedTask): void {
  const { checkpoint } = task.subject;
  for (const { kind } of audit) acted.add(1, { checkpoint, kind });
  if (!verdict || !task.endedAt) return;
  const seconds = (Date.parse(task.endedAt) - Date.parse(task.openedAt)) / 1_000;
  decisionTime.record(seconds, { checkpoint, verdict: verdict.verdict });
}
