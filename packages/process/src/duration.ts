/** A span of time: elapsed, or business time of a calendar. */
export type Duration = { ms: number } | { businessHours: number } | { businessDays: number };

const units = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** Reads "15 minutes", "1 day", "90 seconds" as milliseconds; undefined when it is not a duration. Days have 24 hours. */
export function parseDuration(text: string): Duration | undefined {
  const match = /^(\d+) (business )?(second|minute|hour|day)s?$/.exec(text.trim());
  const amount = Number(match?.[1]);
  if (!match || amount === 0) return undefined;
  return { ms: amount * units[match[3] as keyof typeof units] };
}
