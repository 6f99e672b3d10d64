import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cancelOrder, messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, state, type Message, type Messaging } from './index.js';

jest.setTimeout(60_000);

const KEYS = 20;
const PER_KEY = 25;

describe('ordering: messages of one key are handled in the order in which they were committed', () => {
  let harness: MessagingHarness;
  const seenByState = new Map<string, number[]>();
  const seenByEffect = new Map<string, number[]>();
  let orchestrator: Messaging;

  beforeAll(async () => {
    harness = await messagingHarness(['CancelOrder', 'OrderCancelled']);
    orchestrator = await harness.service(
      defineRoutes({
        group: `${harness.topics.group}-state`,
        emits: ['CancelOrder'],
        routes: {
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[]) => {
            for (const { payload } of messages) note(seenByState, payload.orderId, payload.occurrence);
          }),
        },
      }),
      { service: 'orchestrator' },
    );
    await harness.service(
      defineRoutes({
        group: `${harness.topics.group}-effect`,
        emits: ['OrderCancelled'],
        routes: {
          CancelOrder: effect(
            async (message: Message<'CancelOrder'>) => {
              const n = Number(message.payload.reason);
              await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
              note(seenByEffect, message.payload.orderId, n);
              return { emit: [orderCancelled(message.payload.orderId, { occurrence: n })] };
            },
            { dependency: 'orders' },
          ),
        },
      }),
      { service: 'ops', database: await harness.otherDatabase() },
    );
  });
  afterAll(() => harness.close());

  it('through outbox, relay, topic, work queue, effect and back', async () => {
    const keys = Array.from({ length: KEYS }, () => randomUUID());
    for (let n = 1; n <= PER_KEY; n++) {
      // Concurrent transactions for different keys; one after another per key, as the writer's own lock would have it.
      await Promise.all(
        keys.map((key) => orchestrator.transaction(async (tx) => tx.emit([cancelOrder(key, String(n))]))),
      );
    }
    await until('all events came back', () => total(seenByState) === KEYS * PER_KEY);
    const expected = Array.from({ length: PER_KEY }, (_, i) => i + 1);
    for (const key of keys) {
      expect(seenByEffect.get(key)).toEqual(expected);
      expect(seenByState.get(key)).toEqual(expected);
    }
  });

  it('and the sequence per source and key has no gap', async () => {
    const records = await harness.topics.read('CancelOrder');
    const sequences = new Map<string, number[]>();
    for (const { key, headers } of records)
      note(sequences, key!.toString(), Number(headers!['ce_sequence']!.toString()));
    for (const found of sequences.values()) expect(found).toEqual(found.map((_, i) => i + 1));
    expect(total(sequences)).toBe(KEYS * PER_KEY);
  });
});

function note(map: Map<string, number[]>, key: string, n: number): void {
  map.set(key, [...(map.get(key) ?? []), n]);
}

function total(map: Map<string, number[]>): number {
  return [...map.values()].reduce((sum, seen) => sum + seen.length, 0);
}
