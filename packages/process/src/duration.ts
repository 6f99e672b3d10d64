const units = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** Reads "15 minutes", "1 day", "90 seconds" as milliseconds; undefined when it is not a duration. Days have 24 hours. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+) (second|minute|hour|day)s?$/.exec(text.trim());
  const amount = Number(match?.[1]);
  if (!match || amount === 0) return undefined;
  return amount * units[match[2] as keyof typeof units];
}
