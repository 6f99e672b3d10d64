import { nameIn, problemsOf, ruleName } from '@throughline/rule-form';
import { z } from 'zod';
import type { Duration } from './duration.js';
import { invalidCalendar, ProcessError } from './errors.js';
import { DAY_MS, isTimeZone, remember, TimeZone } from './time-zone.js';

/** From opening to closing; the moment of closing is no working time any more. */
type Interval = readonly [openMs: number, closeMs: number];

/** A compiled calendar: what `addDuration` counts business durations by. */
export interface Calendar {
  name: string;
  timeZone: string;
  /** Last local date of which every holiday is listed; a due time after it may come out too early. */
  knownUntil: string;
  /** The moments at which a day opens and closes, in order; days are counted from 1970-01-01. */
  hoursOf: (day: number) => readonly Interval[];
  zone: TimeZone;
}

const HOUR_MS = 3_600_000;
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  ...['january', 'february', 'march', 'april', 'may', 'june'],
  ...['july', 'august', 'september', 'october', 'november', 'december'],
];
const NTH = ['first', 'second', 'third', 'fourth', 'last'];
/** A weekday comes 52 times a year: with fewer holidays that return, there is always a next working day to find. */
const YEARLY_AT_MOST = 50;

const capitalised = (words: string[]): string => words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('|');
const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const interval = `${clock}-(?:${clock}|24:00)`;
const date = /^\d{4}-\d{2}-\d{2}$/;
const dayOfYear = new RegExp(`^(\\d{1,2}) (${capitalised(MONTHS)})$`);
const nthWeekday = new RegExp(`^(${NTH.join('|')}) (${capitalised(WEEKDAYS)}) in (${capitalised(MONTHS)})$`);
// Easter is never before 22 March: within these days it stays in its year.
const byEaster = /^(?:([1-9]|[1-7]\d) days? (before|after) )?Easter$/;

const hours = z.string().regex(new RegExp(`^${interval}(?:, ${interval})*$`), {
  error: 'must be opening and closing times, for example "09:00-12:30, 13:30-18:00"',
});
const whenIs =
  'must be a date ("2027-06-18"), a day of every year ("24 December", "last Monday in August"), a day by Easter ("2 days before Easter"), or a list of these';
const when = z
  .string()
  .regex(new RegExp([date, dayOfYear, nthWeekday, byEaster].map(({ source }) => source).join('|')), {
    error: whenIs,
  });
const on = z.union([when, z.array(when).min(1)], { error: whenIs });
const name = z.string().min(1);

const schema = z.strictObject({
  calendar: ruleName('head-office').describe('The name by which processes and policies mean it.'),
  description: z.string().optional(),
  'time-zone': z
    .string()
    .refine(isTimeZone, { error: 'must be a time zone of the IANA database, for example "Europe/Berlin"' })
    .describe('A time zone of the IANA database, for example Europe/Berlin.'),
  hours: z
    .strictObject({
      monday: hours.optional(),
      tuesday: hours.optional(),
      wednesday: hours.optional(),
      thursday: hours.optional(),
      friday: hours.optional(),
      saturday: hours.optional(),
      sunday: hours.optional(),
    })
    .refine((week) => Object.keys(week).length > 0, { error: 'must open on one weekday at least' })
    .describe('Working hours by weekday, for example "09:00-12:30, 13:30-18:00". A day that is not named is closed.'),
  'holidays-known-until': z
    .string()
    .regex(date, { error: 'must be a date, for example "2028-12-31"' })
    .describe('The last day of which every holiday is listed; due times after it are warned of.'),
  holidays: z
    .array(z.strictObject({ name, on: on.describe('When it is; every year, unless it is a date with a year.') }))
    .default([])
    .describe('Days without work.'),
  'half-days': z
    .array(z.strictObject({ name, on, hours }))
    .default([])
    .describe('Days with hours of their own. They open no day that is closed, and a holiday on the same day wins.'),
});

/** The JSON Schema of a calendar file, for editors. What only a look at the dates can tell, `compileCalendar` checks. */
export const calendarJsonSchema = (): object => z.toJSONSchema(schema, { io: 'input' });

/**
 * Checks a calendar read from YAML or JSON and makes it ready to count by.
 * Throws `PROCESS_CALENDAR_INVALID` with every problem, each with its path.
 */
