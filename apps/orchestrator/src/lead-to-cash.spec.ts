import { beforeAll, describe, expect, it } from '@jest/globals';
import { catalog } from '@throughline/contracts';
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

  it('listens to every event of the contracts, so that none is published for nobody', () => {
    const published = Object.values(catalog).filter(({ kind }) => kind === 'event');
    expect([...process.events].toSorted()).toEqual(published.map(({ type }) => type).toSorted());
  });

  it('sends every command of the contracts', () => {
    const commands = process.steps.flatMap((step) => [step.command, ...(step.compensation ? [step.compensation] : [])]);
    const known = Object.values(catalog).filter(({ kind }) => kind === 'command');
    expect(commands.map(({ type }) => type).toSorted()).toEqual(known.map(({ type }) => type).toSorted());
  });
});
