import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, state, type Routes } from './index.js';

jest.setTimeout(60_000);

describe('clean-stop: what was taken in before a stop is not read again', () => {
  let harness: MessagingHarness;
  let handled: number;
  beforeEach(async () => {
    harness = await messagingHarness(['OrderCancelled'], { partitions: 6 });
    handled = 0;
  });
  afterEach(() => harness.close());

  const routes = (handling: () => Promise<void> = () => Promise.resolve()): Routes =>
    defineRoutes({
      group: harness.topics.group,
      emits: ['OrderCancelled'],
      routes: {
        OrderCancelled: state(async (messages, tx) => {
          await handling();
          tx.onCommit(() => (handled += messages.length));
        }),
      },
    });
  /** Of the partitions that hold something. */
  async function places(): Promise<{ ends: object; committed: object }> {
    const [ends, committed] = await Promise.all([harness.topics.ends(), harness.topics.committed()]);
    const filled = Object.keys(ends).filter((partition) => ends[partition] !== '0');
    const of = (offsets: Record<string, string>): object => Object.fromEntries(filled.map((id) => [id, offsets[id]]));
    return { ends: of(ends), committed: of(committed) };
  }

  // So that nothing is committed but by the stop.
  const limits = { offsetCommitMs: 3_600_000 };

  it('the offsets of the last moment are committed, and the next start reads nothing twice', async () => {
    const first = await harness.service(routes(), { limits });
    const emit = (n: number): Promise<void> =>
      first.transaction(async (tx) => tx.emit(Array.from({ length: n }, () => orderCancelled(randomUUID()))));
    await until('it takes part', () => first.health().ready);
    await emit(60);
    await until('all are handled', () => handled === 60);
    await first.stop();
    const { ends, committed } = await places();
    expect(Object.keys(ends).length).toBeGreaterThan(1);
    expect(committed).toEqual(ends);

    await harness.rows('TRUNCATE inbox'); // it would recognise what is read twice
    const second = await harness.service(routes(), { limits });
    await until('it takes part', () => second.health().ready);
    await second.transaction(async (tx) => tx.emit(Array.from({ length: 60 }, () => orderCancelled(randomUUID()))));
    await until('what is new is handled', () => handled >= 120);
    expect(handled).toBe(120);
  });

  it('so are those of a batch that ends while it stops', async () => {
    const begun = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    const messaging = await harness.service(
      routes(() => {
        begun.resolve();
        return open.promise;
      }),
      { limits },
    );
    await until('it takes part', () => messaging.health().ready);
    await messaging.transaction(async (tx) => tx.emit([orderCancelled(randomUUID())]));
    await begun.promise;
    const stopped = messaging.stop();
    await until('it stops', () => messaging.health().reasons.includes('stopping'));
    open.resolve();
    await stopped;
    const { ends, committed } = await places();
    expect([handled, committed]).toEqual([1, ends]);
  });
});
