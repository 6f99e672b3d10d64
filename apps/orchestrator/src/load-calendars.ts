import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { compileCalendar, type Calendar } from '@throughline/process';

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
