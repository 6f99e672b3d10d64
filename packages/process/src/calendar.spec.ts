import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { office } from '../fixtures/delivery.js';
import { addDuration, compileCalendar, isBeyondKnownHolidays, type Calendar } from './calendar.js';
import { parseDuration } from './duration.js';

/** Works through the night, so that daylight saving falls into its hours; as a text of hours it is closed on Sunday evening. */
const night = {
  calendar: 'night',
  'time-zone': 'Europe/Berlin',
  hours: {
    monday: '00:00-06:00, 22:00-24:00',
    wednesday: '01:30-02:15, 02:30-24:00',
    saturday: '22:00-24:00',
    sunday: '00:00-02:30, 02:45-06:00',
  },
  'holidays-known-until': '2028-12-31',
};
const compiled = compileCalendar(office);

/** Local times in, local times out, read in Berlin. */
const due = (from: string, duration: string, calendar: Calendar = compiled) =>
  local(addDuration(instant(from), parseDuration(duration)!, calendar));

describe('business hours', () => {
  it.each([
    ['within a day', '2026-11-23 10:00', '1 business hour', 'Mon 2026-11-23 11:00'],
    ['over the break', '2026-11-23 11:00', '1.5 business hours', 'Mon 2026-11-23 13:30'],
    ['over night', '2026-11-23 16:00', '2 business hours', 'Tue 2026-11-24 10:00'],
    ['over a weekend', '2026-11-27 13:00', '2 business hours', 'Mon 2026-11-30 10:00'],
    ['used up at closing, due at closing', '2026-11-23 16:00', '1 business hour', 'Mon 2026-11-23 17:00'],
    ['used up at the break, due at the break', '2026-11-23 11:00', '1 business hour', 'Mon 2026-11-23 12:00'],
    ['from before opening', '2026-11-23 06:00', '1 business hour', 'Mon 2026-11-23 10:00'],
    ['from the moment of closing', '2026-11-23 17:00', '1 business hour', 'Tue 2026-11-24 10:00'],
    ['from within the break', '2026-11-23 12:30', '1 business hour', 'Mon 2026-11-23 14:00'],
    ['from a Sunday', '2026-11-22 15:00', '4 business hours', 'Mon 2026-11-23 14:00'],
    ['over a half day and holidays', '2026-12-23 16:00', '5 business hours', 'Mon 2026-12-28 10:00'],
    ['over Easter', '2027-03-25 16:00', '2 business hours', 'Tue 2027-03-30 10:00'],
    ['over the last Monday in May', '2027-05-28 13:00', '2 business hours', 'Tue 2027-06-01 10:00'],
    ['over a dated holiday', '2027-06-29 16:00', '2 business hours', 'Thu 2027-07-01 10:00'],
    ['over the start of summer time', '2027-03-24 16:30', '1 business hour', 'Thu 2027-03-25 09:30'],
    ['over the end of summer time', '2026-10-23 13:30', '1 business hour', 'Mon 2026-10-26 09:30'],
  ])('%s', (_, from, duration, expected) => expect(due(from, duration)).toBe(expected));

  it('are as long as they are worked where daylight saving falls into them', () => {
    const nights = compileCalendar(night);
    // On 28 March 2027 the clock goes from 02:00 to 03:00, on 31 October from 03:00 back to 02:00.
    expect(due('2027-03-28 01:00', '2 business hours', nights)).toBe('Sun 2027-03-28 04:00');
    expect(due('2027-10-31 01:00', '2 business hours', nights)).toBe('Sun 2027-10-31 02:15');
  });
});

