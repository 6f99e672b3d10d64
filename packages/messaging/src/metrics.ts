import { codeOf } from '@throughline/contracts';
import { counter, gauge } from '@throughline/telemetry';
import type { DeadLetter } from './consume/dead-letter.js';
import type { MessagingHealth } from './messaging.js';

interface Reading {
  value: number;
  attributes?: Record<string, string>;
}

interface GaugeOfHealth {
  name: string;
  description: string;
  unit: string;
  read: (health: MessagingHealth) => Reading[];
}

/** What a scrape asks of {@link MessagingHealth}: all of it is in memory, so that a scrape costs no SQL. */
export const gauges: GaugeOfHealth[] = [
  {
    name: 'throughline.work.pending',
    description: 'Rows in the work queue, of all instances, by dependency. As of the last look at the table.',
    unit: '{row}',
    read: ({ work }) => perDependency(work, ({ pending }) => pending),
  },
  {
    name: 'throughline.work.keys',
    description: 'Keys that have rows in the work queue, by dependency; those of the dependency "state" are parked.',
    unit: '{key}',
    read: ({ work }) => perDependency(work, ({ keys }) => keys),
  },
  {
    name: 'throughline.work.paused',
    description: '1 while a dependency counts as down: its work pauses and it is probed.',
    unit: '1',
    read: ({ work }) => perDependency(work, ({ paused }) => (paused ? 1 : 0)),
  },
  {
    name: 'throughline.consumer.lag',
    description: 'Messages behind the end of a partition that this instance reads, as of its last fetch.',
    unit: '{message}',
    read: ({ partitions }) =>
      partitions.map(({ topic, partition, lagMessages }) => ({
        value: lagMessages,
        attributes: { 'messaging.destination.name': topic, 'messaging.destination.partition.id': String(partition) },
      })),
  },
  {
    name: 'throughline.outbox.waiting',
    description: 'Messages in memory to be published. Only the instance that leads publishes; the others say 0.',
    unit: '{message}',
    read: ({ relay }) => [{ value: relay.waiting }],
  },
];

const deadLetters = counter('throughline.dead_letters', {
  description: 'Dead letters this process has written. Alert on any: each waits for a person.',
  unit: '{message}',
});

export function observeHealth(health: () => MessagingHealth): void {
  for (const { read, name, ...options } of gauges) gauge(name, options, () => read(health()));
}

/** Call after the COMMIT. */
export function countDeadLetters(letters: readonly DeadLetter[]): void {
  for (const { kind, type, error } of letters) {
    // The type of what could not be read is whatever somebody wrote.
    deadLetters.add(1, { kind, 'error.type': codeOf(error), ...(kind !== 'record' && type !== null && { type }) });
  }
}

function perDependency(
  work: MessagingHealth['work'],
  read: (queue: MessagingHealth['work'][string]) => number,
): Reading[] {
  return Object.entries(work).map(([dependency, queue]) => ({ value: read(queue), attributes: { dependency } }));
}
