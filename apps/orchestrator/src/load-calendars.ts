import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { compileCalendar, isBeyondKnownHolidays, type Calendar } from '@throughline/process';
import { logger } from '@throughline/telemetry';

const log = logger('calendars');

/** Where this app keeps the calendars it ships. */
const calendarsDirectory = new URL('../calendars/', import.meta.url);

/**
 * Reads and compiles every calendar of a directory, by name.
 * Throws `PROCESS_CALENDAR_INVALID`, which names each path at fault and what to write instead.
 */
export function loadCalendars(directory: URL = calendarsDirectory): Map<string, Calendar> {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  const calendars = files.map((file) => compileCalendar(parse(readFileSync(new URL(file, directory), 'utf8'))));
  return new Map(calendars.map((calendar) => [calendar.name, calendar]));
}

/** What is due in business time is rarely due later than so. */
const NOTICE_MS = 90 * 86_400_000;

/**
 * Tells of calendars whose holidays are soon not known any more; told at every start, because nobody would see it until something is due on
 * a holiday.
 */
export function warnOfEndingCalendars(calendars: Iterable<Calendar>, now: Date): void {
  const soon = new Date(now.getTime() + NOTICE_MS).toISOString();
  for (const calendar of calendars) {
    if (!isBeyondKnownHolidays(soon, calendar)) continue;
    const { name, knownUntil } = calendar;
    log.warn(
      { calendar: name, knownUntil },
      'due times after this day may fall on holidays: list those of the next years, and move holidays-known-until',
    );
  }
}