describe('business days', () => {
  it.each([
    ['same local time', '2026-11-23 10:15', '1 business day', 'Tue 2026-11-24 10:15'],
    ['over a weekend', '2026-11-26 10:15', '2 business days', 'Mon 2026-11-30 10:15'],
    ['over holidays', '2026-12-23 10:15', '2 business days', 'Mon 2026-12-28 10:15'],
    ['onto a half day: its closing', '2026-12-23 15:00', '1 business day', 'Thu 2026-12-24 12:00'],
    ['onto a shorter day: its closing', '2026-11-26 16:00', '1 business day', 'Fri 2026-11-27 14:00'],
    ['from a weekend: from Monday on', '2026-11-21 10:15', '1 business day', 'Tue 2026-11-24 09:00'],
    ['from after closing: from the next day on', '2026-11-23 18:00', '1 business day', 'Wed 2026-11-25 09:00'],
    ['from before opening', '2026-11-23 07:00', '1 business day', 'Tue 2026-11-24 09:00'],
    ['from the moment of closing', '2026-11-23 17:00', '1 business day', 'Wed 2026-11-25 09:00'],
    ['from within the break', '2026-11-23 12:30', '1 business day', 'Tue 2026-11-24 13:00'],
    ['over the start of summer time', '2027-03-25 10:15', '1 business day', 'Tue 2027-03-30 10:15'],
    ['over the end of summer time', '2026-10-23 10:15', '1 business day', 'Mon 2026-10-26 10:15'],
    ['over a year', '2026-11-23 10:15', '250 business days', 'Mon 2027-11-15 10:15'],
  ])('%s', (_, from, duration, expected) => expect(due(from, duration)).toBe(expected));

  it('at the opening of a break are due after it, and before the opening at the opening', () => {
    const changing = compileCalendar({
      ...office,
      hours: { monday: '08:00-17:00', tuesday: '10:00-12:00, 13:00-17:00' },
    });
    expect(due('2026-11-23 12:30', '1 business day', changing)).toBe('Tue 2026-11-24 13:00');
    expect(due('2026-11-23 08:30', '1 business day', changing)).toBe('Tue 2026-11-24 10:00');
  });
});

it('elapsed time runs by the clock alone', () => {
  expect(addDuration('2026-11-21T10:00:00.000Z', { ms: 86_400_000 }, undefined)).toBe('2026-11-22T10:00:00.000Z');
});

it('business time without a calendar is refused, with the way out', () => {
  expect(() => addDuration('2026-11-21T10:00:00.000Z', { businessDays: 1 }, undefined)).toThrow(
    expect.objectContaining({ code: 'PROCESS_CALENDAR_MISSING', message: expect.stringContaining('"calendar"') }),
  );
});

it('says of which due times it may not know the holidays', () => {
  expect(isBeyondKnownHolidays('2028-12-31T22:59:59.999Z', compiled)).toBe(false);
  expect(isBeyondKnownHolidays('2028-12-31T23:00:00.000Z', compiled)).toBe(true);
});

