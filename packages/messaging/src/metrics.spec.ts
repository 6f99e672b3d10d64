import { describe, expect, it } from '@jest/globals';
import type { MessagingHealth } from './messaging.js';
import { gauges } from './metrics.js';

const health: MessagingHealth = {
  ready: true,
  live: true,
  reasons: [],
  partitions: [
    { topic: 'orders', partition: 0, lagMessages: 7, paused: false },
    { topic: 'orders', partition: 1, lagMessages: 0, paused: false },
  ],
  relay: { leading: true, catchingUp: false, waiting: 3 },
  work: {
    medusa: { pending: 12, keys: 5, leased: 4, heldKeys: 2, heldRows: 9, paused: true },
    state: { pending: 2, keys: 1, leased: 0, heldKeys: 0, heldRows: 0, paused: false },
  },
};

describe('the metrics of messaging', () => {
  it('say what its health says, with bounded attributes', () => {
    const read = Object.fromEntries(gauges.map((gauge) => [gauge.name, gauge.read(health)]));
    const partition = (id: string) => ({
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': id,
    });
    const of = (dependency: string, value: number) => ({ value, attributes: { dependency } });
    expect(read).toEqual({
      'throughline.work.pending': [of('medusa', 12), of('state', 2)],
      'throughline.work.keys': [of('medusa', 5), of('state', 1)],
      'throughline.work.paused': [of('medusa', 1), of('state', 0)],
      'throughline.consumer.lag': [
        { value: 7, attributes: partition('0') },
        { value: 0, attributes: partition('1') },
      ],
      'throughline.outbox.waiting': [{ value: 3 }],
    });
  });
});
