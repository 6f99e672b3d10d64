import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OutboxRow } from './outbox-row.js';
import { RelayQueue } from './relay-queue.js';

const row = (id: number, key = 'k'): OutboxRow => ({ id, key, value: Buffer.alloc(10) }) as OutboxRow;
const ids = (queue: RelayQueue): number[] => queue.peek(1_000, 1e9).map(({ id }) => id);

/** A leader that has seen everything in an empty table. */
function leader(): RelayQueue {
  const queue = new RelayQueue('a', 100);
  queue.lead('e1');
  poll(queue, []);
  return queue;
}
function poll(queue: RelayQueue, rows: OutboxRow[], epoch = 'e1'): number {
  const limit = queue.pollStarted(50)!;
  return queue.pollEnded(epoch, rows.slice(0, limit), limit);
}
function handOver(queue: RelayQueue, id: number, previous: string | null, key = 'k'): boolean {
  queue.begin([key]);
  return queue.committed([key], queue.writer, [row(id, key)], [previous]);
}

describe('RelayQueue: rows of one key leave in the order of their ids', () => {
  it('takes rows from memory when nothing older of the key can wait in the table', () => {
    const queue = leader();
    expect(handOver(queue, 1, null)).toBe(true);
    expect(handOver(queue, 2, 'e1')).toBe(true);
    expect(ids(queue)).toEqual([1, 2]);
  });

  it('refuses before the table has been read to its end', () => {
    const queue = new RelayQueue('a');
    queue.lead('e1');
    expect(handOver(queue, 5, null)).toBe(false);
    poll(queue, [row(4), row(5)]);
    expect(ids(queue)).toEqual([4, 5]);
    expect(queue.catchingUp).toBe(false);
  });

  it('refuses a row whose key another instance, or an earlier leader, wrote before', () => {
    const queue = leader();
    expect(handOver(queue, 7, 'follower:b')).toBe(false);
    expect(handOver(queue, 8, 'e1')).toBe(false); // 7 waits in the table now
    poll(queue, [row(6), row(7), row(8)]);
    expect(ids(queue)).toEqual([6, 7, 8]);
    expect(handOver(queue, 9, 'e1')).toBe(true);
  });

  it('refuses a row while the answer to an older COMMIT of its key has not been read', () => {
    const queue = leader();
    queue.begin(['k']); // 1
    queue.begin(['k']); // 2: it holds the lock, so 1 has committed, but we have not heard yet
    expect(queue.committed(['k'], 'e1', [row(2)], ['e1'])).toBe(false);
    expect(queue.committed(['k'], 'e1', [row(1)], [null])).toBe(false);
    poll(queue, [row(1), row(2)]);
    expect(ids(queue)).toEqual([1, 2]);
  });

  it('reads the table after a COMMIT with an unknown outcome', () => {
    const queue = leader();
    queue.begin(['k']);
    queue.aborted(['k']);
    expect(queue.catchingUp).toBe(true);
    expect(handOver(queue, 2, 'e1')).toBe(false);
  });

  it('refuses a row whose key has an older one that came to the table only after a poll, its COMMIT having seemed lost', () => {
    const queue = leader();
    queue.begin(['k']);
    queue.aborted(['k']); // 1: PostgreSQL is still at it
    poll(queue, []);
    expect(handOver(queue, 2, 'e1')).toBe(false);
    poll(queue, [row(1), row(2)]);
    expect(ids(queue)).toEqual([1, 2]);
    expect(handOver(queue, 3, queue.writer)).toBe(true);
  });

  it('sends less at once where keys and headers weigh more than the bodies', () => {
    const queue = new RelayQueue('a');
    queue.lead('e1');
    poll(
      queue,
      Array.from({ length: 50 }, (_, i) => row(i + 1)),
    );
    expect(queue.peek(1_000, 10_000).length).toBeLessThan(20);
  });

  it('refuses beyond its bound, and then everything until the table was read', () => {
    const queue = new RelayQueue('a', 2);
    queue.lead('e1');
    poll(queue, []);
    expect([1, 2, 3].map((id) => handOver(queue, id, id === 1 ? null : 'e1'))).toEqual([true, true, false]);
    queue.acknowledge('e1', queue.peek(2, 1e9));
    expect(handOver(queue, 4, 'e1')).toBe(false);
    poll(queue, [row(1), row(2), row(3), row(4)]);
    expect(ids(queue)).toEqual([3, 4]);
  });

  it('holds no more bytes than its bound, and polls for no more large rows than fit', () => {
    const large = (id: number): OutboxRow => ({ ...row(id), value: Buffer.alloc(900_000) });
    const queue = new RelayQueue('a', 100, 2_000_000);
    queue.lead('e1');
    poll(queue, []);
    const take = (id: number, previous: string | null): boolean => {
      queue.begin(['k']);
      return queue.committed(['k'], queue.writer, [large(id)], [previous]);
    };
    expect([take(1, null), take(2, 'e1'), take(3, 'e1')]).toEqual([true, true, false]);
    const table = Array.from({ length: 1_000 }, (_, i) => large(i + 1));
    const polled: number[] = [];
    while (table.length > 0) {
      const limit = queue.pollStarted(1_000);
      if (limit !== undefined) polled.push(queue.pollEnded('e1', table.slice(0, limit), limit));
      queue.acknowledge('e1', queue.peek(1, 1e9));
      queue.deleted(queue.takeAcknowledged());
      table.shift();
    }
    expect(Math.max(...polled.slice(1))).toBeLessThanOrEqual(8);
    expect(polled[0]).toBeLessThanOrEqual(64);
    expect(queue.length).toBe(0);
  });

  it('polls for more and more of what is small', () => {
    const queue = new RelayQueue('a');
    queue.lead('e1');
    const table = Array.from({ length: 5_000 }, (_, i) => row(i + 1));
    let polls = 0;
    for (let read = 0; read < table.length; polls++) {
      const limit = queue.pollStarted(1_000)!;
      read += queue.pollEnded('e1', table.slice(read, read + limit), limit);
      queue.acknowledge('e1', queue.peek(1_000, 1e9));
      queue.deleted(queue.takeAcknowledged());
    }
    expect(polls).toBeLessThan(10);
  });

  it('stays with the table when a row was refused while a poll was on its way', () => {
    const queue = new RelayQueue('a');
    queue.lead('e1');
    const limit = queue.pollStarted(50)!;
    handOver(queue, 1, null);
    queue.pollEnded('e1', [], limit);
    expect(queue.catchingUp).toBe(true);
  });

  it('stays with the table while a poll came back full', () => {
    const queue = new RelayQueue('a');
    queue.lead('e1');
    const limit = queue.pollStarted(2)!;
    queue.pollEnded('e1', [row(1), row(2)], limit);
    expect(queue.catchingUp).toBe(true);
  });

  it('is not fed by polls while it has enough, and still takes everything in order', () => {
    const queue = new RelayQueue('a');
    queue.lead('e1');
    const table = Array.from({ length: 1_000 }, (_, i) => row(i + 1));
    const pollTable = (): number => {
      const limit = queue.pollStarted(50) ?? 0;
      if (limit > 0) queue.pollEnded('e1', table.slice(0, limit), limit);
      return Math.min(limit, table.length);
    };
    let read = 0;
    for (let i = 0; i < 100; i++) read += pollTable(); // an outage: nothing leaves
    expect(read).toBe(50);
    expect(queue.length).toBe(50);
    const sent: number[] = [];
    while (table.length > 0) {
      const rows = queue.peek(40, 1e9);
      sent.push(...rows.map(({ id }) => id));
      queue.acknowledge('e1', rows);
      const gone = queue.takeAcknowledged();
      table.splice(0, gone.length);
      queue.deleted(gone);
      pollTable();
      expect(queue.length).toBeLessThan(100);
    }
    expect(sent).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect(queue.catchingUp).toBe(false);
  });

  it('does not queue again what it has sent and not deleted yet, nor what was deleted under a running poll', () => {
    const queue = leader();
    handOver(queue, 1, null);
    queue.acknowledge('e1', queue.peek(10, 1e9));
    expect(poll(queue, [row(1)])).toBe(0);
    const limit = queue.pollStarted(50)!;
    queue.deleted(queue.takeAcknowledged());
    expect(queue.pollEnded('e1', [row(1)], limit)).toBe(0);
    expect(ids(queue)).toEqual([]);
  });

  it('keeps rows whose deletion failed to be deleted later', () => {
    const queue = leader();
    handOver(queue, 1, null);
    queue.acknowledge('e1', queue.peek(10, 1e9));
    queue.notDeleted(queue.takeAcknowledged());
    expect(queue.takeAcknowledged()).toEqual([1]);
  });

  it('forgets everything in memory when the lead is lost, and ignores what was written or polled under it', () => {
    const queue = leader();
    handOver(queue, 1, null);
    const limit = queue.pollStarted(50)!;
    queue.resign();
    queue.lead('e2');
    expect(queue.pollEnded('e1', [row(1)], limit)).toBe(0);
    expect(queue.catchingUp).toBe(true);
    expect(ids(queue)).toEqual([]);
    poll(queue, [row(1)], 'e2');
    expect(ids(queue)).toEqual([1]);
    queue.begin(['k']);
    expect(queue.committed(['k'], 'e1', [row(2)], ['e1'])).toBe(false);
  });

  it('keeps the order in any interleaving of commits, late answers, polls, foreign writers and sends', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('write' as const),
        key: fc.constantFrom('a', 'b', 'c'),
        foreign: fc.boolean(),
        heard: fc.constantFrom('at once' as const, 'late' as const, 'never' as const),
      }),
      fc.record({
        do: fc.constantFrom(
          'answer' as const,
          'land' as const,
          'pollStart' as const,
          'pollEnd' as const,
          'send' as const,
          'delete' as const,
          'newLeader' as const,
        ),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new RelayQueue('me', 6);
        let epoch = 'e0';
        queue.lead(epoch);
        const table = new Map<number, OutboxRow>();
        const writerOf = new Map<string, string>();
        /** Per key the row of a COMMIT that seemed lost: its lock holds back the key's next writer. */
        const landing = new Map<string, { row: OutboxRow; writer: string }>();
        const unanswered: { key: string; writer: string; row: OutboxRow; previous: string | null }[] = [];
        const sent: OutboxRow[] = [];
        let openPoll: { rows: OutboxRow[]; limit: number; epoch: string } | undefined;
        let nextId = 1;
        const answer = (index: number): void => {
          const [first] = unanswered.splice(index, 1);
          if (first) queue.committed([first.key], first.writer, [first.row], [first.previous]);
        };
        const land = (key: string): void => {
          const lost = landing.get(key);
          if (!lost) return;
          landing.delete(key);
          table.set(lost.row.id, lost.row);
          writerOf.set(key, lost.writer);
        };
        const startPoll = (): void => {
          const limit = queue.pollStarted(3);
          if (limit === undefined) return;
          openPoll = { limit, epoch, rows: [...table.values()].sort((x, y) => x.id - y.id).slice(0, limit) };
        };
        const endPoll = (): void => {
          if (openPoll) queue.pollEnded(openPoll.epoch, openPoll.rows, openPoll.limit);
          openPoll = undefined;
        };
        const send = (): void => {
          const rows = queue.peek(4, 1e9);
          sent.push(...rows);
          queue.acknowledge(epoch, rows);
        };
        const remove = (): void => {
          const gone = queue.takeAcknowledged();
          for (const id of gone) table.delete(id);
          queue.deleted(gone);
        };
        for (const s of steps) {
          if (s.do === 'write') {
            land(s.key);
            const written = row(nextId++, s.key);
            const previous = writerOf.get(s.key) ?? null;
            const writer = s.foreign ? 'follower:other' : queue.writer;
            if (!s.foreign) queue.begin([s.key]);
            if (!s.foreign && s.heard === 'never') {
              landing.set(s.key, { row: written, writer });
              queue.aborted([s.key]);
              continue;
            }
            table.set(written.id, written);
            writerOf.set(s.key, writer);
            if (!s.foreign) {
              unanswered.push({ key: s.key, writer, row: written, previous });
              if (s.heard === 'at once') answer(unanswered.length - 1);
            }
          } else if (s.do === 'answer') answer(0);
          else if (s.do === 'land') land([...landing.keys()][0] ?? '');
          else if (s.do === 'pollStart' && !openPoll) startPoll();
          else if (s.do === 'pollEnd') endPoll();
          else if (s.do === 'send') send();
          else if (s.do === 'delete') remove();
          else if (s.do === 'newLeader') {
            epoch = `e${nextId}`;
            queue.lead(epoch);
          }
        }
        for (const key of [...landing.keys()]) land(key);
        while (unanswered.length > 0) answer(0);
        endPoll();
        for (let i = 0; table.size > 0 && i < 500; i++) {
          startPoll();
          endPoll();
          send();
          remove();
        }
        expect(table.size).toBe(0); // nothing is lost
        expect(new Set(sent.map(({ id }) => id)).size).toBe(nextId - 1);
        for (const key of ['a', 'b', 'c']) {
          // Repetition is allowed after a change of leader; a first delivery out of order never is.
          const firsts = [...new Set(sent.filter((r) => r.key === key).map(({ id }) => id))];
          expect(firsts).toEqual([...firsts].sort((x, y) => x - y));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