describe('any calendar', () => {
  const clockTimes = fc
    .uniqueArray(fc.integer({ min: 0, max: 96 }), { minLength: 2, maxLength: 6 })
    .map((quarters) => quarters.toSorted((a, b) => a - b))
    .map((sorted) => sorted.slice(0, sorted.length - (sorted.length % 2)));
  const hoursText = clockTimes.map((quarters) =>
    Array.from(
      { length: quarters.length / 2 },
      (_, n) => `${text(quarters[n * 2]!)}-${text(quarters[n * 2 + 1]!)}`,
    ).join(', '),
  );
  const text = (quarter: number): string =>
    `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`;
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const anyCalendar = fc.record({
    calendar: fc.constant('any'),
    'time-zone': fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'America/Havana',
      'Asia/Kathmandu',
    ),
    hours: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...days), hoursText), { minLength: 1, selector: ([day]) => day })
      .map((entries) => Object.fromEntries(entries)),
    'holidays-known-until': fc.constant('2028-12-31'),
    holidays: fc.array(
      fc
        .constantFrom('2027-03-14', '2027-04-04', '2026-11-01', '2026-10-26', 'first Monday in April')
        .map((on) => ({ name: 'a holiday', on })),
      { maxLength: 3 },
    ),
    'half-days': fc.array(
      fc.record({
        name: fc.constant('half'),
        on: fc.constantFrom('2027-03-28', '2026-10-25', '1 November'),
        hours: hoursText,
      }),
      { maxLength: 2 },
    ),
  });
  /** Around the days on which these zones change their clocks, to the minute. */
  const anyMoment = fc
    .tuple(
      fc.constantFrom(
        '2026-10-23T00:00Z',
        '2026-10-30T00:00Z',
        '2027-03-12T00:00Z',
        '2027-03-26T00:00Z',
        '2027-04-02T00:00Z',
      ),
      fc.integer({ min: 0, max: 5 * 1_440 }),
    )
    .map(([start, minutes]) => new Date(Date.parse(start) + minutes * 60_000).toISOString());
  const anyMinutes = fc.integer({ min: 1, max: 20 * 60 });
  const anyDuration = fc.oneof(
    anyMinutes.map((minutes) => ({ businessHours: minutes / 60 })),
    fc.integer({ min: 1, max: 5 }).map((businessDays) => ({ businessDays })),
  );

  it('agrees with a count of minutes', () => {
    fc.assert(
      fc.property(anyCalendar, anyMoment, anyMinutes, (data, at, minutes) => {
        expect(addDuration(at, { businessHours: minutes / 60 }, compileCalendar(data))).toBe(
          countMinutes(data, at, minutes),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('never is due earlier for who begins later', () => {
    fc.assert(
      fc.property(
        anyCalendar,
        anyMoment,
        fc.integer({ min: 0, max: 3_000 }),
        anyDuration,
        (data, at, minutes, duration) => {
          const calendar = compileCalendar(data);
          const later = new Date(Date.parse(at) + minutes * 60_000).toISOString();
          expect(addDuration(later, duration, calendar) >= addDuration(at, duration, calendar)).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('adds hours to hours', () => {
    fc.assert(
      fc.property(anyCalendar, anyMoment, anyMinutes, anyMinutes, (data, at, first, second) => {
        const calendar = compileCalendar(data);
        const inTwo = addDuration(
          addDuration(at, { businessHours: first / 60 }, calendar),
          { businessHours: second / 60 },
          calendar,
        );
        expect(inTwo).toBe(addDuration(at, { businessHours: (first + second) / 60 }, calendar));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is due within working time or at a closing, and after the beginning', () => {
    fc.assert(
      fc.property(anyCalendar, anyMoment, anyDuration, (data, at, duration) => {
        const dueAt = addDuration(at, duration, compileCalendar(data));
        const isWorking = workingMinutes(data);
        expect([0, 60_000].some((agoMs) => isWorking(Date.parse(dueAt) - agoMs))).toBe(true);
        expect(dueAt > at).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  /** The same by brute force and another source of local time. */
  function countMinutes(data: Written, at: string, minutes: number): string {
    const isWorking = workingMinutes(data);
    let ms = Date.parse(at);
    for (let left = minutes; left > 0; ms += 60_000) if (isWorking(ms)) left -= 1;
    return new Date(ms).toISOString();
  }
});

describe('a calendar that cannot be', () => {
  it.each<[string, object, string]>([
    ['no zone', { 'time-zone': 'Berlin' }, 'time-zone: must be a time zone of the IANA database'],
    ['no hours', { hours: {} }, 'hours: must open on one weekday at least'],
    [
      'hours over midnight',
      { hours: { monday: '22:00-06:00' } },
      'hours.monday: "22:00-06:00" closes before it opens; where work goes on past midnight, close at 24:00',
    ],
    [
      'overlapping hours',
      { hours: { monday: '09:00-12:00, 11:00-17:00' } },
      'hours.monday: "09:00-12:00, 11:00-17:00" opens again before',
    ],
    ['hours without a break', { hours: { monday: '09:00-12:00, 12:00-17:00' } }, 'opens again before'],
    [
      'hours that are none',
      { hours: { monday: '9-17' } },
      'hours.monday: must be opening and closing times, for example',
    ],
    ['a misspelt weekday', { hours: { mondy: '09:00-17:00' } }, 'hours.mondy: no such setting'],
    [
      'a misspelt setting',
      { holiday: [] },
      'holiday: no such setting; remove it or correct its spelling; did you mean "holidays"?',
    ],
    ['an empty list of days', { holidays: [{ name: 'none', on: [] }] }, 'holidays.0.on: must not be empty'],
    [
      'a day that no year has',
      { holidays: [{ name: 'x', on: '31 November' }] },
      'holidays.0.on: there is no 31 November',
    ],
    [
      'a date that there is not',
      { holidays: [{ name: 'x', on: ['2027-02-28', '2027-02-29'] }] },
      'holidays.0.on: there is no 2027-02-29',
    ],
    [
      'a rule that is none',
      { holidays: [{ name: 'x', on: 'Thanksgiving' }] },
      'holidays.0.on: must be a date ("2027-06-18")',
    ],
    ['a half day without hours', { 'half-days': [{ name: 'x', on: '24 December' }] }, 'half-days.0.hours: is missing'],
    ['no end of knowledge', { 'holidays-known-until': undefined }, 'holidays-known-until: is missing'],
    ['an end that is no date', { 'holidays-known-until': '2027-02-29' }, 'holidays-known-until: 2027-02-29 is no date'],
    [
      'a year full of holidays',
      { holidays: Array.from({ length: 60 }, () => ({ name: 'x', on: '24 December' })) },
      'holidays: 60 return every year',
    ],
  ])('%s', (_, change, problem) => {
    expect(() => compileCalendar({ ...office, ...change })).toThrow(
      expect.objectContaining({ code: 'PROCESS_CALENDAR_INVALID', message: expect.stringContaining(problem) }),
    );
  });

  it('is told with all its problems at once', () => {
    const broken = {
      ...office,
      'time-zone': 'Berlin',
      hours: { monday: '9-17' },
      holidays: [{ name: '', on: 'soon' }],
    };
    expect(() => compileCalendar(broken)).toThrow(
      /time-zone: .*\n.*hours\.monday: .*\n.*holidays\.0\.name: .*\n.*holidays\.0\.on: /,
    );
  });
});

interface Written {
  'time-zone': string;
  hours: Record<string, string>;
  holidays: { on: string }[];
  'half-days': { on: string; hours: string }[];
}

const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;

/** Whether the minute that begins at a moment is worked: the clock has shown an opening of the day, and not yet its closing. */
function workingMinutes(data: Written): (ms: number) => boolean {
  const hours = new Map<number, [number, number][]>();
  return (ms) => {
    const shown = furthestShown(data['time-zone'], ms);
    const day = Math.floor(shown / DAY_MS);
    if (!hours.has(day)) hours.set(day, hoursOn(data, new Date(day * DAY_MS).toISOString().slice(0, 10)));
    const minute = (shown - day * DAY_MS) / 60_000;
    return hours.get(day)!.some(([open, close]) => open <= minute && minute < close);
  };
}

/** What a clock on the wall has shown by then, from Intl and not from the library under test, as if it were UTC. */
function furthestShown(zone: string, ms: number): number {
  const quarter = Math.floor(ms / QUARTER_MS);
  const known = (shownBy[zone] ??= new Map<number, { offset: number; before: number }>());
  let by = known.get(quarter);
  if (!by) {
    // No clock goes back by more than an hour, and none jumps within a quarter of an hour: at its end it shows the time after the jump.
    const before = [1, 2, 3, 4, 5].map((ago) => (quarter - ago + 1) * QUARTER_MS - 1 + offsetOf(zone, quarter - ago));
    known.set(quarter, (by = { offset: offsetOf(zone, quarter), before: Math.max(...before) }));
  }
  return Math.max(ms + by.offset, by.before);
}

const shownBy: Record<string, Map<number, { offset: number; before: number }>> = {};
const formats = new Map<string, Intl.DateTimeFormat>();

function offsetOf(zone: string, quarter: number): number {
  const ms = quarter * QUARTER_MS;
  return Date.parse(`${shownIn(zone, ms).slice(4).replace(' ', 'T')}:00Z`) - ms;
}

/** `Mon 2026-11-23 11:00` */
function shownIn(zone: string, ms: number): string {
  let format = formats.get(zone);
  if (!format) {
    const [numeric, twoDigits] = ['numeric', '2-digit'] as const;
    const date = { weekday: 'short', year: numeric, month: twoDigits, day: twoDigits } as const;
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      hour: twoDigits,
      minute: twoDigits,
      ...date,
    });
    formats.set(zone, format);
  }
  const { weekday, year, month, day, hour, minute } = Object.fromEntries(
    format.formatToParts(ms).map(({ type, value }) => [type, value]),
  );
  return `${weekday} ${year}-${month}-${day} ${hour}:${minute}`;
}

const local = (at: string): string => shownIn('Europe/Berlin', Date.parse(at));

/** The first moment at which the clock in Berlin shows it. */
function instant(localTime: string): string {
  const [summer, winter] = [2, 1].map((hours) => Date.parse(`${localTime.replace(' ', 'T')}Z`) - hours * 3_600_000);
  return new Date(local(new Date(summer!).toISOString()).endsWith(localTime) ? summer! : winter!).toISOString();
}

function hoursOn({ hours, holidays, ...written }: Written, date: string): [number, number][] {
  const weekday = new Intl.DateTimeFormat('en-US', { weekday: 'long', timeZone: 'UTC' }).format(new Date(date));
  const isOn = (on: string): boolean =>
    on === date ||
    (on === '1 November' && date.endsWith('-11-01')) ||
    (on === 'first Monday in April' && weekday === 'Monday' && /-04-0[1-7]$/.test(date));
  const usual = hours[weekday.toLowerCase()];
  if (!usual || holidays.some(({ on }) => isOn(on))) return [];
  const text = written['half-days'].findLast(({ on }) => isOn(on))?.hours ?? usual;
  return [...text.matchAll(/(\d\d):(\d\d)-(\d\d):(\d\d)/g)].map(([, ...parts]) => {
    const [a, b, c, d] = parts.map(Number) as [number, number, number, number];
    return [a * 60 + b, c * 60 + d];
  });
}
