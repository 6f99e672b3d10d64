import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { compileCalendar, isBeyondKnownHolidays, type Calendar } from '@throughline/process';
import { logger } from '@throughline/telemetry';

const log = logger('calendars');

/** Where this app keeps the calendars it ships. */
export const calendarsDirectory = new URL('../calendars/', import.meta.url);

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

/** Calendars whose holidays are soon not known any more: what is due after that could come out too early. */
export function endingCalendars(calendars: Iterable<Calendar>, now: Date): Calendar[] {
  const soon = new Date(now.getTime() + NOTICE_MS).toISOString();
  return [...calendars].filter((calendar) => isBeyondKnownHolidays(soon, calendar));
}

/** Told at every start, because nobody would see it until something is due on a holiday. */
export function warnOfEndingCalendars(calendars: Iterable<Calendar>, now: Date): void {
  for (const { name, knownUntil } of endingCalendars(calendars, now)) {
    log.warn(
      { calendar: name, knownUntil },
      'due times after this day may fall on holidays: list those of the next years, and move holidays-known-until',
    );
  }
}
