import { describe, expect, it } from '@jest/globals';
import { compareMoney, fromMinorUnits, isExpressible, sumMoney, toMinorUnits } from '@throughline/contracts';
import fc from 'fast-check';
import { reversalsOf, standingEntries, type Ledger, type LedgerAddition, type LedgerEntry } from './ledger.js';
import { planRecognitionStart } from './plan-recognition-start.js';
import { planReduction } from './plan-reduction.js';
import { planStraightLine, type ScheduleRefusal, type ServicePeriod } from './plan-straight-line.js';

const recordedAt = '2028-01-01T00:00:00.000Z';
const ids = { scheduleId: 's', orderId: 'o', invoiceId: 'i', opportunityId: 'd', occurrence: 1, correlationId: 'c' };

/** A ledger as RecordRevenueSchedule leaves it. */
function recorded(period: ServicePeriod): Ledger {
  const plan = planStraightLine(period);
  if (!Array.isArray(plan)) throw new Error(plan.reason);
  const schedule = {
    ...ids,
    ...period,
    remainingAmount: period.totalAmount,
    recognisedFrom: null,
    planVersion: 1,
    entryCount: plan.length,
    recordedAt,
    reversedAt: null,
  };
  const entries = plan.map((entry): LedgerEntry => ({
    ...entry,
    kind: 'recognition',
    planVersion: 1,
    reason: 'recorded',
  }));
  return { schedule, entries, changes: [] };
}

function added(ledger: Ledger, addition: LedgerAddition | ScheduleRefusal | undefined): Ledger {
  if (!addition) return ledger;
  if ('reason' in addition) throw new Error(`${addition.reason}: ${addition.message}`);
  const { schedule, entries, change } = addition;
  return { schedule, entries: [...ledger.entries, ...entries], changes: [...ledger.changes, change] };
}
const ship = (ledger: Ledger, day: string, fulfilmentId = `ship ${day}`) =>
  added(ledger, planRecognitionStart(ledger, { fulfilmentId, shippedAt: `${day}T23:59:59.999Z` }, recordedAt));
const reduction = (ledger: Ledger, day: string, amount: string, creditNoteId = `credit ${day}`) =>
  planReduction(
    ledger,
    { creditNoteId, currency: ledger.schedule.currency, amount, issuedAt: `${day}T00:00:00.000Z` },
    recordedAt,
  );
const credit = (ledger: Ledger, day: string, amount: string, creditNoteId?: string) =>
  added(ledger, reduction(ledger, day, amount, creditNoteId));

const lines = (entries: LedgerEntry[]) => entries.map(({ recognisedOn, amount }) => `${recognisedOn} ${amount}`);
const plan = (ledger: Ledger) => lines(standingEntries(ledger.entries));
const sum = (entries: LedgerEntry[]) => sumMoney(entries.map(({ amount }) => amount));
/** What is booked for each day, all versions together. */
function byDay(ledger: Ledger): Record<string, string> {
  const days = [...new Set(ledger.entries.map(({ recognisedOn }) => recognisedOn))].sort();
  return Object.fromEntries(
    days.map((day) => [day, sum(ledger.entries.filter(({ recognisedOn }) => recognisedOn === day))]),
  );
}

// 15 January to 14 March 2028: 17 + 29 + 14 = 60 days, the leap day among them.
const contract = { totalAmount: '6000.0000', currency: 'USD', serviceStart: '2028-01-15', serviceEnd: '2028-03-14' };

