import { randomUUID } from 'node:crypto';

/** UUIDv7 has 48 bits for its time: until the year 10889. */
const LATEST_MS = 2 ** 48 - 1;

/**
 * A new message id: UUIDv7 (RFC 9562, 5.7), which is the time in milliseconds and then random. Inboxes keep ids for good; because new
 * ones are the highest, they go to the same few pages of an index however many are known, and not each to a page of its own.
 *
 * @param nowMs wall clock in milliseconds since 1970; a clock that jumps, or is no number, costs locality, never uniqueness
 */
export function newMessageId(nowMs: number): string {
  const time = Math.min(Math.max(0, Math.trunc(nowMs) || 0), LATEST_MS)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${randomUUID().slice(15)}`;
}
