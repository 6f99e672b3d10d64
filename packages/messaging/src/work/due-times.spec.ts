import { describe, expect, it } from '@jest/globals';
import { DueTimes } from './due-times.js';

describe('DueTimes', () => {
  it('tells what is due, never early, each queue once', () => {
    const due = new DueTimes();
    expect(due.next).toBe(Infinity);
    for (const [queue, at] of [
      ['b', 101],
      ['a', 250],
      ['a', 33],
      ['b', 108],
      ['a', 102],
    ] as const)
      due.add(queue, at);
    expect(due.next).toBe(40);
    expect([...due.take(39)]).toEqual([]);
    expect([...due.take(40)]).toEqual(['a']);
    expect(due.next).toBe(110);
    expect([...due.take(200)].toSorted()).toEqual(['a', 'b']);
    expect(due.next).toBe(250);
    expect([...due.take(1_000)]).toEqual(['a']);
    expect(due.next).toBe(Infinity);
  });
});
