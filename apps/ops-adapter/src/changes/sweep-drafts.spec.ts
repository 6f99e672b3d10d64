import { describe, expect, it } from '@jest/globals';
import type { MedusaDraftOrder } from '@throughline/connectors/medusa';
import type { Statement } from '@throughline/postgres';
import type { LifeCycle } from '../orders/store.js';
import type { PollDependencies } from './poll-orders.js';
import { sweepDrafts } from './sweep-drafts.js';

const CURSOR = '2026-11-22T10:00:00.000Z';
const FIRST = '2026-11-22T10:01:00.000Z';
const SECOND = '2026-11-22T10:02:00.000Z';

/** One sweep over two drafts, the first of an order in this state. */
async function sweep(
  lifeCycle: LifeCycle,
  commandRuns: boolean,
): Promise<{ deleted: string[]; cursor: string | undefined }> {
  const deleted: string[] = [];
  let cursor: string | undefined;
  const answers: Record<string, (values: unknown[]) => object[]> = {
    'poll-cursor-claim': () => [{ cursor: CURSOR }],
    'poll-cursor-move': (values) => {
      cursor = values[2] as string;
      return [];
    },
    'sales-order-find-all': () => [
      { orderId: 'o1', lifeCycle },
      { orderId: 'o2', lifeCycle: 'cancelled' },
    ],
    'find-keys-at-work': () => (commandRuns ? [{ key: 'o1' }] : []),
  };
  const drafts = [
    { id: 'd1', orderId: 'o1', updatedAt: FIRST },
    { id: 'd2', orderId: 'o2', updatedAt: SECOND },
  ] as MedusaDraftOrder[];
  await sweepDrafts({
    database: { query: async ({ name }: Statement, values: unknown[]) => answers[name]!(values) },
    medusa: {
      listDraftOrders: async ({ offset }: { offset: number }) => (offset === 0 ? drafts : []),
      deleteDraftOrder: async (id: string) => void deleted.push(id),
    },
    instanceId: 'i',
    now: () => new Date(CURSOR),
    overlapMs: 0,
    leaseMs: 1_000,
  } as unknown as PollDependencies);
  return { deleted, cursor };
}

describe('sweepDrafts', () => {
  it('deletes drafts of orders that are decided', async () => {
    expect(await sweep('created', false)).toEqual({ deleted: ['d1', 'd2'], cursor: SECOND });
  });

  it('comes back for the draft of an order that a command is working on', async () => {
    expect(await sweep('creating', true)).toEqual({ deleted: ['d2'], cursor: FIRST });
  });

  it('passes the draft of an order whose command is a dead letter, and keeps it for whoever retries that', async () => {
    expect(await sweep('creating', false)).toEqual({ deleted: ['d2'], cursor: SECOND });
  });
});
