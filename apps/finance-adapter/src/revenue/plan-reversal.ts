import { subtractMoney } from '@throughline/contracts';
import type { PlannedEntry } from './plan-straight-line.js';

/**
 * Entries that take a schedule back: equal and opposite, one for one. What counts for a day that is over is taken back on the day
 * of the reversal, because the books of past days stay as they were reported; what lies ahead is taken back on its own day.
 *
 * @param reversedOn day of the reversal, `YYYY-MM-DD`
 */
export function planReversal(entries: PlannedEntry[], reversedOn: string): PlannedEntry[] {
  return entries.map((entry) => ({
    ...entry,
    recognisedOn: entry.recognisedOn < reversedOn ? reversedOn : entry.recognisedOn,
    amount: subtractMoney('0', entry.amount),
  }));
}
