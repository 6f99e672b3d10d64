import { isClosedWon, toInstant, type HistoryEntry } from './deal-snapshot.js';

/** One time a deal was won. */
export interface Closing {
  /** From 1. */
  occurrence: number;
  closedAt: string;
  /** Stage it entered. */
  stage: string;
  /** Set once it left closed-won. */
  reopened?: { at: string; stage: string };
}

/**
 * Every time the deal entered a closed-won stage, from its stage history: webhooks that were lost or doubled do not miscount.
 * A move between two closed-won stages, or the same stage set again, is no new closing.
 */
export function occurrences(history: readonly HistoryEntry[], closedWonStages: readonly string[]): Closing[] {
  const closings: Closing[] = [];
  let open: Closing | undefined;
  for (const entry of oldestFirst(history)) {
    const won = isClosedWon(entry.value, closedWonStages);
    if (won && !open) {
      open = { occurrence: closings.length + 1, closedAt: toInstant(entry.timestamp), stage: entry.value };
      closings.push(open);
    } else if (!won && open) {
      open.reopened = { at: toInstant(entry.timestamp), stage: entry.value };
      open = undefined;
    }
  }
  return closings;
}

/**
 * What we knew joined with what HubSpot still tells, oldest first. HubSpot forgets all but the newest 20 values; a closing that
 * was counted once must not change its number for that.
 */
export function mergeHistory(known: readonly HistoryEntry[], observed: readonly HistoryEntry[]): HistoryEntry[] {
  const merged = new Map<string, HistoryEntry>();
  for (const { value, timestamp } of [...known, ...observed]) {
    const instant = toInstant(timestamp);
    merged.set(`${instant} ${value}`, { value, timestamp: instant });
  }
  return oldestFirst([...merged.values()]);
}

/** Stable: two changes within one millisecond keep the order they were given in. */
function oldestFirst(history: readonly HistoryEntry[]): HistoryEntry[] {
  return [...history].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
}