describe('a shipment', () => {
  it.each(['2027-12-01', '2028-01-15'])('on %s, not after the planned start, leaves the plan as it is', (day) => {
    const ledger = ship(recorded(contract), day);
    expect(ledger.schedule).toMatchObject({ recognisedFrom: '2028-01-15', planVersion: 1 });
    expect(ledger.changes).toMatchObject([{ kind: 'shipment', effectiveOn: day, planVersion: 1 }]);
    expect(ledger.entries).toEqual(recorded(contract).entries);
  });

  it('after the planned start plans everything anew from its day, and takes back on it what was booked for days before', () => {
    // 10 February to 14 March 2028: 20 + 14 = 34 days.
    const ledger = ship(recorded(contract), '2028-02-10');
    expect(ledger.schedule).toMatchObject({
      recognisedFrom: '2028-02-10',
      planVersion: 2,
      remainingAmount: '6000.0000',
    });
    expect(plan(ledger)).toEqual(['2028-02-29 3529.4100', '2028-03-14 2470.5900']);
    expect(byDay(ledger)).toEqual({
      '2028-01-31': '1700.0000',
      '2028-02-10': '-1700.0000',
      '2028-02-29': '3529.4100',
      '2028-03-14': '2470.5900',
    });
  });

  it('after the service ended recognises all at once on its day', () => {
    const ledger = ship(recorded(contract), '2028-05-20');
    expect(ledger.schedule.recognisedFrom).toBe('2028-05-20');
    expect(plan(ledger)).toEqual(['2028-05-20 6000.0000']);
    expect(byDay(ledger)['2028-05-20']).toBe('0.0000');
  });

  it('that is not the first is recorded and changes nothing', () => {
    const first = ship(recorded(contract), '2028-02-10');
    const second = ship(first, '2028-02-20');
    expect(second.schedule).toEqual(first.schedule);
    expect(second.entries).toEqual(first.entries);
    expect(second.changes).toMatchObject([{ planVersion: 2 }, { effectiveOn: '2028-02-20', planVersion: 2 }]);
  });

  it('that left earlier and is heard of later decides all the same', () => {
    const late = ship(ship(recorded(contract), '2028-02-10'), '2028-02-01');
    expect(late.schedule).toMatchObject({ recognisedFrom: '2028-02-01', planVersion: 3 });
    expect(plan(late)).toEqual(plan(ship(recorded(contract), '2028-02-01')));
    expect(plan(ship(late, '2028-01-02'))).toEqual(plan(recorded(contract)));
  });

  it('after a credit note plans what the schedule still comes to', () => {
    const ledger = ship(credit(recorded(contract), '2028-01-20', '600.0000'), '2028-03-14');
    expect(plan(ledger)).toEqual(['2028-03-14 5400.0000']);
  });

  it('cannot start what was reversed', () => {
    const ledger = recorded(contract);
    const reversed = { ...ledger, schedule: { ...ledger.schedule, reversedAt: recordedAt } };
    expect(planRecognitionStart(reversed, { fulfilmentId: 'f', shippedAt: recordedAt }, recordedAt)).toMatchObject({
      reason: 'schedule-reversed',
    });
  });
});

describe('a credit note', () => {
  it('comes off what is not yet recognised on its day, each entry by the same share', () => {
    // 2900 and 1400 are ahead: a tenth off each.
    const ledger = credit(recorded(contract), '2028-02-10', '430.0000');
    expect(plan(ledger)).toEqual(['2028-01-31 1700.0000', '2028-02-29 2610.0000', '2028-03-14 1260.0000']);
    expect(ledger.schedule).toMatchObject({ remainingAmount: '5570.0000', planVersion: 2 });
  });

  it('counts what is recognised on its day as not yet recognised, and the day before as recognised', () => {
    expect(plan(credit(recorded(contract), '2028-03-14', '100.0000'))).toEqual([
      '2028-01-31 1700.0000',
      '2028-02-29 2900.0000',
      '2028-03-14 1300.0000',
    ]);
    expect(plan(credit(recorded(contract), '2028-03-15', '100.0000')).at(-1)).toBe('2028-03-15 -100.0000');
  });

  it('that exceeds what lies ahead lowers revenue on its day by the rest', () => {
    const ledger = credit(recorded(contract), '2028-02-10', '4500.0000');
    expect(plan(ledger)).toEqual(['2028-01-31 1700.0000', '2028-02-10 -200.0000']);
    expect(byDay(ledger)).toMatchObject({ '2028-02-10': '-200.0000', '2028-02-29': '0.0000', '2028-03-14': '0.0000' });
    expect(standingEntries(ledger.entries).at(-1)).toMatchObject({ kind: 'adjustment', reason: 'credit-note' });
  });

  it('in full leaves nothing, and the next one is refused', () => {
    const ledger = credit(recorded(contract), '2028-02-10', '6000.0000');
    expect(ledger.schedule.remainingAmount).toBe('0.0000');
    expect(sum(ledger.entries)).toBe('0.0000');
    expect(reduction(ledger, '2028-02-11', '0.0100')).toMatchObject({
      reason: 'amount-exceeds-schedule',
      field: 'amount',
    });
  });

  it('leaves alone the entries it is too small to lower', () => {
    const ledger = credit(recorded(contract), '2028-01-01', '0.0100');
    const [january, , march] = recorded(contract).entries;
    expect(standingEntries(ledger.entries)).toEqual([january, expect.objectContaining({ amount: '2899.9900' }), march]);
    expect(ledger.schedule.remainingAmount).toBe('5999.9900');
  });

  it.each([
    ['0.0000', 'USD', 'amount-not-positive', 'amount'],
    ['-1.0000', 'USD', 'amount-not-positive', 'amount'],
    ['0.0010', 'USD', 'amount-not-expressible', 'amount'],
    ['6000.0100', 'USD', 'amount-exceeds-schedule', 'amount'],
    ['1.0000', 'EUR', 'currency-differs', 'currency'],
  ])('over %s %s is refused', (amount, currency, reason, field) => {
    const asked = { creditNoteId: 'n', currency, amount, issuedAt: recordedAt };
    expect(planReduction(recorded(contract), asked, recordedAt)).toMatchObject({ reason, field });
  });

  it('is refused by a reversed schedule, and under an id that took off another amount', () => {
    const ledger = credit(recorded(contract), '2028-02-10', '1.0000', 'n');
    expect(reduction(ledger, '2028-02-10', '2.0000', 'n')).toMatchObject({ reason: 'credit-note-differs' });
    const reversed = { ...ledger, schedule: { ...ledger.schedule, reversedAt: recordedAt } };
    expect(reduction(reversed, '2028-02-10', '1.0000', 'other')).toMatchObject({ reason: 'schedule-reversed' });
  });
});

