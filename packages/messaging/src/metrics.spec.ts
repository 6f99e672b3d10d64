import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { MessagingHealth } from './messaging.js';
import { gauges } from './metrics.js';

const parked = (parkedKeys: number, parkedSeconds: number) => ({ parkedKeys, parkedSeconds });
const paused = (pausedBecause: 'down' | null) => ({ paused: pausedBecause !== null, pausedBecause });

const health: MessagingHealth = {
  ready: true,
  live: true,
  reasons: [],
  waits: [],
  group: 'ops-adapter',
  partitions: [
    { topic: 'orders', partition: 0, lagMessages: 7, lagSeconds: 1.5, paused: true },
    { topic: 'orders', partition: 1, lagMessages: 0, lagSeconds: 0, paused: false, unknown: true },
    { topic: 'orders', partition: 2, lagMessages: 4, lagSeconds: 2, paused: false, refusedAt: '0' },
  ],
  relay: { leading: true, catchingUp: false, waiting: 3 },
  work: {
    medusa: { pending: 12, keys: 5, ...parked(3, 40), leased: 4, heldKeys: 2, heldRows: 9, ...paused('down') },
    state: { pending: 2, keys: 1, ...parked(0, 0), leased: 0, heldKeys: 0, heldRows: 0, ...paused(null) },
  },
};

describe('the metrics of messaging', () => {
  it('say what its health says, with bounded attributes', () => {
    const read = Object.fromEntries(gauges.map((gauge) => [gauge.name, gauge.read(health)]));
    const perPartition = (...values: number[]) =>
      values.map((value, id) => ({
        value,
        attributes: {
          'messaging.consumer.group.name': 'ops-adapter',
          'messaging.destination.name': 'orders',
          'messaging.destination.partition.id': String(id),
        },
      }));
    const of = (dependency: string, value: number) => ({ value, attributes: { dependency } });
    expect(read).toEqual({
      'throughline.work.pending': [of('medusa', 12), of('state', 2)],
      'throughline.work.keys': [of('medusa', 5), of('state', 1)],
      'throughline.work.parked_keys': [of('medusa', 3), of('state', 0)],
      'throughline.work.parked.age': [of('medusa', 40), of('state', 0)],
      'throughline.work.held_keys': [of('medusa', 2), of('state', 0)],
      'throughline.work.held_rows': [of('medusa', 9), of('state', 0)],
      'throughline.work.paused': [of('medusa', 1), of('state', 0)],
      'throughline.consumer.lag': perPartition(7, 0, 4),
      'throughline.consumer.lag.age': perPartition(1.5, 0, 2),
      'throughline.consumer.lag.unknown': perPartition(0, 1, 0),
      'throughline.consumer.refused': perPartition(0, 0, 1),
      'throughline.consumer.paused': perPartition(1, 0, 0),
      'throughline.outbox.waiting': [{ value: 3 }],
    });
  });

  it('are those of the table in the README', () => {
    const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
    const inCode = [...text('./metrics.ts').matchAll(/(?:name: |(?:counter|durations|sizes)\()'([a-z._]+)'/g)];
    const inTable = [...text('../README.md').matchAll(/^\| `((?:throughline|messaging)\.[a-z._]+)`/gm)];
    const names = (found: RegExpMatchArray[]): string[] => found.map(([, name]) => name!).toSorted();
    expect(names(inCode).length).toBeGreaterThan(gauges.length);
    expect(names(inTable)).toEqual(names(inCode));
  });
});
