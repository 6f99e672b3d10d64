import { describe, expect, it } from '@jest/globals';
import { planMissed, planRebuild, planRest, readPlace, type Ends } from './plan-ranges.js';

const ends = (given: Partial<Ends> = {}): Ends => ({
  topic: 't',
  partition: 0,
  low: 10,
  high: 100,
  committed: 80,
  ...given,
});
const range = (from: number, to: number, next = from) => ({ topic: 't', partition: 0, from, next, to });

describe('what a replay reads', () => {
  it('of what was missed: what is retained, up to where the group is', () => {
    expect(planMissed([ends()], undefined, undefined)).toEqual([range(10, 80)]);
    expect(planMissed([ends()], { offset: 3 }, { offset: 95 })).toEqual([range(10, 80)]);
    expect(planMissed([ends()], { offset: 20 }, { offset: 30 })).toEqual([range(20, 30)]);
    expect(planMissed([ends({ fromTime: 40, toTime: 100 })], { timeMs: 1 }, { timeMs: 2 })).toEqual([range(40, 80)]);
  });

  it('nothing where the group has not been, or the end is before the beginning', () => {
    expect(planMissed([ends({ committed: -1 })], undefined, undefined)).toEqual([]);
    expect(planMissed([ends()], { offset: 30 }, { offset: 30 })).toEqual([]);
    expect(planMissed([ends({ low: 90 })], undefined, undefined)).toEqual([]);
  });

  it('of a rebuild: all there is', () => {
    expect(planRebuild([ends(), ends({ partition: 1, low: 0, high: 0 })])).toEqual([range(10, 100)]);
  });

  it('goes on where it was, with what is still retained; a rebuild up to what came since', () => {
    const saved = [range(10, 80, 30)];
    expect(planRest('missed', saved, [ends()])).toEqual([range(10, 80, 30)]);
    expect(planRest('missed', saved, [ends({ low: 50 })])).toEqual([range(10, 80, 50)]);
    expect(planRest('missed', saved, [ends({ low: 95 })])).toEqual([range(10, 80, 80)]);
    expect(planRest('rebuild', saved, [ends({ high: 120 }), ends({ partition: 1, low: 0, high: 5 })])).toEqual([
      range(10, 120, 30),
      { ...range(0, 5), partition: 1 },
    ]);
  });
});

describe('a place in a topic', () => {
  it('is an offset, or a time with its zone', () => {
    expect(readPlace('from', '42')).toEqual({ offset: 42 });
    expect(readPlace('from', '2026-11-22T10:00:00+01:00')).toEqual({ timeMs: Date.parse('2026-11-22T09:00:00Z') });
    expect(readPlace('to', '2026-11-22')).toEqual({ timeMs: Date.parse('2026-11-22T00:00:00Z') });
    for (const text of ['yesterday', '-1', '2026-11-22T10:00:00', '2026-13-45']) {
      expect(() => readPlace('to', text)).toThrow(
        expect.objectContaining({ code: 'MSG_REPLAY_PLACE_INVALID', field: 'to' }),
      );
    }
  });
});
