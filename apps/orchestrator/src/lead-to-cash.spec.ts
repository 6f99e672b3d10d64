import { beforeAll, describe, expect, it } from '@jest/globals';
import { explore, type Process } from '@throughline/process';
import { loadProcesses } from './load-processes.js';

describe('lead-to-cash', () => {
  let process: Process;
  beforeAll(() => {
    process = loadProcesses().find(({ name }) => name === 'lead-to-cash')!;
  });

  it('ends completed, undone, or visibly waiting for a person, with any three failures combined', () => {
    const { problems, ends, leftStanding, states } = explore(process);
    expect(problems.slice(0, 3)).toEqual([]);
    expect(Object.keys(ends).toSorted()).toEqual(['compensated', 'completed', 'refused', 'stopped']);
    expect(leftStanding).toEqual(['write-back']);
    expect(states).toBeGreaterThan(900);
  });
});
