import { describe, expect, it } from '@jest/globals';
import { persons } from '../spec/credit-task.js';
import { People } from './people.js';
import { checkEnd, checkStandIn, type StandIn } from './stand-in.js';

const now = '2026-11-23T10:00:00.000Z';
const mia = { id: 'mia', name: 'Mia', roles: ['people-administrator'], aliases: [] };
const people = new People([...persons, mia]);
const delegation: StandIn = {
  kind: 'delegation',
  person: 'carla',
  delegate: 'dana',
  startsAt: now,
  endsAt: '2026-11-24T10:00:00.000Z',
  reason: null,
};
const absence: StandIn = { ...delegation, kind: 'absence', delegate: null };

function refusal(wanted: StandIn, by: string, check = checkStandIn): { code?: string; field?: string } {
  try {
    check(wanted, by, now, people);
    return {};
  } catch (error) {
    const { code, field } = error as { code: string; field?: string };
    return { code, ...(field && { field }) };
  }
}

describe('who says who stands in', () => {
  it('authority is given by whoever has it, and by nobody else', () => {
    expect(refusal(delegation, 'carla')).toEqual({});
    for (const by of ['dana', 'carlo', 'mia']) expect(refusal(delegation, by)).toEqual({ code: 'STAND_IN_NOT_YOURS' });
    expect(refusal(delegation, 'mallory')).toEqual({ code: 'TASK_ACTOR_UNKNOWN' });
  });

  it('a delegation is ended by either side, so that nobody is tied by what another made', () => {
    const end: typeof checkStandIn = (standIn, by, _, all) => checkEnd(standIn, by, all);
    for (const by of ['carla', 'dana']) expect(refusal(delegation, by, end)).toEqual({});
    for (const by of ['carlo', 'mia']) expect(refusal(delegation, by, end)).toEqual({ code: 'STAND_IN_NOT_YOURS' });
    expect(refusal({ ...delegation, delegate: 'mallory' }, 'mallory', end)).toEqual({ code: 'TASK_ACTOR_UNKNOWN' });
    expect(refusal(absence, 'carlo', end)).toEqual({ code: 'STAND_IN_NOT_YOURS' });
  });

  it('an absence is told by whoever is away, or by those who look after people', () => {
    for (const by of ['carla', 'mia']) expect(refusal(absence, by)).toEqual({});
    expect(refusal(absence, 'carlo')).toEqual({ code: 'STAND_IN_NOT_YOURS' });
  });

  it.each<[string, Partial<StandIn>, string]>([
    ['ends before it begins', { startsAt: '2026-11-25T10:00:00.000Z' }, 'endsAt'],
    ['is over already', { startsAt: '2026-11-20T10:00:00.000Z', endsAt: now }, 'endsAt'],
    ['names nobody', { delegate: 'nobody' }, 'delegate'],
    ['names the person themselves', { delegate: 'carla' }, 'delegate'],
  ])('a delegation that %s is refused, with the field', (_, change, field) => {
    expect(refusal({ ...delegation, ...change }, 'carla')).toEqual({ code: 'STAND_IN_INVALID', field });
  });

  it('nobody is away whom nobody knows', () => {
    expect(refusal({ ...absence, person: 'nobody' }, 'mia')).toEqual({ code: 'STAND_IN_INVALID', field: 'person' });
  });
});
