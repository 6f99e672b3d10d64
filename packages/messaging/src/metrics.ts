import { codeOf } from '@throughline/contracts';
import { counter, durations, gauge, sizes } from '@throughline/telemetry';
import type { TopicMessages } from 'kafkajs';
import type { DeadLetter } from './dead-letters/dead-letter.js';
import type { MessagingHealth } from './messaging.js';
import type { Outcome } from './work/outcome.js';

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
    name: 'throughline.consumer.lag',
    description: 'Records between what was taken in and the end of a partition that this instance reads.',
    unit: '{message}',
    read: (health) => perPartition(health, ({ lagMessages }) => lagMessages),
  },
  {
    name: 'throughline.consumer.lag.age',
    description: 'Age of the oldest record of a partition that is not taken in yet; 0 at its end.',
    unit: 's',
    read: (health) => perPartition(health, ({ lagSeconds }) => lagSeconds),
  },
  {
    name: 'throughline.consumer.lag.unknown',
    description:
      '1 while the broker of a partition does not say where it ends: its lag and age are as they were seen last.',
    unit: '1',
    read: (health) => perPartition(health, ({ unknown }) => (unknown ? 1 : 0)),
  },
  {
    name: 'throughline.consumer.refused',
    description:
      '1 while Kafka serves nothing of a partition although there is more: it seems damaged, and waits alone.',
    unit: '1',
    read: (health) => perPartition(health, ({ refusedAt }) => (refusedAt === undefined ? 0 : 1)),
  },
  {
    name: 'throughline.consumer.paused',
    description: '1 while a partition pauses because the work queue is full.',
    unit: '1',
    read: (health) => perPartition(health, ({ paused }) => (paused ? 1 : 0)),
  },
  {
    name: 'throughline.work.pending',
    description: 'Rows in the work queue, of all instances, by dependency. As of the last look at the table.',
    unit: '{row}',
    read: ({ work }) => perDependency(work, ({ pending }) => pending),
  },
  {
    name: 'throughline.work.keys',
    description: 'Keys that these rows belong to, by dependency.',
    unit: '{key}',
    read: ({ work }) => perDependency(work, ({ keys }) => keys),
  },
  {
    name: 'throughline.work.parked_keys',
    description: 'Keys that wait behind a message that failed and is tried again, of all instances.',
    unit: '{key}',
    read: ({ work }) => perDependency(work, ({ parkedKeys }) => parkedKeys),
  },
  {
    name: 'throughline.work.parked.age',
    description: 'Since the first failure of the message that has been parked longest; 0 where none is.',
    unit: 's',
    read: ({ work }) => perDependency(work, ({ parkedSeconds }) => parkedSeconds),
  },
  {
    name: 'throughline.work.held_keys',
    description: 'Keys that wait for a dead letter to be put back or let go, of all instances.',
    unit: '{key}',
    read: ({ work }) => perDependency(work, ({ heldKeys }) => heldKeys),
  },
  {
    name: 'throughline.work.held_rows',
    description: 'Rows behind held keys.',
    unit: '{row}',
    read: ({ work }) => perDependency(work, ({ heldRows }) => heldRows),
  },
  {
    name: 'throughline.work.paused',
    description: '1 while a dependency counts as down: its work pauses and it is probed.',
    unit: '1',
    read: ({ work }) => perDependency(work, ({ paused }) => (paused ? 1 : 0)),
  },
  {
    name: 'throughline.outbox.waiting',
    description: 'Messages in memory to be published. Only the instance that leads publishes; the others say 0.',
    unit: '{message}',
    read: ({ relay }) => [{ value: relay.waiting }],
  },
];

const KAFKA = { 'messaging.system': 'kafka' };

const consumed = counter('messaging.client.consumed.messages', {
  description: 'Records taken in, durably, by partition.',
  unit: '{message}',
});
const sent = counter('messaging.client.sent.messages', {
  description: 'Messages published and acknowledged, by topic.',
  unit: '{message}',
});
const operations = durations('messaging.client.operation.duration', {
  description: 'A request to Kafka: "send" publishes a batch, "commit" tells it offsets.',
});
const processing = durations('messaging.process.duration', {
  description:
    'A batch of records from the first statement to the answer to COMMIT, or one attempt of an effect or job.',
});
const batchSize = sizes('throughline.batch.size', {
  description: 'Messages taken in by one transaction.',
  unit: '{message}',
});
const handlerTime = durations('throughline.batch.handler.duration', {
  description: 'What the state handlers of a batch took, together.',
});
const commitTime = durations('throughline.batch.commit.duration', {
  description: 'From the end of the handlers to the answer to COMMIT: outbox, work and the disk.',
});
const repeated = counter('throughline.batch.repeated', {
  description: 'Batches taken in again, because what was taken for granted of them was not so.',
  unit: '{batch}',
});
const failedAttempts = counter('throughline.work.failed_attempts', {
  description: 'Attempts that failed and are repeated, or were the last.',
  unit: '{attempt}',
});
const deadLetters = counter('throughline.dead_letters', {
  description: 'Dead letters this process has written. Alert on any: each waits for a person.',
  unit: '{message}',
});

