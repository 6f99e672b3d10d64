import type { Calendar } from '../calendar.js';
import type { Contracts } from '../contracts.js';
import type { Definition } from '../definition.js';
import { isBusiness, type Duration } from '../duration.js';

/** The calendar by which the business durations are counted; without a name there must be none of them. */
export function findCalendar(
  definition: Definition,
  { calendars }: Contracts,
  problems: string[],
): Calendar | undefined {
  const calendar = definition.calendar === undefined ? undefined : calendars?.get(definition.calendar);
  if (definition.calendar !== undefined && !calendar) {
    const known = [...(calendars?.keys() ?? [])].join(', ') || 'none';
    problems.push(`calendar: there is no business calendar "${definition.calendar}"; known: ${known}`);
  }
  if (definition.calendar !== undefined) return calendar;
  const durations: [string, Duration | undefined][] = [['sla', definition.sla]];
  for (const [name, step] of Object.entries(definition.steps)) {
    durations.push([`steps.${name}.timeout`, step.timeout], [`steps.${name}.sla`, step.sla]);
    durations.push([`steps.${name}.due`, step.due], [`steps.${name}.retry.every`, step.retry?.every]);
    if (typeof step.compensation === 'object')
      durations.push([`steps.${name}.compensation.timeout`, step.compensation.timeout]);
  }
  for (const [path, duration] of durations)
    if (duration && isBusiness(duration))
      problems.push(`${path}: is in business time; say by which calendar with "calendar: <name>" at the top`);
  return undefined;
}
