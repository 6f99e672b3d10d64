import { PolicyError } from './errors.js';

const DAY_MS = 86_400_000;

/** A day of the calendar, without a time and a zone. */
export class Day {
  private constructor(private readonly number: number) {}

  /** Reads `2027-01-31`. */
  static parse(text: string): Day {
    const instant = Date.parse(text);
    const day = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(instant) ? new Day(instant / DAY_MS) : undefined;
    if (day?.toString() === text) return day;
    throw new PolicyError('POLICY_AMOUNT_INVALID', `"${text}" is not a day; write it as in 2027-01-31.`);
  }

  compare(other: Day): number {
    return this.number - other.number;
  }

  toString(): string {
    return new Date(this.number * DAY_MS).toISOString().slice(0, 10);
  }

  /** Days from this one to the last, both counted: a single day is 1. */
  daysTo(last: Day): number {
    return last.number - this.number + 1;
  }

  /** Months begun from this day to the last, both counted: 1 January to 31 December are 12, one day more makes 13. */
  monthsTo(last: Day): number {
    if (last.number < this.number) return 0;
    const [first, end] = [this, last].map((day) => new Date(day.number * DAY_MS)) as [Date, Date];
    const months = (end.getUTCFullYear() - first.getUTCFullYear()) * 12 + end.getUTCMonth() - first.getUTCMonth();
    return end.getUTCDate() >= first.getUTCDate() ? months + 1 : Math.max(months, 1);
  }
}
