import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decided, happens, later, slowDelivery, slowEnd, VirtualClock } from '../fixtures/delivery.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe('ninety days in virtual time', () => {
  it('bring what is due when it is due, by the calendar of the office', () => {
    const { state, history, sent } = new VirtualClock().run(slowDelivery, slowEnd);
    const byTime = history.filter(({ messageId }) => messageId.startsWith('timer:'));
    expect(byTime.map(({ at, effect, step }) => [inBerlin(at), effect, step ?? 'delivery'])).toEqual([
      // Four business hours from Monday at four, and a business day.
      ['Tue 16 Feb 12:00', 'overdue', 'approval'],
      ['Tue 16 Feb 16:00', 'sla-breached', 'approval'],
      ['Wed 17 Feb 11:15', 'overdue', 'order'],
      // Refused at half past eleven and twenty to twelve, asked again a business day later.
      ['Thu 18 Feb 11:30', 'step-retried', 'order'],
      ['Fri 19 Feb 11:40', 'step-retried', 'order'],
      // Ten business days, for both lines at once.
      ['Fri 5 Mar 11:45', 'overdue', 'packing/a'],
      ['Fri 5 Mar 11:45', 'overdue', 'packing/b'],
      // Line a moved on 24 March: ten business days without Good Friday and Easter Monday, an hour less of real time.
      ['Fri 9 Apr 13:00', 'overdue', 'packing/a'],
      // Forty business days of the whole.
      ['Wed 14 Apr 16:00', 'sla-breached', 'delivery'],
      // Thirty days by the clock.
      ['Wed 12 May 10:30', 'overdue', 'acceptance'],
    ]);
    expect(sent.map((line) => line.split(' ')[1])).toEqual([
      ...['CreateOrder', 'CreateOrder', 'CreateOrder', 'PackLine', 'PackLine'],
    ]);
    expect(state.status).toBe('completed');
  });

  it('tell every entry apart, also where several fall due at once', () => {
    const { history } = new VirtualClock().run(slowDelivery, slowEnd);
    const ids = history.map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('come out the same whether the clock jumps or somebody looks every minute', () => {
    const jumping = new VirtualClock().run(slowDelivery, slowEnd);
    const looking = new VirtualClock().run(slowDelivery, slowEnd, MINUTE_MS);
    expect(looking.history).toEqual(jumping.history);
    expect(looking.state).toEqual(jumping.state);
  });

  it('whatever happens when: nothing fires early, twice or never, and who waits is either in time or visibly late', () => {
    const start = slowDelivery[0]!.at;
    const types = [
      'OrderRejected',
      'OrderCreated',
      'LineMoved',
      'LinePacked',
      'LinePackingRejected',
      'DeliveryAccepted',
      'DealLost',
      'OrderCancelled',
    ];
    const anyHappening = fc.tuple(
      fc.integer({ min: 1, max: 90 * 1_440 }),
      fc.constantFrom('approved', ...types),
      fc.constantFrom('a', 'b'),
    );
    fc.assert(
      fc.property(fc.array(anyHappening, { maxLength: 12 }), (drawn) => {
        const happenings = drawn
          .toSorted(([a], [b]) => a - b)
          .map(([minutes, type, lineId]) => {
            const at = later(start, minutes * MINUTE_MS);
            return type === 'approved' ? decided(at, 'approved') : happens(at, type, { lineId, orderId: 'o' });
          });
        const until = later(start, 90 * DAY_MS);
        const { history, state, nextTimerAt } = new VirtualClock().run([slowDelivery[0]!, ...happenings], until);
        const byTime = history.filter(({ messageId }) => messageId.startsWith('timer:'));
        for (const { messageId, at } of byTime) expect(messageId.endsWith(at)).toBe(true);
        expect(new Set(byTime.map(({ messageId }) => messageId)).size).toBe(byTime.length);
        expect(nextTimerAt === undefined || nextTimerAt >= until).toBe(true);
        const waiting = Object.values(state.steps).flatMap(({ status, execution, compensation }) => {
          if (['commanded', 'awaited', 'deciding'].includes(status)) return [execution!];
          return status === 'compensating' ? [compensation!] : [];
        });
        for (const { dueAt, overdueSince } of waiting) expect(overdueSince ?? until <= dueAt!).toBeTruthy();
      }),
      { numRuns: 500 },
    );
  });
});

function inBerlin(at: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Berlin',
    ...({ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const),
  }).formatToParts(new Date(at));
  const { weekday, day, month, hour, minute } = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${weekday} ${day} ${month} ${hour}:${minute}`;
}
