import { colours, duration, table } from './output.js';
import { EXIT_UNREACHABLE, type ServicesApi } from './services-api.js';

interface Partition {
  topic: string;
  partition: number;
  lagMessages: number;
  lagSeconds: number;
  paused: boolean;
  unknown?: boolean;
  refusedAt?: string;
}

/** What one instance answers; its OpenAPI page explains it. */
export interface ConsumerAnswer {
  service: string;
  consumer: string;
  topics: string[];
  ready: boolean;
  reasons: string[];
  partitions: Partition[];
  work: {
    dependency: string;
    pending: number;
    parkedKeys: number;
    parkedSeconds: number;
    heldKeys: number;
    paused: boolean;
  }[];
  deadLetters: number;
  rebuild: string | null;
}

/** `throughline lag`. @returns the exit code */
export async function showLag(api: ServicesApi, choice: { service?: string[]; json: boolean }): Promise<number> {
  const services = choice.service ?? api.services;
  const { found, unreachable } = await api.everyInstance<ConsumerAnswer>(services, '/consumer');
  if (choice.json) process.stdout.write(`${JSON.stringify({ instances: found, unreachable })}\n`);
  else process.stdout.write(`${renderLag(found)}\n`);
  for (const problem of unreachable) process.stderr.write(`${colours.yellow('left out')}: ${problem}\n`);
  return unreachable.length > 0 ? EXIT_UNREACHABLE : 0;
}

/** Two tables: partitions, the furthest behind first, and what waits in each service. */
function renderLag(instances: ConsumerAnswer[]): string {
  const partitions = instances
    .flatMap(({ consumer, partitions }) => partitions.map((place) => ({ consumer, ...place })))
    .toSorted((a, b) => b.lagSeconds - a.lagSeconds || b.lagMessages - a.lagMessages || order(a, b));
  // What waits in the work queue is of the service, whichever of its instances says so.
  const services = [...new Map(instances.map((instance) => [instance.service, instance])).values()];
  return [
    table(
      ['consumer', 'topic', 'partition', 'messages behind', 'oldest', ''],
      partitions.map((place) => {
        const { consumer, topic, partition, lagMessages, lagSeconds } = place;
        return [consumer, topic, partition, lagMessages, age(lagSeconds), colours.yellow(noteOf(place))];
      }),
    ),
    '',
    table(
      ['service', 'dependency', 'waiting', 'parked keys', 'oldest parked', 'held keys', 'dead letters', ''],
      services.flatMap(workRows),
    ),
    ...services
      .filter(({ ready }) => !ready)
      .map(({ service, reasons }) => `${colours.yellow('not ready')} ${service}: ${reasons.join('; ')}`),
    ...services
      .filter(({ rebuild }) => rebuild !== null)
      .map(
        ({ service, rebuild }) =>
          `${colours.yellow('rebuilding')} ${service}: takes in nothing else until replay ${service}/${rebuild} is done`,
      ),
  ].join('\n');
}

function workRows({ service, work, deadLetters }: ConsumerAnswer): (string | number)[][] {
  return work.map(({ dependency, pending, parkedKeys, parkedSeconds, heldKeys, paused }, i) => {
    const oldest = parkedKeys > 0 ? age(parkedSeconds) : '';
    const state = paused ? colours.yellow('paused: it is down') : '';
    // Dead letters are of the whole service, so they are said once.
    return [service, dependency, pending, parkedKeys, oldest, heldKeys, i === 0 ? deadLetters : '', state];
  });
}

function noteOf({ paused, unknown, refusedAt }: Partition): string {
  const notes = [
    paused && 'paused',
    unknown && 'as seen last: its broker does not answer',
    refusedAt !== undefined && `Kafka serves nothing from offset ${refusedAt} on`,
  ];
  return notes.filter(Boolean).join('; ');
}

function age(seconds: number): string {
  return seconds === 0 ? '' : duration(seconds * 1_000);
}

function order(a: { topic: string; partition: number }, b: { topic: string; partition: number }): number {
  return a.topic.localeCompare(b.topic) || a.partition - b.partition;
}
