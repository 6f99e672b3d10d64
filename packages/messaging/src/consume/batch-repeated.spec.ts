import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, describe, expect, it } from '@jest/globals';
import { answerMetrics, startTelemetry, stopTelemetry } from '@throughline/telemetry/sdk';
import { defineRoutes, state } from '../routes.js';
import type { MessagingTransaction } from '../transaction.js';
import type { MessageIntake } from './plan-batch.js';

// Before what counts is loaded: an instrument that was made without it counts nothing.
startTelemetry({});
const { processBatch } = await import('./process-batch.js');

const NAME = 'throughline_batch_repeated_total';

/** What a scrape says of a group. */
async function counted(group: string): Promise<number> {
  const text = await new Promise<string>((resolve) => {
    const response = { statusCode: 0, setHeader: () => undefined, end: resolve };
    answerMetrics({} as IncomingMessage, response as unknown as ServerResponse);
  });
  const line = text.split('\n').find((one) => one.startsWith(NAME) && one.includes(`"${group}"`));
  return line === undefined ? 0 : Number(line.split(' ').at(-1));
}

/** Takes in one message, where its transaction fails so many times. */
async function takeIn(group: string, failures: number, onlyNew = true): Promise<void> {
  const routes = defineRoutes({ group, routes: { OrderCancelled: state(async () => undefined, { ahead: true }) } });
  const tx: Partial<MessagingTransaction> = {
    addDeadLetters: () => undefined,
    addWork: () => undefined,
    traceBy: () => undefined,
    query: <R extends object>(_: object, [, ids]: unknown[] = []) =>
      Promise.resolve(((ids as string[] | undefined) ?? []).map((id) => ({ message_id: id })) as unknown as R[]),
  };
  const envelope = { id: '1', correlationId: 'c' };
  const message = { type: 'OrderCancelled', payload: {}, envelope } as unknown as MessageIntake['message'];
  const record = { topic: 't', partition: 0, offset: '0', key: Buffer.from('k'), value: null };
  const route = routes.routes.OrderCancelled!;
  await processBatch(
    {
      routes,
      transaction: async (fn) => {
        const result = await fn(tx as MessagingTransaction);
        if (failures-- > 0) throw new Error('not as assumed');
        return result;
      },
    },
    [{ kind: 'message', record, key: 'k', message, route }],
    onlyNew,
  );
}

describe('throughline.batch.repeated', () => {
  afterAll(() => stopTelemetry());

  it('counts each batch that is taken in again because it was not as assumed, and no other', async () => {
    await takeIn('right', 0);
    expect(await counted('right')).toBe(0);
    await takeIn('wrong', 1);
    expect(await counted('wrong')).toBe(1);
    await takeIn('wrong', 1);
    expect(await counted('wrong')).toBe(2);
    await expect(takeIn('broken', 1, false)).rejects.toThrow('not as assumed');
    expect(await counted('broken')).toBe(0);
  });
});
