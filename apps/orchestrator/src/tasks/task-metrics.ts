import { counter, gauge } from '@throughline/telemetry';
import type { TaskCount } from './count-tasks.js';
import type { DecidedTask } from './decide-task/turn.js';

const events = counter('throughline.task.events', {
  description:
    'What people and time did with tasks, by checkpoint and kind. Alert on escalated and expired: nobody decided in time.',
  unit: '{event}',
});

interface Reading {
  value: number;
  attributes: Record<string, string>;
}

/** What a scrape asks of the last look at the table, so that it costs no SQL. */
export const gauges = [
  {
    name: 'throughline.task.open',
    description: 'Tasks that wait for a person, of all instances of the service, by checkpoint and status.',
    unit: '{task}',
    read: (counts: TaskCount[]) => readings(counts, ({ count }) => count),
  },
  {
    name: 'throughline.task.overdue',
    description: 'Those that are later than their policy allows.',
    unit: '{task}',
    read: (counts: TaskCount[]) => readings(counts, ({ overdue }) => overdue),
  },
  {
    name: 'throughline.task.age',
    description: 'Since the opening of the one that has waited longest.',
    unit: 's',
    read: (counts: TaskCount[]) => readings(counts, ({ ageSeconds }) => ageSeconds),
  },
];

/** What waited at the last look. */
let counts: TaskCount[] = [];

for (const { name, read, ...options } of gauges) gauge(name, options, () => read(counts));

/** Takes a look at the table over. */
export function observeTasks(found: TaskCount[]): void {
  counts = withZeros(counts, found);
}

/** Where nothing waits any more there is a 0, or a dashboard would go on showing the last value. */
export function withZeros(before: TaskCount[], found: TaskCount[]): TaskCount[] {
  const isThere = (one: TaskCount): boolean =>
    found.some(({ checkpoint, status }) => checkpoint === one.checkpoint && status === one.status);
  const gone = before.filter((one) => !isThere(one));
  return [...found, ...gone.map((one) => ({ ...one, count: 0, overdue: 0, ageSeconds: 0 }))];
}

/** Counts what a committed transaction did to a task. */
export function countEvents({ task, audit }: DecidedTask): void {
  for (const { kind } of audit) events.add(1, { checkpoint: task.subject.checkpoint, kind });
}

function readings(counts: TaskCount[], valueOf: (count: TaskCount) => number): Reading[] {
  return counts.map((one) => {
    const { checkpoint, status } = one;
    return { value: valueOf(one), attributes: { checkpoint, status } };
  });
}