export function compileCalendar(data: unknown): Calendar {
  const parsed = schema.safeParse(data);
  const title = nameIn(data, 'calendar');
  const settingsAt = (path: PropertyKey[]): string[] => (path.length === 0 ? Object.keys(schema.shape) : []);
  if (!parsed.success) throw invalidCalendar(title, problemsOf(parsed.error.issues, settingsAt));

  const problems: string[] = [];
  const written = parsed.data;
  const week = WEEKDAYS.map((day) =>
    readHours(`hours.${day}`, written.hours[day as keyof typeof written.hours], problems),
  );
  const holidays = written.holidays.flatMap((holiday, index) =>
    readRules(`holidays.${index}.on`, holiday.on, problems),
  );
  const halfDays = written['half-days'].flatMap((half, index) => {
    const open = readHours(`half-days.${index}.hours`, half.hours, problems);
    return readRules(`half-days.${index}.on`, half.on, problems).map((rule) => ({ rule, open }));
  });
  const knownUntil = written['holidays-known-until'];
  if (dayOf(knownUntil) === undefined) problems.push(`holidays-known-until: ${knownUntil} is no date; correct the day`);
  const yearly = holidays.filter((rule) => rule(2028) !== undefined && rule(2032) !== undefined).length;
  if (yearly > YEARLY_AT_MOST)
    problems.push(
      `holidays: ${yearly} return every year; list at most ${YEARLY_AT_MOST}, and close weekdays under "hours"`,
    );
  if (problems.length > 0) throw invalidCalendar(title, problems);

  const zone = new TimeZone(written['time-zone']);
  const yearOf = remember((year: number) => ({
    closed: new Set(holidays.map((rule) => rule(year))),
    halved: new Map(halfDays.map(({ rule, open }) => [rule(year), open])),
  }));
  const hoursOf = remember((day: number): Interval[] => {
    const usual = week[new Date(day * DAY_MS).getUTCDay()]!;
    const { closed, halved } = yearOf(new Date(day * DAY_MS).getUTCFullYear());
    if (usual.length === 0 || closed.has(day)) return [];
    return (halved.get(day) ?? usual)
      .map(([open, close]): Interval => [zone.momentOf(day * DAY_MS + open), zone.momentOf(day * DAY_MS + close)])
      .filter(([open, close]) => open < close);
  });
  return { name: written.calendar, timeZone: zone.name, knownUntil, hoursOf, zone };
}

/**
 * When something that begins now is due, as ISO 8601 in UTC with milliseconds.
 *
 * Elapsed time is added to the clock. Business time begins at `at`, or at the next opening where `at` is no working time
 * (ISDA's "following" convention for days, which help desks use for hours too).
 * - Business hours are hours that are worked: only time between opening and closing counts. What is used up at the very moment of
 *   closing is due then, not at the next opening. An hour that daylight saving repeats or skips within working hours is worked
 *   twice or not at all.
 * - Business days lead to the same local time so many working days later. Where that day is closed by then it is due at its last
 *   closing, so that a half day never costs a day; where it is not open yet, or has its break, at the next opening of that day.
 *
 * A due time is therefore always working time or the moment of a closing.
 */
export function addDuration(at: string, duration: Duration, calendar: Calendar | undefined): string {
  const atMs = Date.parse(at);
  if ('ms' in duration) return new Date(atMs + duration.ms).toISOString();
  if (!calendar) {
    // The compiler of the definition refuses this, so a caller has lost the calendar on the way.
    throw new ProcessError(
      'PROCESS_CALENDAR_MISSING',
      `${JSON.stringify(duration)} can only be counted by a calendar; name one under "calendar" in the definition`,
    );
  }
  const dueMs =
    'businessHours' in duration
      ? afterHours(calendar, atMs, Math.round(duration.businessHours * HOUR_MS))
      : afterDays(calendar, atMs, duration.businessDays);
  return new Date(dueMs).toISOString();
}

/** True when holidays that nobody has listed yet could make this due time too early. */
export function isBeyondKnownHolidays(at: string, { zone, knownUntil }: Calendar): boolean {
  return zone.localOf(Date.parse(at)) >= Date.parse(knownUntil) + DAY_MS;
}

function afterHours({ hoursOf }: Calendar, atMs: number, workMs: number): number {
  let leftMs = workMs;
  for (let day = earliestDayAt(atMs); ; day += 1) {
    for (const [open, close] of hoursOf(day)) {
      const fromMs = Math.max(open, atMs);
      if (fromMs >= close) continue;
      if (leftMs <= close - fromMs) return fromMs + leftMs;
      leftMs -= close - fromMs;
    }
  }
}