describe('any sequence of shipments and credit notes', () => {
  const DAY_MS = 86_400_000;
  const toDay = (days: number) => new Date(days * DAY_MS).toISOString().slice(0, 10);
  /** Terms with the leap days of four years around, and changes before, in and after the service. */
  const story = fc
    .record({
      currency: fc.constantFrom('JPY', 'USD', 'KWD'),
      minor: fc.bigInt({ min: 0n, max: 10n ** 12n }),
      first: fc.integer({ min: Date.UTC(2027, 0, 1) / DAY_MS, max: Date.UTC(2029, 0, 1) / DAY_MS }),
      length: fc.integer({ min: 0, max: 800 }),
      changes: fc.array(
        fc.record({
          kind: fc.constantFrom('ship', 'credit'),
          offset: fc.integer({ min: -40, max: 900 }),
          share: fc.bigInt({ min: 1n, max: 1000n }),
        }),
        { minLength: 1, maxLength: 6 },
      ),
    })
    .map(({ currency, minor, first, length, changes }) => ({
      start: recorded({
        totalAmount: fromMinorUnits(minor, currency),
        currency,
        serviceStart: toDay(first),
        serviceEnd: toDay(first + length),
      }),
      changes: changes.map((change, index) => ({ ...change, id: String(index), day: toDay(first + change.offset) })),
    }));
  type Step = { kind: string; id: string; day: string; share: bigint };

  /** A credit note takes a share of what is left, in thousandths; of nothing, none is written. */
  function apply(ledger: Ledger, { kind, id, day, share }: Step): Ledger {
    if (kind === 'ship') return ship(ledger, day, id);
    const { currency, remainingAmount } = ledger.schedule;
    const minor = (toMinorUnits(remainingAmount, currency) * share + 999n) / 1000n;
    return minor === 0n ? ledger : credit(ledger, day, fromMinorUnits(minor, currency), id);
  }
  const property = (holds: (start: Ledger, changes: Step[]) => void) =>
    fc.assert(
      fc.property(story, ({ start, changes }) => holds(start, changes)),
      { numRuns: 300 },
    );
  const versionsOf = ({ schedule }: Ledger) => Array.from({ length: schedule.planVersion }, (_, index) => index + 1);
  const asOf = ({ entries }: Ledger, version: number) => entries.filter(({ planVersion }) => planVersion <= version);

  it('sums exactly: every version of the plan to its total, all entries together to what remains', () => {
    property((start, changes) => {
      const ledger = changes.reduce(apply, start);
      const { totalAmount, remainingAmount } = ledger.schedule;
      const credited = ledger.changes.flatMap(({ amount }) => amount ?? []);
      expect(sumMoney([remainingAmount, ...credited])).toBe(totalAmount);
      expect(sum(ledger.entries)).toBe(remainingAmount);
      for (const version of versionsOf(ledger)) {
        const total =
          ledger.changes.findLast(({ planVersion }) => planVersion === version)?.remainingAmount ?? totalAmount;
        expect(sum(standingEntries(asOf(ledger, version)))).toBe(total);
        expect(sum(asOf(ledger, version))).toBe(total);
      }
    });
  });

  it('adds, and edits nothing; nothing is added for a day before that of the change, or of the start of the service', () => {
    property((start, changes) => {
      changes.reduce((before, change) => {
        const after = apply(before, change);
        expect(after.entries.slice(0, before.entries.length)).toEqual(before.entries);
        const { serviceStart } = start.schedule;
        const bound = change.kind === 'ship' && change.day < serviceStart ? serviceStart : change.day;
        const early = after.entries.slice(before.entries.length).filter(({ recognisedOn }) => recognisedOn < bound);
        expect(early).toEqual([]);
        return after;
      }, start);
    });
  });

  it('takes back each entry at most once and exactly, and has no amount that its kind or currency forbids', () => {
    property((start, changes) => {
      const { entries, schedule } = changes.reduce(apply, start);
      const planned = entries.filter(({ kind }) => kind !== 'reversal');
      const reversals = entries.filter(({ kind }) => kind === 'reversal');
      expect(new Set(planned.map(({ sequence }) => sequence)).size).toBe(planned.length);
      expect(new Set(reversals.map(({ sequence }) => sequence)).size).toBe(reversals.length);
      for (const { sequence, amount, planVersion } of reversals) {
        const taken = planned.find((entry) => entry.sequence === sequence)!;
        expect([sumMoney([taken.amount, amount]), taken.planVersion < planVersion]).toEqual(['0.0000', true]);
      }
      for (const { kind, amount } of planned) {
        expect([
          compareMoney(amount, '0') * (kind === 'adjustment' ? -1 : 1) >= 0,
          isExpressible(amount, schedule.currency),
        ]).toEqual([true, true]);
      }
    });
  });

  it('counts each change once, however often it comes', () => {
    property((start, changes) => {
      const ledger = changes.reduce(apply, start);
      for (const { kind, changeId, effectiveOn, amount } of ledger.changes) {
        const again =
          kind === 'shipment' ? ship(ledger, effectiveOn, changeId) : credit(ledger, effectiveOn, amount!, changeId);
        expect(again).toBe(ledger);
      }
    });
  });

  it('starts with the earliest shipment, in whatever order they are heard of', () => {
    property((start, changes) => {
      const shipments = changes.map((change) => ({ ...change, kind: 'ship' }));
      const days = shipments.map(({ day }) => day).toSorted();
      const { serviceStart } = start.schedule;
      const [one, other] = [shipments.reduce(apply, start), shipments.toReversed().reduce(apply, start)];
      const from = days[0]! > serviceStart ? days[0]! : serviceStart;
      expect([one.schedule.recognisedFrom, other.schedule.recognisedFrom]).toEqual([from, from]);
      expect(plan(one)).toEqual(plan(other));
    });
  });

  it('is reversed to zero, entry by entry, with nothing dated before the reversal', () => {
    property((start, changes) => {
      const { entries } = changes.reduce(apply, start);
      const day = changes[0]!.day;
      const reversal = reversalsOf(standingEntries(entries), day, { planVersion: 99, reason: 'reversed' });
      expect(sum([...entries, ...reversal])).toBe('0.0000');
      expect(reversal.filter(({ recognisedOn }) => recognisedOn < day)).toEqual([]);
      expect(standingEntries([...entries, ...reversal])).toEqual([]);
    });
    const plain = recorded({
      totalAmount: '300.0000',
      currency: 'USD',
      serviceStart: '2026-01-01',
      serviceEnd: '2026-03-31',
    });
    expect(lines(reversalsOf(plain.entries, '2026-02-10', { planVersion: 2, reason: 'reversed' }))).toEqual([
      '2026-02-10 -103.3300',
      '2026-02-28 -93.3400',
      '2026-03-31 -103.3300',
    ]);
  });
});
