import { randomUUID } from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';
import { Codec, toHeaders } from '@throughline/contracts';
import { logger } from '@throughline/telemetry';
import { fixedSchemaIds, orderCancelled } from '@throughline/testing';
import { Progress } from '../progress.js';
import { defineRoutes, state } from '../routes.js';
import type { MessagingTransaction } from '../transaction.js';
import { Intake } from './intake.js';
import type { KafkaRecord } from './read-record.js';

const codec = new Codec(fixedSchemaIds());
const log = logger('spec', { level: 'silent' });

function record(offset: number): KafkaRecord {
  const { type, payload, correlationId } = orderCancelled(randomUUID());
  const envelope = { id: randomUUID(), type, source: 'spec', time: '2026-11-22T10:00:00.000Z', sequence: 1 };
  return {
    topic: 't',
    partition: 0,
    offset: String(offset),
    key: Buffer.from(payload.orderId),
    value: codec.encode(type, payload),
    headers: toHeaders({ ...envelope, subject: payload.orderId, correlationId }),
  };
}

/** Takes in so many messages while transactions fail with these codes, one after the other. Returns what was set aside, and the tries. */
async function taking(messages: number, codes: string[]): Promise<{ setAside: unknown[]; tries: number }> {
  await codec.prepare(['OrderCancelled']);
  const told = jest.spyOn(log, 'warn');
  let tries = 0;
  const handler = state(async () => undefined, { retry: { maxAttempts: 1 } });
  const intake = new Intake({
    routes: defineRoutes({ group: 'spec', routes: { OrderCancelled: handler } }),
    transaction: async <T>() => {
      const code = codes[tries++];
      if (code) throw Object.assign(new Error(code), { code, severity: 'ERROR' });
      return true as T;
    },
    codec,
    progress: new Progress('intake', () => 0),
    log,
    batchMessages: 500,
  });
  await intake.take(Array.from({ length: messages }, (_, index) => record(index)));
  const setAside = told.mock.calls.map((call) => String(call[1])).filter((text) => text.startsWith('A message is'));
  told.mockRestore();
  return { setAside, tries };
}

describe('intake: a handler that may be called ahead', () => {
  it('is called twice for a batch that fails, and once for each part of it on the way to what fails', async () => {
    await codec.prepare(['OrderCancelled']);
    const records = Array.from({ length: 8 }, (_, index) => record(index));
    const calls: [ahead: boolean | undefined, messages: number][] = [];
    const handler = state<'OrderCancelled'>(
      async (messages, tx) => {
        calls.push([tx.ahead, messages.length]);
        if (messages.some(({ payload }) => payload.orderId === String(records[7]!.key))) throw new Error('never');
      },
      { ahead: true },
    );
    const intake = new Intake({
      routes: defineRoutes({ group: 'spec', routes: { OrderCancelled: handler } }),
      transaction: async (fn) => {
        const tx: Partial<MessagingTransaction> = {
          addDeadLetters: () => undefined,
          addWork: () => undefined,
          traceBy: () => undefined,
          query: async <R extends object>({ name }: { name: string }, [, ids]: unknown[] = []) =>
            (name === 'insert-inbox' ? (ids as string[]).map((id) => ({ message_id: id })) : []) as R[],
        };
        return fn(tx as MessagingTransaction);
      },
      codec,
      progress: new Progress('intake', () => 0),
      log,
      batchMessages: 500,
    });
    await intake.take(records);
    const parts = [4, 4, 2, 2, 1, 1].map((messages) => [false, messages]);
    expect(calls).toEqual([[true, 8], [false, 8], ...parts]);
    await intake.take([record(8)]);
    await intake.take([record(9)]);
    expect(calls.slice(8)).toEqual([
      [false, 1],
      [true, 1],
    ]);
  });
});

describe('intake: what a conflict with another transaction means for a message that may be tried once', () => {
  it('a deadlock, also right after an outage, is no attempt', async () => {
    const codes = ['57P03', '40P01', '40P01', '40P01', '40P01'];
    expect(await taking(1, codes)).toEqual({ setAside: [], tries: codes.length + 1 });
  });

  it('a batch is tried whole again after a deadlock, and halved at once where somebody keeps a lock', async () => {
    expect(await taking(4, ['40P01'])).toEqual({ setAside: [], tries: 2 });
    expect(await taking(4, ['55P03'])).toEqual({ setAside: [], tries: 3 });
  });

  it('alone, it is parked where somebody keeps a lock', async () => {
    const [setAside] = (await taking(1, ['55P03'])).setAside;
    expect(setAside).toMatch('A message is parked');
  });
});
