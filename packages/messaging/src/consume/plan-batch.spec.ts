import { describe, expect, it } from '@jest/globals';
import { planBatch, type MessageIntake } from './plan-batch.js';

const a = async (): Promise<void> => {};
const b = async (): Promise<void> => {};
const c = async (): Promise<void> => {};
let count = 0;
function intake(key: string, handle: unknown, id = `id-${++count}`): MessageIntake {
  const route = handle === 'effect' ? { kind: 'effect' } : { kind: 'state', handle };
  return { kind: 'message', key, route, message: { envelope: { id } } } as unknown as MessageIntake;
}
const idOf = ({ message }: MessageIntake): string => message.envelope.id;
function plan(intakes: MessageIntake[], stale: MessageIntake[] = [], parked: string[] = []) {
  const fresh = new Set(intakes.map(idOf));
  for (const gone of stale) fresh.delete(idOf(gone));
  return planBatch(intakes, fresh, new Set(parked));
}

describe('planBatch', () => {
  it('calls each handler once where that keeps the order per key', () => {
    const batch = [intake('k', a), intake('l', b), intake('m', a), intake('l', b)];
    expect(plan(batch).calls.map(({ handle, messages }) => [handle, messages.length])).toEqual([
      [a, 2],
      [b, 2],
    ]);
  });

  it('calls a handler again where its message follows another handler of the same key', () => {
    const batch = [intake('k', a), intake('k', b), intake('k', a), intake('l', a)];
    const calls = plan(batch).calls;
    expect(calls.map(({ handle }) => handle)).toEqual([a, b, a]);
    expect(calls[2]!.messages.map(({ envelope }) => envelope.id)).toEqual([idOf(batch[2]!), idOf(batch[3]!)]);
  });

  it('keeps the order of every key in any mix of handlers', () => {
    const handlers = [a, b, c];
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 300; round++) {
      const batch = Array.from({ length: 30 }, () => intake(`k${random(4)}`, handlers[random(3)]));
      const called = plan(batch).calls.flatMap(({ messages }) => messages.map(({ envelope }) => envelope.id));
      for (const key of ['k0', 'k1', 'k2', 'k3']) {
        const expected = batch.filter((i) => i.key === key).map(idOf);
        expect(called.filter((id) => expected.includes(id))).toEqual(expected);
      }
    }
  });

  it('leaves out what the inbox knew, and a message that came twice in the batch', () => {
    const known = intake('k', a);
    const twice = intake('k', a);
    const result = plan([known, twice, { ...twice }], [known]);
    expect(result.calls.map(({ messages }) => messages.length)).toEqual([1]);
  });

  it('lines a message up behind parked ones of its key', () => {
    const batch = [intake('k', a), intake('l', a), intake('k', b)];
    const result = plan(batch, [], ['k']);
    expect(result.parked.map(idOf)).toEqual([idOf(batch[0]!), idOf(batch[2]!)]);
    expect(result.calls.flatMap(({ messages }) => messages)).toHaveLength(1);
  });

  it('stores commands for effects in their order', () => {
    const batch = [intake('k', 'effect'), intake('l', 'effect')];
    expect(plan(batch).effects).toEqual(batch);
  });
});
