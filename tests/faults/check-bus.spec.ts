import { describe, expect, it } from '@jest/globals';
import type { BusRecord } from './bus.js';
import { checkBus } from './check-bus.js';

let made = 0;
const record = (change: Partial<BusRecord>): BusRecord => ({
  topic: 'throughline.operations.order',
  partition: 0,
  offset: String(made),
  id: `m${++made}`,
  type: 'OrderCreated',
  source: 'ops-adapter',
  subject: 'order-1',
  sequence: 1,
  correlationId: 'closing-1',
  causationId: 'm0',
  poison: undefined,
  ...change,
});

describe('checkBus', () => {
  it('takes gapless sequences, and the same message more than once', () => {
    const created = record({});
    const cancelled = record({ type: 'OrderCancelled', sequence: 2 });
    expect(checkBus([created, created, cancelled, created, cancelled])).toEqual({
      messages: 2,
      repeats: 3,
      problems: [],
    });
  });

  it('leaves the poison out', () => {
    const poison = record({ sequence: 9, poison: { kind: 'undecodable', consumer: 'orchestrator' } });
    expect(checkBus([poison])).toMatchObject({ messages: 0, problems: [] });
  });

  it.each([
    ['a gap', [record({}), record({ type: 'B', sequence: 3 })], /as number 3, not 2/],
    [
      'a step back',
      [record({ sequence: 1 }), record({ type: 'B', sequence: 2 }), record({ type: 'C', sequence: 1 })],
      /as number 1, not 3/,
    ],
    ['a lost beginning', [record({ sequence: 2 })], /as number 2, not 1/],
    ['the same effect under two ids', [record({}), record({ sequence: 2 })], /2 different messages OrderCreated/],
    ['a second partition', [record({}), record({ type: 'B', sequence: 2, partition: 1 })], /two partitions/],
    ['a changed message', [record({ id: 'same' }), record({ id: 'same', sequence: 2 })], /different headers/],
    ['a command without an answer', [record({ type: 'CreateOrder', causationId: undefined })], /0 answers/],
  ])('finds %s', (_, records, problem) => {
    expect(checkBus(records).problems).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });

  it('finds a command that was answered twice', () => {
    const command = record({ id: 'command', type: 'CreateOrder', source: 'orchestrator', causationId: undefined });
    const answer = record({ causationId: 'command' });
    expect(checkBus([command, answer]).problems).toEqual([]);
    const other = record({ type: 'OrderRejected', sequence: 2, causationId: 'command' });
    expect(checkBus([command, answer, other]).problems).toEqual([expect.stringMatching(/2 answers/)]);
  });
});
