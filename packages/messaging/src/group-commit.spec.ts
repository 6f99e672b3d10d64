import { describe, expect, it } from '@jest/globals';
import { GroupCommit } from './group-commit.js';

describe('GroupCommit', () => {
  it('carries what arrives during a flush in the next one, in order, within the bound', async () => {
    const flushed: number[][] = [];
    let release = (): void => undefined;
    const group = new GroupCommit<number>(async (items) => {
      flushed.push(items);
      if (flushed.length === 1) await new Promise<void>((resolve) => (release = resolve));
    }, 4);
    const first = group.add([1]);
    await new Promise((resolve) => setImmediate(resolve));
    const rest = [group.add([2, 3]), group.add([4, 5]), group.add([6])];
    release();
    await Promise.all([first, ...rest]);
    expect(flushed).toEqual([[1], [2, 3, 4, 5], [6]]);
  });

  it('takes an entry larger than the bound alone', async () => {
    const flushed: number[][] = [];
    const group = new GroupCommit<number>(async (items) => void flushed.push(items), 2);
    await Promise.all([group.add([1, 2, 3]), group.add([4])]);
    expect(flushed).toEqual([[1, 2, 3], [4]]);
  });

  it('tells a failure to those it concerns, and goes on', async () => {
    const group = new GroupCommit<number>(async ([item]) => {
      if (item === 1) throw new Error('one');
    }, 1);
    const [one, two] = await Promise.allSettled([group.add([1]), group.add([2])]);
    expect([one.status, two.status]).toEqual(['rejected', 'fulfilled']);
  });
});
