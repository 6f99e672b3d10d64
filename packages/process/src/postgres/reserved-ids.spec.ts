import { describe, expect, it } from '@jest/globals';
import type { Tx } from '@throughline/postgres';
import { ReservedIds } from './reserved-ids.js';

const noon = Date.parse('2026-11-26T12:00:00.000Z');
const after = (ms: number): Date => new Date(noon + ms);

function scene() {
  let next = 0;
  const asked: number[] = [];
  const tx = {
    query: async (_: unknown, [count]: [number]) => {
      asked.push(count);
      return Array.from({ length: count }, () => ({ id: String(++next) }));
    },
  } as unknown as Tx;
  const ids = new ReservedIds();
  const refill = async (count: number, now = after(0)): Promise<void> => {
    ids.refill(tx, count, now);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { ids, asked, refill };
}

describe('ReservedIds', () => {
  it('gives out each id once, all that are wanted or none', async () => {
    const { ids, refill } = scene();
    expect(ids.take(1, after(0))).toBeUndefined();
    expect(ids.take(0, after(0))).toEqual([]);
    await refill(1);
    expect(ids.take(3, after(0))).toEqual(['1', '2', '3']);
    expect(ids.take(6, after(0))).toBeUndefined();
    expect(ids.take(5, after(0))).toEqual(['4', '5', '6', '7', '8']);
  });

  it('asks for those of some batches like the last one, where they might not do for the next, and never for very many', async () => {
    const { ids, asked, refill } = scene();
    await refill(0);
    await refill(10);
    ids.take(60, after(0));
    await refill(10); // 20 are left
    ids.take(1, after(0));
    await refill(10);
    await refill(1_000);
    expect(asked).toEqual([80, 80, 1_024]);
  });

  it('gives out none that lay for more than five seconds: ids follow the order of starts', async () => {
    const { ids, refill } = scene();
    await refill(1);
    expect(ids.take(1, after(5_000))).toEqual(['1']);
    expect(ids.take(1, after(5_001))).toBeUndefined();
    expect(ids.take(1, after(0))).toBeUndefined();
    await refill(1, after(6_000));
    expect(ids.take(1, after(5_999))).toBeUndefined();
  });

  it('is as before where the transaction fails', async () => {
    const { ids } = scene();
    const failing = { query: () => Promise.reject(new Error('away')) } as unknown as Tx;
    ids.refill(failing, 1, after(0));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ids.take(1, after(0))).toBeUndefined();
  });
});