export function observeHealth(health: () => MessagingHealth): void {
  for (const { read, name, ...options } of gauges) gauge(name, options, () => read(health()));
}

export function countConsumed(group: string, topic: string, partition: number, messages: number): void {
  consumed.add(messages, { ...KAFKA, 'messaging.consumer.group.name': group, ...destination(topic, partition) });
}

/** Call after the acknowledgement. */
export function countSent(batches: TopicMessages[]): void {
  for (const { topic, messages } of batches) {
    sent.add(messages.length, { ...KAFKA, 'messaging.operation.name': 'send', 'messaging.destination.name': topic });
  }
}

/** Measures a request to Kafka, its failure included. */
export async function measureRequest<T>(operation: 'send' | 'commit', request: Promise<T>): Promise<T> {
  const began = performance.now();
  const record = (failure: Record<string, string>): void =>
    operations.record(secondsSince(began), { ...KAFKA, 'messaging.operation.name': operation, ...failure });
  try {
    const answer = await request;
    record({});
    return answer;
  } catch (error) {
    record({ 'error.type': codeOf(error) });
    throw error;
  }
}

/** The times of one batch; call each method once, in this order. */
export function measureBatch(group: string, messages: number): { handling(): void; handled(): void; over(): void } {
  const began = performance.now();
  let handlingAt = began;
  let handledAt = began;
  const ofGroup = { ...KAFKA, 'messaging.consumer.group.name': group };
  return {
    handling: () => void (handlingAt = performance.now()),
    handled: () => void (handledAt = performance.now()),
    over: () => {
      batchSize.record(messages, ofGroup);
      handlerTime.record((handledAt - handlingAt) / 1_000, ofGroup);
      commitTime.record(secondsSince(handledAt), ofGroup);
      processing.record(secondsSince(began), { ...ofGroup, 'messaging.operation.name': 'process' });
    },
  };
}

/** A batch that was handled ahead is done again, not ahead. */
export function countRepeated(group: string): void {
  repeated.add(1, { ...KAFKA, 'messaging.consumer.group.name': group });
}

/** One attempt of an effect or a job, or of a parked message; what was not tried, or was stopped by us, did not fail. */
export function measureAttempt(outcome: Outcome, beganAt: number): void {
  if (outcome.kind === 'release') return;
  const { queue: dependency, type } = outcome.item;
  const failure = outcome.kind === 'done' ? {} : { 'error.type': codeOf(outcome.error) };
  processing.record(secondsSince(beganAt), { ...KAFKA, 'messaging.operation.name': 'process', dependency, ...failure });
  const counts = outcome.kind === 'dead' || outcome.kind === 'pause' || (outcome.kind === 'retry' && outcome.counted);
  if (counts) failedAttempts.add(1, { dependency, type, ...failure });
}

/** Call after the COMMIT. */
export function countDeadLetters(letters: readonly DeadLetter[]): void {
  for (const { kind, type, error } of letters) {
    // The type of what could not be read is whatever somebody wrote.
    deadLetters.add(1, { kind, 'error.type': codeOf(error), ...(kind !== 'record' && type !== null && { type }) });
  }
}

function perPartition(
  { group, partitions }: MessagingHealth,
  read: (partition: MessagingHealth['partitions'][number]) => number,
): Reading[] {
  return partitions.map((place) => ({
    value: read(place),
    attributes: { 'messaging.consumer.group.name': group, ...destination(place.topic, place.partition) },
  }));
}

function perDependency(
  work: MessagingHealth['work'],
  read: (queue: MessagingHealth['work'][string]) => number,
): Reading[] {
  return Object.entries(work).map(([dependency, queue]) => ({ value: read(queue), attributes: { dependency } }));
}

function destination(topic: string, partition: number): Record<string, string> {
  return { 'messaging.destination.name': topic, 'messaging.destination.partition.id': String(partition) };
}

function secondsSince(at: number): number {
  return (performance.now() - at) / 1_000;
}
