const elapsedUnits = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * How long something may take: elapsed time, or time by a business calendar.
 * Milliseconds elapse by the clock, whatever the calendar says; business hours and days are counted by `addDuration`.
 */
export type Duration = { ms: number } | { businessHours: number } | { businessDays: number };

/** What a duration looks like, for messages that have to say it. */
export const durationExamples = '"15 minutes", "1 day", "4 business hours" or "2 business days"';

/**
 * Reads "15 minutes", "1.5 hours", "1 day", "4 business hours", "30 business minutes", "2 business days"; undefined when it is none.
 *
 * A day has 24 hours, a business day is a day on which the calendar works. Up to two decimals, except for business days: half of a
 * day has no time of the day. At most five digits, so that no sum leaves the dates that can be written.
 */
export function parseDuration(text: string): Duration | undefined {
  const match = /^(\d{1,5}(?:\.\d{1,2})?) (business )?(second|minute|hour|day)s?$/.exec(text.trim());
  const amount = Number(match?.[1]);
  if (!match || amount === 0) return undefined;
  const unit = match[3] as keyof typeof elapsedUnits;
  const isBusiness = match[2] !== undefined;
  if (isBusiness && unit === 'day') return Number.isInteger(amount) ? { businessDays: amount } : undefined;
  const ms = Math.round(amount * elapsedUnits[unit]);
  return isBusiness ? { businessHours: ms / elapsedUnits.hour } : { ms };
}

/** True when only a calendar can say when it is over. */
export const isBusiness = (duration: Duration): boolean => !('ms' in duration);