function afterDays({ hoursOf, zone }: Calendar, atMs: number, days: number): number {
  let day = earliestDayAt(atMs);
  let first = hoursOf(day).find(([, close]) => close > atMs);
  while (!first) first = hoursOf((day += 1)).find(([, close]) => close > atMs);
  const timeMs = zone.localOf(Math.max(first[0], atMs)) - day * DAY_MS;
  for (let left = days; left > 0;) if (hoursOf((day += 1)).length > 0) left -= 1;
  const dueMs = zone.momentOf(day * DAY_MS + timeMs);
  const open = hoursOf(day);
  const [opening, closing] = open.find(([, close]) => dueMs <= close) ?? open.at(-1)!;
  return Math.min(Math.max(dueMs, opening), closing);
}

/** No place is a day behind UTC. */
const earliestDayAt = (ms: number): number => Math.floor(ms / DAY_MS) - 1;

/** Hours as they are written, in milliseconds since midnight by the wall clock. */
function readHours(path: string, text: string | undefined, problems: string[]): Interval[] {
  const intervals = (text?.split(', ') ?? []).map((part): Interval => {
    const [open, close] = part.split('-').map((time) => {
      const [hour, minute] = time.split(':').map(Number) as [number, number];
      return hour * HOUR_MS + minute * 60_000;
    });
    return [open!, close!];
  });
  for (const [index, [open, close]] of intervals.entries()) {
    if (close <= open)
      problems.push(
        `${path}: "${text}" closes before it opens; where work goes on past midnight, close at 24:00 and open the next day at 00:00`,
      );
    else if (open <= (intervals[index - 1]?.[1] ?? -1))
      problems.push(
        `${path}: "${text}" opens again before it has closed; write the times in order, each with a break before it`,
      );
  }
  return intervals;
}

/** The day of a year that a rule means, counted from 1970-01-01; undefined in years that have none. */
type Rule = (year: number) => number | undefined;

function readRules(path: string, written: string | string[], problems: string[]): Rule[] {
  return [written].flat().map((text) => {
    const rule = readRule(text);
    // 2028 is a leap year: it has every day that any year has.
    if (rule(date.test(text) ? Number(text.slice(0, 4)) : 2028) === undefined)
      problems.push(`${path}: there is no ${text}; correct the day`);
    return rule;
  });
}

function readRule(text: string): Rule {
  const [, dayText, month] = dayOfYear.exec(text) ?? [];
  if (month) return (year) => dayOfParts(year, indexOf(MONTHS, month), Number(dayText));
  const [, nth, weekday, ofMonth] = nthWeekday.exec(text) ?? [];
  if (nth)
    return (year) => nthWeekdayOf(year, indexOf(MONTHS, ofMonth!), indexOf(WEEKDAYS, weekday!), NTH.indexOf(nth));
  const easter = byEaster.exec(text);
  const [, days = '0', direction] = easter ?? [];
  if (easter) return (year) => easterOf(year) + (direction === 'before' ? -1 : 1) * Number(days);
  return (year) => (year === Number(text.slice(0, 4)) ? dayOf(text) : undefined);
}

const indexOf = (words: string[], word: string): number => words.indexOf(word.toLowerCase());

function dayOf(text: string): number | undefined {
  const [year, month, day] = text.split('-').map(Number) as [number, number, number];
  return dayOfParts(year, month - 1, day);
}

/** Undefined for a date that there is not, such as 30 February. */
function dayOfParts(year: number, month: number, day: number): number | undefined {
  const moment = new Date(Date.UTC(year, month, day));
  return moment.getUTCMonth() === month && moment.getUTCDate() === day ? moment.getTime() / DAY_MS : undefined;
}

/** @param nth from 0; 4 is the last one */
function nthWeekdayOf(year: number, month: number, weekday: number, nth: number): number {
  const first = Date.UTC(year, month, 1) / DAY_MS;
  const length = Date.UTC(year, month + 1, 1) / DAY_MS - first;
  const offset = (weekday - new Date(first * DAY_MS).getUTCDay() + 7) % 7;
  return nth < 4 ? first + offset + nth * 7 : first + offset + Math.floor((length - 1 - offset) / 7) * 7;
}

/** Sunday of the western Easter, by the "anonymous Gregorian" computus (Meeus, Astronomical Algorithms, chapter 8). */
function easterOf(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - Math.floor(b / 4) - g + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const sum = h + l - 7 * m + 114;
  return Date.UTC(year, Math.floor(sum / 31) - 1, (sum % 31) + 1) / DAY_MS;
}
