import { describe, expect, it } from '@jest/globals';
import { describeFault, holdOf, KINDS, MIN_IN_FLIGHT, planRounds, POISONS, STORIES } from './schedule.js';
import { CONNECTIONS, VICTIMS } from './victims.js';

describe('planRounds', () => {
  it('reproduces itself from seed, minutes and kinds alone', () => {
    for (let seed = 0; seed < 50; seed += 1) expect(planRounds(seed, 2)).toEqual(planRounds(seed, 2));
    expect(planRounds(1, 2)).not.toEqual(planRounds(2, 2));
  });

  it('begins a longer run as a shorter one with the same seed', () => {
    const short = planRounds(7, 1);
    expect(planRounds(7, 10).slice(0, short.length)).toEqual(short);
  });

  it('has enough deals under way at every fault', () => {
    for (const { stories } of planRounds(3, 20)) expect(stories.length).toBeGreaterThanOrEqual(MIN_IN_FLIGHT);
  });

  it('meets every kind and story in two minutes, whatever the seed', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const rounds = planRounds(seed, 2);
      expect(new Set(rounds.map(({ fault }) => fault.kind))).toEqual(new Set(KINDS));
      expect(new Set(rounds.flatMap(({ stories }) => stories.map(({ story }) => story)))).toEqual(new Set(STORIES));
    }
  });

  it('kills, pauses and cuts everything once before anything twice', () => {
    const killed = planRounds(5, 30, ['kill']).flatMap(({ fault }) => (fault.kind === 'kill' ? [fault.whom] : []));
    expect(new Set(killed.slice(0, VICTIMS.length))).toEqual(new Set(VICTIMS));
    const cut = planRounds(5, 30, ['network']).map(({ fault }) => describeFault(fault));
    expect(new Set(cut.slice(0, CONNECTIONS.length * 4)).size).toBe(CONNECTIONS.length * 4);
  });

  it('keeps to the kinds that were asked for', () => {
    expect(new Set(planRounds(1, 5, ['poison']).map(({ fault }) => fault.kind))).toEqual(new Set(['poison']));
  });

  it('poisons with one record of each sort', () => {
    for (const { fault } of planRounds(1, 2, ['poison'])) {
      expect(fault.kind === 'poison' && [...fault.records].sort()).toEqual([...POISONS].sort());
    }
  });

  it('lets nobody be held by two faults at once', () => {
    expect(holdOf({ kind: 'kill', whom: 'kafka', forMs: 1 })).toBe(holdOf({ kind: 'pause', whom: 'kafka', forMs: 1 }));
    expect(holdOf({ kind: 'poison', records: [], forMs: 0 })).toBeUndefined();
  });
});
